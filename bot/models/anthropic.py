"""Anthropic's messages.

Source: https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/api/messages-streaming
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.errors import Permanent, Retry
from bot.events import Call, ModelTurned, Usage
from bot.models.base import Brief, News, Speak, Turn, silently
from bot.models.conversation import Conversation
from bot.models.failures import failures_as_ours
from bot.models.wire import (
    CUT_OFF,
    FILTERED,
    Length,
    arguments,
    counted,
    encoded,
    harmless,
    made_up_id,
    tool_name,
)

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream

PROVIDER = "anthropic"
MOST_WRITTEN = 32_000  # tokens of one answer, thoughts included; the API wants a bound
_TOO_LONG = ("max_tokens", "model_context_window_exceeded")
_OPTIONS: Any = {"headers": {"Content-Type": "application/json"}}


class Anthropic:
    """One run's conversation with one model.

    Args:
        model: Its name at the provider.
        brief: What it is told before its first turn.
        client: The SDK's client; it does not retry.
    """

    scripted = False

    def __init__(self, model: str, brief: Brief, client: "AsyncAnthropic") -> None:
        self.name = f"{PROVIDER}:{model}"
        self._client = client
        self._history = _History(self.name, brief)
        head = {
            "model": model,
            "max_tokens": MOST_WRITTEN,
            "stream": True,
            "cache_control": {"type": "ephemeral"},  # what was sent before is read from the cache, at a tenth
            "tools": [
                {"name": tool.name, "description": tool.about, "input_schema": tool.schema}
                for tool in brief.tools
            ],
        }
        head |= {"system": brief.system} if brief.system else {}
        self._head = encoded(head)[:-1] + b',"messages":'

    def learn(self, news: Sequence[News]) -> None:
        """Append what became known."""
        self._history.learn(news)

    async def turn(self, step: int, speak: Speak = silently) -> Turn:
        """Send the conversation, and read the answer while it comes."""
        import anthropic

        answer = _Answer()
        with failures_as_ours(anthropic, self.name, answer.usage):
            stream: AsyncStream[Any] = await self._client.post(
                "/v1/messages",
                content=self._head + self._history.messages() + b"}",
                cast_to=object,
                options=_OPTIONS,
                stream=True,
                stream_cls=anthropic.AsyncStream[Any],
            )
            async with stream:
                async for event in stream:
                    answer.take(harmless(event))
                    if answer.words:
                        await speak(answer.words)
            return answer.turn(self.name, step)


class _History(Conversation):
    """Messages in turns: what became of all calls, and what was said meanwhile, is one message."""

    def __init__(self, model: str, brief: Brief) -> None:
        super().__init__(model)
        self._blocks: list[dict[str, Any]] = []
        self.told(brief.opening or brief.text)

    def told(self, words: str) -> None:
        if words.strip():  # the API refuses texts of nothing
            self._blocks.append({"type": "text", "text": words})

    def answered(self, wire_id: str, text: str, *, ok: bool) -> None:
        result = {"type": "tool_result", "tool_use_id": wire_id, "content": text, "is_error": not ok}
        # Results come first in their message, whatever was said before them.
        place = sum(block["type"] == "tool_result" for block in self._blocks)
        self._blocks.insert(place, result)

    def settle(self) -> None:
        if self._blocks:
            self.add({"role": "user", "content": self._blocks})
            self._blocks = []

    def projected(self, turned: ModelTurned) -> dict[str, Any]:
        words = [{"type": "text", "text": turned.words}] if turned.words.strip() else []
        calls = [
            {
                "type": "tool_use",
                "id": made_up_id(turned.step, place),
                "name": tool_name(call.tool),
                "input": call.args,
            }
            for place, call in enumerate(turned.calls)
        ]
        return {"role": "assistant", "content": [*words, *calls] or [{"type": "text", "text": "(nothing)"}]}

    def wire_ids(self, message: dict[str, Any]) -> list[str]:
        return [block["id"] for block in message["content"] if block.get("type") == "tool_use"]


class _Answer:
    """What came of one request, while it comes."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.blocks: dict[int, dict[str, Any]] = {}
        self.pieces: dict[tuple[int, str], list[str]] = {}  # of a block's fields
        self.length = Length()
        self._counts: dict[str, Any] = {}
        self.stop = ""
        self.ended = False

    def take(self, event: dict[str, Any]) -> None:
        """Take in one event of the stream."""
        self.length.grow(1)
        match event.get("type"):
            case "message_start":
                self._counts |= event["message"].get("usage") or {}
            case "content_block_start":
                self.blocks[event["index"]] = dict(event["content_block"])
                if text := event["content_block"].get("text"):
                    self.words.append(text)
                    self.length.grow(len(text))
            case "content_block_delta":
                self._grow(event["index"], event["delta"])
            case "message_delta":
                self.stop = event["delta"].get("stop_reason") or self.stop
                # Figures of the stream's end replace those of its beginning.
                self._counts |= {name: count for name, count in (event.get("usage") or {}).items() if count}
            case "message_stop":
                self.ended = True

    def _grow(self, index: int, delta: dict[str, Any]) -> None:
        match delta["type"]:
            case "text_delta":
                self._add(index, "text", delta["text"])
                self.words.append(delta["text"])
            case "input_json_delta":
                self._add(index, "input", delta["partial_json"])
            case "thinking_delta":
                self._add(index, "thinking", delta["thinking"])
            case "signature_delta":
                self._add(index, "signature", delta["signature"])

    def _add(self, index: int, name: str, text: str) -> None:
        self.pieces.setdefault((index, name), []).append(text)
        self.length.grow(len(text))

    def turn(self, name: str, step: int) -> Turn:
        """The turn, once all of it is there.

        Raises:
            Retry: It is not.
        """
        if not self.ended:
            raise Retry("it broke off in the middle of its answer")
        for (index, field), pieces in self.pieces.items():
            before = self.blocks[index].get(field)
            self.blocks[index][field] = (before if isinstance(before, str) else "") + "".join(pieces)
        blocks = [block for _, block in sorted(self.blocks.items())]
        words, gave_up = "".join(self.words), False
        if self.stop == "refusal":  # what it was about to do is not whole
            words, gave_up, blocks = words or FILTERED, True, []
        calls: list[Call] = []
        names: set[str] = set()
        for block in (block for block in blocks if block["type"] == "tool_use"):
            if isinstance(told := block["input"], str):
                block["input"] = arguments(told)
            if not isinstance(block.get("id"), str) or block["id"] in ("", *names):
                block["id"] = made_up_id(step, len(calls))
            names.add(block["id"])
            calls.append(Call(id=f"{step}.{len(calls) + 1}", tool=block["name"], args=block["input"]))
            block["name"] = tool_name(block["name"])
        if not calls and self.stop in _TOO_LONG:
            words, gave_up = words + CUT_OFF, not words
        # Thoughts alone, and texts of nothing, are refused when they come back.
        content = [block for block in blocks if block["type"] != "text" or block["text"].strip()]
        spoken = any(block["type"] in ("text", "tool_use") for block in content)
        wire = {"role": "assistant", "content": content} if spoken else None
        return Turn(words, tuple(calls), gave_up=gave_up, model=name, usage=self.usage(), wire=wire)

    def usage(self) -> Usage:
        """What the server counted so far."""
        cached = counted(self._counts, "cache_read_input_tokens")
        stored = counted(self._counts, "cache_creation_input_tokens")
        return Usage(
            read=counted(self._counts, "input_tokens") + cached + stored,
            cached=cached,
            stored=stored,
            written=counted(self._counts, "output_tokens"),
        )


def client(key: str, base_url: str, idle_s: float) -> "AsyncAnthropic":
    """The SDK's client, for all runs of this process.

    Args:
        key: The key.
        base_url: Where the server is; empty for Anthropic's own.
        idle_s: Seconds that may pass without a byte of an answer.

    Raises:
        Permanent: There is no key.
    """
    import anthropic
    import httpx2

    if not (key or base_url):
        raise Permanent("it has no key: an admin can set ANTHROPIC_API_KEY.")
    return anthropic.AsyncAnthropic(
        api_key=key or "none",
        base_url=base_url or "https://api.anthropic.com",
        max_retries=0,
        timeout=httpx2.Timeout(idle_s, connect=min(idle_s, 10.0)),
        http_client=anthropic.DefaultAsyncHttpxClient(limits=httpx2.Limits(max_keepalive_connections=100)),
    )
