"""Commands: what there is, who may use it, and the one way to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from bot import permissions
from bot.actors import Actor, Origin, Role
from bot.errors import UserMistake
from bot.replies import Reply
from storage import database


@dataclass(frozen=True, slots=True)
class Word:
    """A field that is one word of the command."""

    shown: str


@dataclass(frozen=True, slots=True)
class Option:
    """A field that is given by name, before the text: `--notify a@b`; with `many`, any number of times."""

    flag: str
    shown: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A field that is the rest of the command, raw to the end."""

    shown: str


Part = Word | Option | Text


class Arguments(BaseModel):
    """What a command takes; each field is annotated with the part of the command that it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parts(cls) -> dict[str, Part]:
        """The part of each field, in order."""
        return {name: _part(name, info) for name, info in cls.model_fields.items()}

    @classmethod
    def needed(cls, name: str) -> bool:
        """Whether a command without this field is incomplete."""
        return cls.model_fields[name].is_required()


def _part(name: str, info: FieldInfo) -> Part:
    for mark in info.metadata:
        if isinstance(mark, Word | Option | Text):
            return mark
    message = f"annotate the field {name} with Word, Option or Text"
    raise TypeError(message)


class Nothing(Arguments):
    """For commands that take no arguments."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command as a door understood it.

    Attributes:
        name: Noun and verb: "agent assign".
        arguments: By field name, not yet validated.
        actor: Who asks.
        origin: Where.
    """

    name: str
    arguments: dict[str, Any]
    actor: Actor
    origin: Origin


@dataclass(frozen=True, slots=True)
class Context:
    """What a command acts with."""

    actor: Actor
    origin: Origin
    now: datetime


Act = Callable[[Context, Any], Reply]


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the grammar.

    Attributes:
        name: Noun and verb.
        needs: The least role that may use it.
        arguments: What it takes.
        act: Does it, in the caller's transaction.
        about: One line for help.
        reads: It changes nothing, so that it may be carried out twice.
    """

    name: str
    needs: Role
    arguments: type[Arguments]
    act: Act
    about: str
    reads: bool = False

    @property
    def usage(self) -> str:
        """How to write it: `agent assign @AGENT [--notify ADDRESS]… TEXT`."""
        words = [self.name]
        for name, part in self.arguments.parts().items():
            shown = f"{part.flag} {part.shown}" if isinstance(part, Option) else part.shown
            more = "…" if isinstance(part, Option) and part.many else ""
            words.append(shown if self.arguments.needed(name) else f"[{shown}]{more}")
        return " ".join(words)


COMMANDS: dict[str, Command] = {}


def command(
    name: str, needs: Role, arguments: type[Arguments] = Nothing, *, reads: bool = False
) -> Callable[[Act], Act]:
    """Put a function on the list of commands; the first line of its docstring is its help."""

    def register(act: Act) -> Act:
        about = (act.__doc__ or "").strip().splitlines()[0].rstrip(".")
        COMMANDS[name] = Command(name, needs, arguments, act, about, reads)
        return act

    return register


def run(call: Call, now: datetime) -> Reply:
    """Run one command: permission, arguments, act.

    Must be called in a transaction. A mistake undoes what the command did, and is its answer.
    """
    known = COMMANDS[call.name]
    if not permissions.may(call.actor, known.needs):
        return mistake(
            f"`{known.name}` needs the role {known.needs}, and yours is {call.actor.role}. "
            "An admin can change your role."
        )
    try:
        arguments = known.arguments.model_validate(call.arguments)
    except ValidationError as error:
        return mistake(f"{_problem(known, error)} Usage: `{known.usage}`", "usage")
    try:
        with database.savepoint():
            return known.act(Context(call.actor, call.origin, now), arguments)
    except UserMistake as error:
        return mistake(str(error))


def mistake(text: str, kind: Literal["usage", "refused"] = "refused") -> Reply:
    """The answer to a command that was not carried out."""
    return Reply(text, {"error": text, "kind": kind}, ok=False)


def _problem(known: Command, error: ValidationError) -> str:
    """The first thing that is wrong with the arguments, as a sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    part = known.arguments.parts().get(name)
    if part is None:
        return f"`{known.name}` takes no {name}."
    shown = part.flag if isinstance(part, Option) else part.shown
    if first["type"] == "missing":
        return f"{shown} is missing."
    message = first["msg"].removeprefix("Value error, ")
    return f"{shown} cannot be used: {message[0].lower()}{message[1:].rstrip('.')}."
