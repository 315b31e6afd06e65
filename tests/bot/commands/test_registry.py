"""Who may use a command, what it takes, and that a mistake leaves nothing."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator

from bot.actors import Role
from bot.commands import registry
from bot.commands.registry import (
    After,
    Arguments,
    Call,
    Command,
    Context,
    Flag,
    Nothing,
    Option,
    Pairs,
    Quoted,
    Text,
    Word,
    command,
)
from bot.errors import Refused, UserMistake
from bot.events import decode
from bot.replies import Reply
from storage import database
from storage.tables import Inbox
from tests.fakes.core import CLI, NOON, Core


class Odd(Arguments):
    """Arguments of every kind."""

    size: Annotated[int, Word("SIZE")]
    colour: Annotated[str, Option("--colour", "NAME")] = "red"
    tag: Annotated[tuple[str, ...], Option("--tag", "T", many=True)] = ()
    must: Annotated[str, Option("--must", "M")]
    text: Annotated[str, Text("TEXT")]

    @field_validator("colour")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in {"red", "blue"}:
            message = "There is red and blue."
            raise ValueError(message)
        return value


@pytest.fixture
def commands() -> Iterator[dict[str, Command]]:
    """The list of commands, for a test to add to."""
    before = dict(registry.COMMANDS)
    yield registry.COMMANDS
    registry.COMMANDS.clear()
    registry.COMMANDS.update(before)


async def run(name: str, core: Core, **arguments: object) -> Reply:
    return await database.run(registry.run, Call(name, arguments, core.mel, CLI), NOON)


@pytest.mark.parametrize("name", list(registry.COMMANDS))
async def test_a_refusal_says_why_and_who_can_change_it(core: Core, name: str) -> None:
    """Who lacks the role is refused before anything else is looked at, and nobody else is so."""
    needs = registry.COMMANDS[name].needs
    for actor in (core.dana, core.mel, core.ada):
        call = Call(name, {"zzz": 1}, actor, CLI)
        reply = await database.run(registry.run, call, NOON)
        if actor.role.includes(needs):
            assert reply.text.startswith(f"`{name}` takes no zzz.") or "is missing." in reply.text
        else:
            why = (
                f"`{name}` needs the role {needs}, and yours is {actor.role}. An admin can change your role."
            )
            assert reply == Reply(why, {"error": why, "kind": "refused"}, ok=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent assign", "@AGENT is missing."),
        ("agent assign @coder", "TEXT is missing."),
        ("agent assign @coder --notify nobody x", "--notify cannot be used: 'nobody' is no email address."),
        (
            "agent assign @coder " + " ".join(f"--notify a{n}@b" for n in range(21)) + " x",
            "--notify cannot be used: at most 20 addresses can be notified.",
        ),
    ],
)
async def test_wrong_arguments_are_answered_with_the_usage(core: Core, text: str, says: str) -> None:
    """What is missing or wrong is one sentence, and the usage follows."""
    reply = await core.does(text, core.mel)
    said = f"{says} Usage: `{registry.COMMANDS['agent assign'].usage}`"
    assert reply == Reply(said, {"error": said, "kind": "usage"}, ok=False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"must": "m", "text": "x"}, "SIZE is missing."),
        ({"size": "1", "text": "x"}, "--must is missing."),
        ({"size": "big", "must": "m", "text": "x"}, "SIZE cannot be used: input should be a valid integer"),
        ({"size": 1, "must": "m", "text": "", "colour": ""}, "--colour cannot be used: there is red"),
        ({"size": 1, "must": "m", "text": "x", "more": 1}, "`odd do` takes no more."),
        ({"size": 1, "must": "m", "text": 5}, "TEXT cannot be used: input should be a valid string. "),
    ],
)  # fmt: skip
async def test_each_kind_of_argument_has_its_name(
    core: Core, commands: dict[str, Command], arguments: dict[str, object], says: str
) -> None:
    """A problem names the argument as people write it."""
    commands["odd do"] = Command("odd do", Role.MEMBER, Odd, lambda *_: Reply("done"), "Do it")
    reply = await run("odd do", core, **arguments)
    assert not reply.ok
    assert reply.text.startswith(says)
    assert reply.text.endswith("Usage: `odd do SIZE [--colour NAME] [--tag T]\u2026 --must M TEXT`")


async def test_a_command_gets_what_was_understood(core: Core, commands: dict[str, Command]) -> None:
    """The act sees who asks, where and when, and validated arguments."""
    seen = []

    def act(context: Context, arguments: Odd) -> Reply:
        seen.append((context, arguments))
        return Reply("done")

    commands["odd do"] = Command("odd do", Role.MEMBER, Odd, act, "Do it")
    assert await run("odd do", core, size="7", must="m", text="x", tag=["a"]) == Reply("done")
    assert seen == [(Context(core.mel, CLI, NOON), Odd(size=7, must="m", text="x", tag=("a",)))]


@pytest.mark.parametrize("error", [UserMistake("Mend it."), Refused("Mend it.")])
async def test_a_mistake_undoes_what_the_command_did(
    core: Core, commands: dict[str, Command], error: UserMistake
) -> None:
    """A mistake half-way is the answer; the rows written before it are gone, those around it stay."""

    def act(*_: object) -> Reply:
        Inbox.create(key="half", at=NOON)
        raise error

    def door() -> Reply:
        Inbox.create(key="around", at=NOON)
        return registry.run(Call("odd do", {}, core.mel, CLI), NOON)

    commands["odd do"] = Command("odd do", Role.MEMBER, Nothing, act, "Do it")
    reply = await database.run(door)
    assert reply == Reply("Mend it.", {"error": "Mend it.", "kind": "refused"}, ok=False)
    assert await database.run(lambda: [row.key for row in Inbox.select()]) == ["around"]


@pytest.mark.parametrize("error", [KeyError, ValidationError])
async def test_a_fault_of_ours_is_no_mistake_of_theirs(
    core: Core, commands: dict[str, Command], error: type[Exception]
) -> None:
    """What a command breaks at is raised, and undone; nobody is told that they wrote it wrongly."""

    def act(*_: object) -> Reply:
        Inbox.create(key="half", at=NOON)
        if error is ValidationError:
            decode(b'{"stored": "bytes that are no event"}')
        raise KeyError

    commands["odd do"] = Command("odd do", Role.MEMBER, Nothing, act, "Do it")
    with pytest.raises(error):
        await run("odd do", core)
    assert await database.run(Inbox.select().count) == 0


async def test_arguments_that_do_not_go_together(core: Core, commands: dict[str, Command]) -> None:
    """A problem of the whole is its own sentence, beside the usage."""

    class Either(Arguments):
        one: Annotated[str, Option("--one", "X")] = ""
        two: Annotated[str, Option("--two", "Y")] = ""

        @model_validator(mode="after")
        def _either(self) -> "Either":
            if self.one and self.two:
                message = "give --one or --two, not both"
                raise ValueError(message)
            return self

    commands["odd do"] = Command("odd do", Role.MEMBER, Either, lambda *_: Reply("done"), "Do it")
    reply = await run("odd do", core, one="1", two="2")
    assert reply.text == "Give --one or --two, not both. Usage: `odd do [--one X] [--two Y]`"
    assert (await run("odd do", core, one="1")).ok


def test_usage_shows_each_part_as_it_is_written() -> None:
    """What may be left out stands in brackets, and what must stand last stands last."""

    class All(Arguments):
        until: Annotated[str, After("for", "TIME")] = ""
        agent: Annotated[str, Word("AGENT")]
        pattern: Annotated[str, Quoted("PATTERN")] = ""
        values: Annotated[dict[str, str], Pairs("key=value")] = Field(default={})
        plan: Annotated[bool, Flag("--plan")] = False
        tag: Annotated[tuple[str, ...], Option("--tag", "T", many=True)] = ()

    assert All.usage() == 'AGENT ["PATTERN"] [key=value]\u2026 [--plan] [--tag T]\u2026 [for TIME]'
    known = Command("odd do", Role.MEMBER, Nothing, lambda *_: Reply("done"), "Do it")
    assert known.usage == "odd do"


def test_a_command_is_put_on_the_list(commands: dict[str, Command]) -> None:
    """With its help from the docstring, and the condition for those who have just the least role."""

    @command("odd do", needs=Role.STAKEHOLDER, arguments=Odd, reads=True, condition="on your own")
    def act(*_: object) -> Reply:
        """Do it.

        Thoroughly.
        """
        return Reply("done")

    assert commands["odd do"] == Command("odd do", Role.STAKEHOLDER, Odd, act, "Do it", True, "on your own")  # noqa: FBT003  a dataclass


def test_a_field_without_its_part_is_a_fault() -> None:
    """Whoever writes a command and forgets to say what a field is, is told when it is put on the list."""

    class Vague(Arguments):
        field: str

    with pytest.raises(TypeError, match="annotate the field field with the part of the command"):
        command("odd do", needs=Role.MEMBER, arguments=Vague)


def test_every_command_has_its_line_of_help() -> None:
    """A command is described by the first line of its docstring, without the full stop."""
    assert registry.COMMANDS["task cancel"].about == "Stop a task"
    for name, known in registry.COMMANDS.items():
        assert known.name == name
        assert 1 <= len(name.split()) <= 3
        assert known.usage.startswith(name)
        assert known.about
        assert not known.about.endswith(".")
