"""What comes of one request for a chat completion, while it comes.

Sources: https://platform.openai.com/docs/api-reference/chat-streaming, and where other servers differ:
https://api-docs.deepseek.com/guides/thinking_mode, https://docs.mistral.ai/api,
https://openrouter.ai/docs/api-reference/overview
"""

from collections.abc import AsyncIterable
from typing import Any

from bot.errors import Retry
from bot.events import Call, Usage
from bot.models.base import Speak, Turn
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

_TOO_LONG = ("length", "model_length")
_BROKEN = ("error", "insufficient_system_resource")
_SHOWN = 300


class Completion:
    """The answer to one request."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._refusal = ""
        self._finish = ""
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}  # the last call of each index
        self._thoughts: list[str] | None = None
        self._counts: object = None
        self._length = Length()

    async def read(self, stream: AsyncIterable[Any], speak: Speak) -> None:
        """Take in a stream of chunks.

        Raises:
            Retry: It broke off.
        """
        async for piece in stream:
            chunk = harmless(piece)
            self._counts = chunk.get("usage") or self._counts
            if error := chunk.get("error"):
                raise Retry(f"it broke off ({str(error)[:_SHOWN]})")
            for choice in (chunk.get("choices") or ())[:1]:
                self._take(choice.get("delta") or {})
                self._finish = str(choice.get("finish_reason") or self._finish)
            if self._words:
                await speak(self._words)
        if not self._finish or self._finish in _BROKEN:
            begun = self._words or self._calls
            raise Retry(
                f"it broke off {'in the middle of its answer' if begun else 'before it said anything'}"
            )

    def take_whole(self, message: Any) -> None:
        """Take in an answer that was not streamed.

        Raises:
            Retry: It is none.
        """
        try:
            self._counts = message.get("usage")
            (choice, *_) = message["choices"]
            self._take(choice["message"])
            self._finish = str(choice.get("finish_reason") or "stop")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Retry("what it sent is no chat completion") from error

    def usage(self) -> Usage:
        """What the server counted so far."""
        counts = self._counts
        return Usage(
            read=counted(counts, "prompt_tokens"),
            cached=counted(counts, "prompt_tokens_details", "cached_tokens"),
            stored=counted(counts, "prompt_tokens_details", "cache_write_tokens"),
            written=counted(counts, "completion_tokens"),
        )

    def turn(self, model: str, step: int) -> Turn:
        """The turn, once all of it is there.

        Args:
            model: As `provider:model`.
            step: Which step it begins.
        """
        words, gave_up = "".join(self._words), False
        found = self._calls
        if self._refusal or self._finish == "content_filter":  # what it was about to do is not whole
            words, gave_up, found = self._refusal or words or FILTERED, True, []
        elif self._finish in _TOO_LONG and not found:
            words, gave_up = words + CUT_OFF, not words
        calls = []
        names: set[str] = set()
        for place, one in enumerate(found):
            wire = one.wire
            if not wire["id"] or wire["id"] in names:
                wire["id"] = made_up_id(step, place)
            names.add(wire["id"])
            function, args = wire["function"], arguments("".join(one.arguments))
            calls.append(Call(id=f"{step}.{place + 1}", tool=function["name"], args=args))
            # Servers read the arguments of a history, and some fail on broken ones.
            function |= {"name": tool_name(function["name"]), "arguments": encoded(args).decode()}
        wire = {"role": "assistant", "content": words}
        if self._thoughts is not None:  # DeepSeek refuses a history without them
            wire["reasoning_content"] = "".join(self._thoughts)
        if found:
            wire |= {"content": words or None, "tool_calls": [one.wire for one in found]}
        return Turn(words, tuple(calls), gave_up=gave_up, model=model, usage=self.usage(), wire=wire)

    def _take(self, delta: dict[str, Any]) -> None:
        """Take in a piece of the message, or all of it."""
        self._length.grow(1)
        if words := _said(delta.get("content")):
            self._words.append(words)
            self._length.grow(len(words))
        if isinstance(refusal := delta.get("refusal"), str):
            self._refusal += refusal
            self._length.grow(len(refusal))
        if "reasoning_content" in delta:
            self._thoughts = self._thoughts or []
            self._thoughts.append(_said(delta["reasoning_content"]))
            self._length.grow(len(self._thoughts[-1]))
        for piece in delta.get("tool_calls") or ():
            function = piece.get("function") or {}
            name, wire_id = str(function.get("name") or ""), str(piece.get("id") or "")
            text = _text(function.get("arguments"))
            self._length.grow(len(name) + len(text))
            call = self._call(piece.get("index"), name, wire_id)
            call.grow(name, wire_id, text)
            # Gemini wants its signatures back, which stand beside these.
            call.wire |= {name: value for name, value in piece.items() if name not in (*call.wire, "index")}

    def _call(self, index: object, name: str, wire_id: str) -> "_Call":
        """The call that a piece belongs to.

        Servers that leave the index out, or give each call the same, send each call whole: a new one has
        another id, or none and a name.
        """
        if isinstance(index, int):
            known = self._at.get(index)
            if known and name and wire_id and wire_id != known.wire["id"]:
                known = None
        elif wire_id:
            known = next((call for call in self._calls if call.wire["id"] == wire_id), None)
        else:
            known = self._calls[-1] if self._calls and not name else None
        if known is None:
            known = _Call()
            self._calls.append(known)
        if isinstance(index, int):
            self._at[index] = known
        return known


class _Call:
    """A call, while it comes."""

    def __init__(self) -> None:
        self.wire: dict[str, Any] = {"id": "", "type": "function", "function": {"name": ""}}
        self.arguments: list[str] = []

    def grow(self, name: str, wire_id: str, text: str) -> None:
        """Take in a piece of it."""
        function = self.wire["function"]
        if name != function["name"]:  # some repeat the name with every piece
            function["name"] += name
        self.wire["id"] = self.wire["id"] or wire_id
        self.arguments.append(text)


def _said(content: object) -> str:
    """Words as text; Mistral sends those of some models in parts."""
    if isinstance(content, list):
        return "".join(_said(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _text(given: object) -> str:
    """Arguments as text; some servers send them as the object that they are."""
    return given if isinstance(given, str) else "" if given is None else encoded(given).decode()
