"""What every model is to the loop: it is fed what became known, and takes its turn.

Whatever it is fed comes from the task's events, in their order; so a worker that takes a run over feeds a new
model the same, and it knows the same.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.errors import Retry
from bot.events import Call, ModelTurned, Usage

# What the limits of a command are to an agent: why it ended.
ENDED_BY = {
    "timeout": "it took longer than it may",
    "memory": "it used more memory than it may",
    "disk": "it wrote more than the workspace may hold",
    "inodes": "it made more files than the workspace may hold",
    "output": "it printed more than it may",
    "processes": "it started more processes than it may",
}


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool, as a model is told of it.

    Attributes:
        name: What it is called by.
        about: What it does.
        schema: JSON schema of its arguments (https://json-schema.org/draft/2020-12).
    """

    name: str
    about: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model is told before its first turn.

    Attributes:
        text: The task's text as it was written, for models that follow it to the letter.
        system: Who it is, and how it works.
        opening: What it is to do, with what was said before; what nobody vouches for is marked as such.
        tools: What it can call.
    """

    text: str
    system: str = ""
    opening: str = ""
    tools: tuple[ToolSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one call.

    Attributes:
        call_id: Which call.
        ok: Whether it did what it was asked.
        interrupted: It never ended, because its worker died; nobody knows how far it got.
        text: What it said.
        words: The same for a model, where that is to be told more than the text.
        exit_code: Of a command.
        ended_by: The limit that ended it; empty if none did.
        by: Who gave it, and by which door, where a person did.
    """

    call_id: str
    ok: bool
    text: str = ""
    words: str = ""
    interrupted: bool = False
    exit_code: int | None = None
    ended_by: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent is told while it works.

    Attributes:
        text: As it was written; empty where it comes from no person.
        words: The same for a model: who says it, by which door, and whether it instructs.
        commands: Whether whoever says it may have the agent run commands.
    """

    text: str
    words: str
    commands: bool = False


# What became known: an answer, what somebody said, or a turn that was taken, by this model or by another one.
News = Answer | Told | ModelTurned


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a model: calls to make, or its last words.

    Attributes:
        words: What it says, in Markdown.
        calls: What it wants done; with none of them the work is over.
        gave_up: The work is over, and did not succeed.
        model: Which one it was, as `provider:model`.
        usage: What the turn used; None of a model that uses nothing.
        wire: The message as the provider sent it.
    """

    words: str = ""
    calls: tuple[Call, ...] = ()
    gave_up: bool = False
    model: str = ""
    usage: Usage | None = None
    wire: dict[str, Any] | None = field(default=None, compare=False)


class WastedError(Retry):
    """A try that failed after its provider had counted it: it is paid for all the same.

    Args:
        error: Why it failed.
        usage: What it used.
    """

    def __init__(self, error: Retry, usage: Usage) -> None:
        super().__init__(str(error), error.after_s)
        self.usage = usage


# Called while a model speaks, with the pieces of what it says; a try that begins anew has pieces of its own.
Speak = Callable[[Sequence[str]], Awaitable[None]]


async def silently(_: Sequence[str]) -> None:
    """Let nobody hear what is being said."""


class Model(Protocol):
    """Decides what to do next.

    Attributes:
        scripted: It follows a script: to do the same again and again is no sign that it is stuck.
    """

    scripted: bool

    def learn(self, news: Sequence[News]) -> None:
        """Take in what became known, in order. A turn of its own counts only once it is told of it."""

    async def turn(self, step: int, speak: Speak = silently) -> Turn:
        """Take a turn.

        Args:
            step: Which step it begins: names of calls are made from it.
            speak: Hears the words while they come.

        Raises:
            Retry: It could not this time.
            Permanent: It never will.
        """
