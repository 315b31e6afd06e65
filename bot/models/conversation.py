"""A run's history in its provider's own wire form: each message is encoded once, and joined to the others.

To walk and type the whole conversation anew for every request, as the SDKs' own calls do, costs tens of
milliseconds a step and grows with it; ready bytes cost next to nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from bot.events import ModelTurned
from bot.models.base import ENDED_BY, Answer, News, Told
from bot.models.wire import encoded

UNKNOWN = "Nothing is known of what became of this call."


class Conversation(ABC):
    """What was said so far.

    Args:
        model: Whose it is, as `provider:model`.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._messages: list[bytes] = []
        self._open: dict[str, str] = {}  # calls that are not answered yet: their names, and those on the wire

    def learn(self, news: Sequence[News]) -> None:
        """Append what became known."""
        for item in news:
            match item:
                case ModelTurned():
                    self._close()
                    self._spoken(item)
                case Answer():
                    if wire_id := self._open.pop(item.call_id, None):
                        self.answered(wire_id, answer_text(item), ok=item.ok)
                case Told():
                    self.told(item.words)

    def messages(self) -> bytes:
        """All of it as the list that a request holds."""
        self._close()
        self.settle()
        return b"[" + b",".join(self._messages) + b"]"

    def add(self, message: dict[str, Any]) -> None:
        """Append one message."""
        self._messages.append(encoded(message))

    def _close(self) -> None:
        """Providers refuse a history with calls that were never answered."""
        for wire_id in self._open.values():
            self.answered(wire_id, UNKNOWN, ok=False)
        self._open.clear()

    def _spoken(self, turned: ModelTurned) -> None:
        """A turn as this model gave it, or as it would have, had it been its own.

        What another model of the same provider sent holds signed thoughts that this one's requests are
        refused for.
        """
        self.settle()
        own = turned.model == self._model
        message = turned.wire if own and turned.wire else self.projected(turned)
        self.add(message)
        self._open = {
            call.id: wire_id for call, wire_id in zip(turned.calls, self.wire_ids(message), strict=False)
        }

    @abstractmethod
    def settle(self) -> None:
        """Append whatever was held back until its message is whole."""

    @abstractmethod
    def told(self, words: str) -> None:
        """Append what somebody says."""

    @abstractmethod
    def answered(self, wire_id: str, text: str, *, ok: bool) -> None:
        """Append what became of a call."""

    @abstractmethod
    def projected(self, turned: ModelTurned) -> dict[str, Any]:
        """Another model's turn in this wire form."""

    @abstractmethod
    def wire_ids(self, message: dict[str, Any]) -> list[str]:
        """How a message names its calls, in order."""


def answer_text(answer: Answer) -> str:
    """What a model is told of a call that is over."""
    if answer.interrupted:
        return "[Interrupted: the worker died. Nobody knows how far the call got: look before you repeat it.]"
    parts = [f"{answer.by}:"] if answer.by else []
    said = answer.words or answer.text
    parts += [said.rstrip("\n")] if said.strip() else []
    if answer.ended_by:
        parts.append(f"[Ended: {ENDED_BY.get(answer.ended_by, answer.ended_by)}.]")
    elif answer.exit_code:
        parts.append(f"[Exit code {answer.exit_code}]")
    return "\n".join(parts) or ("[Done; it said nothing.]" if answer.ok else "[It failed, and said nothing.]")
