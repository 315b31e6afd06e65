"""OpenAI's chat completions, and every server that speaks them: vLLM, Ollama, OpenRouter, Gemini, Mistral.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import AsyncIterable, Sequence
from typing import TYPE_CHECKING, Any

from bot.errors import Permanent, Retry
from bot.events import Call, ModelTurned, Usage
from bot.models.base import Brief, News, Speak, Turn, silently
from bot.models.conversation import Conversation
from bot.models.failures import failures_as_ours
from bot.models.wire import Length, arguments, encoded, harmless, loaded, made_up_id, tool_name

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

PROVIDER = "openai"
CUT_OFF = "\n\n(The answer was cut off: it was longer than the model may write.)"
_COUNTED = {"stream_options": {"include_usage": True}}
_OPTIONS: Any = {"headers": {"Content-Type": "application/json"}}


class OpenAI:
    """One run's conversation with one model.

    Args:
        model: Its name at the provider.
        brief: What it is told before its first turn.
        client: The SDK's client; it does not retry.
    """

    scripted = False

    def __init__(self, model: str, brief: Brief, client: "AsyncOpenAI") -> None:
        self.name = f"{PROVIDER}:{model}"
        self._client = client
        self._history = _History(brief)
        tools = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.about, "parameters": tool.schema},
            }
            for tool in brief.tools
        ]
        self._request: dict[str, Any] = {"model": model, "stream": True, **_COUNTED}
        self._request |= {"tools": tools} if tools else {}
        self._head = encoded(self._request)[:-1]

    def learn(self, news: Sequence[News]) -> None:
        """Append what became known."""
        self._history.learn(news)

    async def turn(self, step: int, speak: Speak = silently) -> Turn:
        """Send the conversation, and read the answer while it comes."""
        try:
            return await self._asked(step, speak)
        except Permanent as error:
            # Not every server counts while it streams; one that does not know the word refuses it.
            if not (_COUNTED.keys() <= self._request.keys() and next(iter(_COUNTED)) in str(error)):
                raise
        self._request = {name: value for name, value in self._request.items() if name not in _COUNTED}
        self._head = encoded(self._request)[:-1]
        return await self._asked(step, speak)

    async def _asked(self, step: int, speak: Speak) -> Turn:
        import openai

        body = self._head + b',"messages":' + self._history.messages() + b"}"
        with failures_as_ours(openai, self.name):
            stream: AsyncStream[object] = await self._client.post(
                "/chat/completions",
                content=body,
                cast_to=object,
                options=_OPTIONS,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            async with stream:
                if "json" in stream.response.headers.get("content-type", ""):  # it does not stream
                    answer = _whole(loaded(await stream.response.aread()))
                else:
                    answer = await _streamed(stream, speak)
            return answer.turn(self.name, step)


class _History(Conversation):
    """Messages as chat completions have them."""

    def __init__(self, brief: Brief) -> None:
        super().__init__(PROVIDER)
        if brief.system:
            self.add({"role": "system", "content": brief.system})
        self.told(brief.opening or brief.text)

    def settle(self) -> None:
        """Each message is whole at once."""

    def told(self, words: str) -> None:
        self.add({"role": "user", "content": words})

    def answered(self, wire_id: str, text: str, *, ok: bool) -> None:  # noqa: ARG002  the text says it
        self.add({"role": "tool", "tool_call_id": wire_id, "content": text})

    def projected(self, turned: ModelTurned) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turned.words}
        if turned.calls:
            message["tool_calls"] = [
                {
                    "id": made_up_id(turned.step, place),
                    "type": "function",
                    "function": {"name": tool_name(call.tool), "arguments": encoded(call.args).decode()},
                }
                for place, call in enumerate(turned.calls)
            ]
        return message

    def wire_ids(self, message: dict[str, Any]) -> list[str]:
        return [call["id"] for call in message.get("tool_calls", ())]


class _Answer:
    """What came of one request, while it comes."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.refusal = ""
        self.finish = ""
        self.calls: dict[int, dict[str, Any]] = {}
        self.arguments: dict[int, list[str]] = {}
        self.length = Length()
        self.usage: dict[str, Any] = {}

    def take(self, delta: dict[str, Any]) -> None:
        """Take in a piece of the message, or all of it."""
        if isinstance(content := delta.get("content"), str) and content:
            self.words.append(content)
            self.length.grow(content)
        if isinstance(refusal := delta.get("refusal"), str):
            self.refusal += refusal
        for place, piece in enumerate(delta.get("tool_calls") or ()):
            index = piece.get("index")
            # A server that leaves the index out sends each call whole, under a name of its own.
            key = index if isinstance(index, int) else self._place_of(piece.get("id"), place)
            call = self.calls.setdefault(key, {"id": "", "type": "function", "function": {}})
            function = piece.get("function") or {}
            said = call["function"]
            said["name"] = said.get("name", "") + (function.get("name") or "")
            text = _text(function.get("arguments"))
            self.arguments.setdefault(key, []).append(text)
            self.length.grow(text)
            call["id"] = call["id"] or str(piece.get("id") or "")
            # Gemini wants its signatures back, which stand beside these.
            call |= {name: value for name, value in piece.items() if name not in (*call, "index")}

    def _place_of(self, wire_id: object, place: int) -> int:
        known = next((key for key, call in self.calls.items() if wire_id and call["id"] == wire_id), None)
        return known if known is not None else len(self.calls) if wire_id else place

    def turn(self, name: str, step: int) -> Turn:
        """The turn, once all of it is there."""
        words = "".join(self.words)
        keys = sorted(self.calls)
        found = [self.calls[key] for key in keys]
        gave_up = False
        if not found:
            if self.finish == "length":
                words += CUT_OFF
            elif self.finish == "content_filter" or self.refusal:
                words, gave_up = self.refusal or words or "The provider's filter stopped the answer.", True
        calls = []
        names: set[str] = set()
        for place, (key, call) in enumerate(zip(keys, found, strict=True)):
            if not call["id"] or call["id"] in names:
                call["id"] = made_up_id(step, place)
            names.add(call["id"])
            args = arguments("".join(self.arguments[key]))
            # Servers read the arguments of a history, and some fail on broken ones.
            call["function"]["arguments"] = encoded(args).decode()
            calls.append(Call(id=f"{step}.{place + 1}", tool=call["function"]["name"], args=args))
            call["function"]["name"] = tool_name(call["function"]["name"])
        wire: dict[str, Any] = {"role": "assistant", "content": words or None}
        if found:
            wire["tool_calls"] = found
        else:
            wire["content"] = words
        usage = _usage(self.usage)
        return Turn(words, tuple(calls), gave_up=gave_up, model=name, usage=usage, wire=wire)


