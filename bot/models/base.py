"""What every model is to the loop: something that takes its turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.events import Call


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one call.

    Attributes:
        call_id: Which call.
        ok: Whether it did what it was asked.
        interrupted: It never ended, because its worker died; nobody knows how far it got.
        text: What it said.
        exit_code: Of a command.
        ended_by: The limit that ended it; empty if none did.
    """

    call_id: str
    ok: bool
    text: str = ""
    interrupted: bool = False
    exit_code: int | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person told the agent.

    Attributes:
        text: What.
        by: Who, as others are shown them.
        commands: Whether they may have the agent run commands.
    """

    text: str
    by: str
    commands: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a model: calls to make, or its last words.

    Attributes:
        words: What it says, in Markdown.
        calls: What it wants done; with none of them the work is over.
        gave_up: The work is over, and did not succeed.
    """

    words: str = ""
    calls: tuple[Call, ...] = ()
    gave_up: bool = False


class Model(Protocol):
    """Decides what to do next."""

    @property
    def name(self) -> str:
        """As settings name it: `provider:model`."""

    async def turn(self, answers: Sequence[Answer], told: Sequence[Told]) -> Turn:
        """Take a turn.

        Args:
            answers: What became of the calls so far, in order.
            told: What people have told the agent since the task was opened, in order.
        """
