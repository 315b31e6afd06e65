"""Commands: what there is, who may use it, and the one way to run it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from bot import permissions
from bot.actors import Actor, Origin, Role
from bot.commands.parts import After, Arguments, Flag, Nothing, Option, Pairs, Part, Quoted, Text, Word
from bot.errors import UserMistake
from bot.replies import Reply
from storage import database

__all__ = [
    "COMMANDS",
    "Act",
    "After",
    "Arguments",
    "Call",
    "Command",
    "Context",
    "Flag",
    "Nothing",
    "Option",
    "Pairs",
    "Part",
    "Quoted",
    "Text",
    "Word",
    "command",
    "mistake",
    "run",
]


@dataclass(frozen=True, slots=True)
class Call:
    """A command as a door understood it.

    Attributes:
        name: One to three words: "agent assign".
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
        name: One to three words: "help", "agent assign", "agent tools allow".
        needs: The least role that may use it, be it under a condition.
        arguments: What it takes.
        act: Does it, in the caller's transaction.
        about: One line for help.
        reads: It changes nothing, so that it may be carried out twice.
        condition: When those who have just the least role may use it, which the act checks itself: "on
            tasks you opened".
    """

    name: str
    needs: Role
    arguments: type[Arguments]
    act: Act
    about: str
    reads: bool = False
    condition: str = ""

    @property
    def usage(self) -> str:
        """How to write it: `agent assign @AGENT [--notify ADDRESS]… TEXT`."""
        return f"{self.name} {self.arguments.usage()}".rstrip()


COMMANDS: dict[str, Command] = {}


def command(
    name: str,
    needs: Role,
    arguments: type[Arguments] = Nothing,
    *,
    reads: bool = False,
    condition: str = "",
) -> Callable[[Act], Act]:
    """Put a function on the list of commands; the first line of its docstring is its help.

    Raises:
        TypeError: A field of the arguments does not say which part of the command it is.
    """
    arguments.parts()

    def register(act: Act) -> Act:
        about = (act.__doc__ or "").strip().splitlines()[0].rstrip(".")
        COMMANDS[name] = Command(name, needs, arguments, act, about, reads, condition)
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
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    if not first["loc"]:
        return f"{message[:1].upper()}{message[1:]}."
    name = str(first["loc"][0])
    part = known.arguments.parts().get(name)
    if part is None:
        return f"`{known.name}` takes no {name}."
    shown = part.flag if isinstance(part, Option) else part.shown
    if first["type"] == "missing":
        return f"{shown} is missing."
    if message[1:2].islower():  # a word, and no key or abbreviation
        message = message[:1].lower() + message[1:]
    return f"{shown} cannot be used: {message}."
