"""Help is made from the registry, and shows only what the asker may do."""

from collections.abc import Iterator
from typing import Annotated

import pytest

from bot.actors import Actor, Role
from bot.commands import registry
from bot.commands.registry import Arguments, Command, Nothing, Word
from bot.delivery.mrkdwn import from_markdown
from bot.replies import Reply
from tests.fakes.core import Core

SLACK_CHARS = 3_500


class OneTask(Arguments):
    """A word."""

    task: Annotated[str, Word("T-N")]


TABLE: list[tuple[str, Role, type[Arguments], str]] = [
    ("agent assign", Role.MEMBER, Nothing, ""),
    ("agent tools", Role.ADMIN, Nothing, ""),
    ("agent tools allow", Role.ADMIN, Nothing, ""),
    ("agent tools deny", Role.ADMIN, Nothing, ""),
    ("agent people link", Role.STAKEHOLDER, Nothing, "for yourself"),
    ("task show", Role.STAKEHOLDER, OneTask, ""),
    ("task cancel", Role.STAKEHOLDER, OneTask, "on tasks you opened"),
    ("task list", Role.MEMBER, Nothing, ""),
]


@pytest.fixture
def table() -> Iterator[None]:
    """A small table of commands beside the real help."""
    before = dict(registry.COMMANDS)
    registry.COMMANDS.clear()
    for name, needs, takes, condition in TABLE:
        registry.COMMANDS[name] = Command(
            name, needs, takes, lambda *_: Reply("done"), f"Do {name}", condition=condition
        )
    for name in ("help", "agent help", "task help"):
        registry.COMMANDS[name] = before[name]
    yield
    registry.COMMANDS.clear()
    registry.COMMANDS.update(before)


def names(reply: Reply) -> list[str]:
    assert reply.ok, reply.text
    return [row["name"] for row in reply.data["commands"]]


@pytest.mark.usefixtures("table")
async def test_help_shows_the_groups(core: Core) -> None:
    """Nothing at all, or `help`, shows each group with its verbs on one line."""
    for text in ("", "help"):
        assert (await core.does(text, core.ada)).text.splitlines() == [
            "**What you can do**",
            "- `agent` assign · tools · help",
            "- `agent tools` allow · deny",
            "- `agent people` link",
            "- `task` show · cancel · list · help",
            "- help",
            "",
            "More about one: `help agent`, `help task show`",
        ]


@pytest.mark.usefixtures("table")
async def test_the_asker_is_shown_what_they_may_do(core: Core) -> None:
    """A stakeholder's help is shorter than a member's, and an admin's is the longest."""
    assert names(await core.does("help", core.dana)) == [
        "agent people link",
        "task show",
        "task cancel",
        "help",
        "agent help",
        "task help",
    ]
    assert names(await core.does("agent", core.mel)) == ["agent assign", "agent people link", "agent help"]
    assert len(names(await core.does("help", core.ada))) == len(registry.COMMANDS)
    assert "agent tools" not in (await core.does("help", core.mel)).text


@pytest.mark.usefixtures("table")
async def test_a_group_shows_its_commands(core: Core) -> None:
    """With usage and about; the groups below it are one line each, and can be asked for by one word."""
    assert (await core.does("agent", core.ada)).text.splitlines()[:6] == [
        "**agent**",
        "- `agent assign` — Do agent assign",
        "- `agent tools` — Do agent tools",
        "- `agent help [TOPIC]` — Show what you can do with agents",
        "- `agent tools` allow · deny",
        "- `agent people` link",
    ]
    for text in (
        "help agent tools",
        "agent help tools",
        "help tools",
        "agent tools help",
        "HELP `/Agent Tools`",
    ):
        reply = await core.does(text, core.ada)
        assert names(reply) == ["agent tools", "agent tools allow", "agent tools deny"]
        assert "- `agent tools deny` — Do agent tools deny\n" in reply.text


@pytest.mark.usefixtures("table")
async def test_one_command_can_be_asked_about(core: Core) -> None:
    """By its name, or by a word of it that several share."""
    assert names(await core.does("help task show", core.dana)) == ["task show"]
    assert names(await core.does("task cancel --help", core.dana)) == ["task cancel"]
    assert names(await core.does("help help", core.dana)) == ["help"]
    assert names(await core.does("help link", core.dana)) == ["agent people link"]
    for text in ("agent help task show", "agent help /task show", "task help task show", "task help show"):
        assert names(await core.does(text, core.dana)) == ["task show"]


@pytest.mark.usefixtures("table")
async def test_a_condition_is_told_to_whom_it_binds(core: Core) -> None:
    """Only those who have just the least role are told when they may."""
    line = "- `task cancel T-N` — Do task cancel"
    assert f"{line} (on tasks you opened)\n" in (await core.does("task", core.dana)).text
    assert f"{line}\n" in (await core.does("task", core.mel)).text
    rows = (await core.does("help task cancel", core.dana)).data["commands"]
    assert rows == [
        {
            "name": "task cancel",
            "usage": "task cancel T-N",
            "about": "Do task cancel",
            "condition": "on tasks you opened",
        }
    ]


@pytest.mark.usefixtures("table")
async def test_help_about_nothing_says_what_to_do(core: Core) -> None:
    """What is not open says who can change it; what is not there says where to look."""
    refused = await core.does("help agent tools", core.mel)
    assert refused.data["error"] == (
        "`agent tools` is not open to the role member. An admin can change your role."
    )
    for text in ("help zzz", "agent help zzz", f"help {'z' * 999}"):
        reply = await core.does(text, core.mel)
        assert reply.text.startswith("There is no command `")
        assert reply.text.endswith("to tell about. Try `help`.")
        assert len(reply.text) < 130


async def test_help_is_short_enough_for_slack(core: Core) -> None:
    """Whoever asks about whatever there is gets an answer that is not cut."""
    topics = {" ".join(name.split()[:count]) for name in registry.COMMANDS for count in range(3)}

    async def length(actor: Actor, topic: str) -> int:
        return len(from_markdown((await core.does(f"help {topic}", actor)).text))

    longest = [await length(actor, topic) for actor in (core.ada, core.mel, core.dana) for topic in topics]
    assert max(longest) < SLACK_CHARS


async def test_the_real_help_is_not_richer_than_the_role(core: Core) -> None:
    """Each role is shown exactly the commands that its role suffices for."""
    for actor in (core.ada, core.mel, core.dana):
        shown = names(await core.does("help", actor))
        assert shown == [
            name for name, known in registry.COMMANDS.items() if actor.role.includes(known.needs)
        ]
