"""Who may use a command, what it takes, and that a mistake leaves nothing."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import ValidationError, field_validator

from bot.actors import Role
from bot.commands import registry
from bot.commands.registry import Arguments, Call, Command, Context, Nothing, Option, Text, Word
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


async def test_a_refusal_says_why_and_who_can_change_it(core: Core) -> None:
    """A stakeholder is refused before anything else is looked at."""
    for text in ("agent assign @ghost", "agent assign @coder x", "agent list", "task list"):
        reply = await core.does(text, core.dana)
        name = " ".join(text.split()[:2])
        why = f"`{name}` needs the role member, and yours is stakeholder. An admin can change your role."
        assert reply == Reply(why, {"error": why, "kind": "refused"}, ok=False)
    assert (await core.does("agent list", core.mel)).ok
    assert (await core.does("agent list", core.ada)).ok


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
    said = f"{says} Usage: `agent assign @AGENT [--notify ADDRESS]\u2026 TEXT`"
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


def test_a_field_without_its_part_is_a_fault() -> None:
    """Whoever writes a command and forgets to say what a field is, is told."""

    class Vague(Arguments):
        field: str

    with pytest.raises(TypeError, match="annotate the field field with Word, Option or Text"):
        Vague.parts()


def test_every_command_has_its_line_of_help() -> None:
    """A command is described by the first line of its docstring, without the full stop."""
    assert registry.COMMANDS["task cancel"].about == "Stop a task"
    assert registry.COMMANDS["agent help"].about == registry.COMMANDS["task help"].about
    for name, known in registry.COMMANDS.items():
        assert known.name == name
        assert known.usage.startswith(name)
        assert known.about
        assert not known.about.endswith(".")


async def test_help_shows_what_the_asker_may_do(core: Core) -> None:
    """A stakeholder's help is shorter than a member's, and neither names what would be refused."""
    everything = [known.usage for known in registry.COMMANDS.values()]
    for text in ("agent help", "task help", "agent", "task"):
        mine = await core.does(text, core.dana)
        usages = [row["usage"] for row in mine.data["commands"]]
        assert usages == [k.usage for k in registry.COMMANDS.values() if k.needs == Role.STAKEHOLDER]
        assert "agent assign" not in mine.text
        assert "- `task cancel T-N` \u2014 Stop a task" in mine.text
        theirs = await core.does(text, core.mel)
        assert [row["usage"] for row in theirs.data["commands"]] == everything