async def _streamed(stream: "AsyncIterable[Any]", speak: Speak) -> _Answer:
    answer = _Answer()
    async for piece in stream:
        chunk = harmless(piece)
        answer.usage = chunk.get("usage") or answer.usage
        if isinstance(error := chunk.get("error"), dict):
            raise Retry(f"it broke off: {error.get('message', 'an error')}")
        for choice in (chunk.get("choices") or ())[:1]:
            answer.take(choice.get("delta") or {})
            answer.finish = choice.get("finish_reason") or answer.finish
        if answer.words:
            await speak(answer.words)
    if not answer.finish and not answer.calls and not answer.words:
        raise Retry("it broke off before it said anything")
    if not answer.finish:
        raise Retry("it broke off in the middle of its answer")
    return answer


def _whole(message: Any) -> _Answer:
    answer = _Answer()
    try:
        answer.usage = message.get("usage") or {}
        (choice, *_) = message["choices"]
        answer.take(choice["message"])
        answer.finish = choice.get("finish_reason") or "stop"
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Retry("what it sent is no chat completion") from error
    return answer


def _text(given: object) -> str:
    """Arguments as text; some servers send them as the object that they are."""
    return given if isinstance(given, str) else "" if given is None else encoded(given).decode()


def _usage(told: dict[str, Any]) -> Usage:
    details = told.get("prompt_tokens_details") or {}
    return Usage(
        read=int(told.get("prompt_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
        written=int(told.get("completion_tokens") or 0),
    )


def client(key: str, base_url: str, idle_s: float) -> "AsyncOpenAI":
    """The SDK's client, for all runs of this process.

    Args:
        key: The key; a server of one's own may need none.
        base_url: Where the server is; empty for OpenAI's own.
        idle_s: Seconds that may pass without a byte of an answer.

    Raises:
        Permanent: There is no key.
    """
    import httpx2
    import openai

    if not (key or base_url):
        raise Permanent(
            "it has no key: an admin can set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."
        )
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=base_url or "https://api.openai.com/v1",
        max_retries=0,
        timeout=httpx2.Timeout(idle_s, connect=min(idle_s, 10.0)),
        http_client=openai.DefaultAsyncHttpxClient(limits=httpx2.Limits(max_keepalive_connections=100)),
    )
