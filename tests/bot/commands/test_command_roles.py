"""The table of who may what: as it was designed, as the registry has it, and as people find it."""

import re

import pytest

from bot.actors import Actor, Role
from bot.commands import grammar, registry
from bot.commands.registry import COMMANDS
from bot.replies import Reply
from storage import database, subscriptions
from tests.fakes.core import GENERAL, NOON, Core

TABLE = {
    "on tasks they take part in": (
        "stakeholder",
        "task show, task say, task files, task diff, task report, task watch, task unwatch, task mute",
    ),
    "where named as an approver": ("stakeholder", "task approve, task deny"),
    "to an agent opened to them": ("stakeholder", "agent assign"),
    "for oneself": ("stakeholder", "agent people link"),
    "always": ("stakeholder", "help, agent help, task help"),
    "who opened it": ("stakeholder", "task cancel, task pause, task resume, task retry"),
    "members": (
        "member",
        """agent run, agent runbooks, agent list, agent show, agent workspaces list, agent workspaces show,
        task list, task find, task notify, task assign""",
    ),
    "admins": (
        "admin",
        """agent create, agent edit, agent pause, agent resume, agent retire, agent tools, agent tools allow,
        agent tools ask, agent tools deny, agent tools explain, agent tools reset, agent people list,
        agent people role, agent channel set, agent channel show, agent deadletters""",
    ),
}
NEEDS = {name: Role(role) for role, names in TABLE.values() for name in re.split(r",\s+", names)}
GIVEN = {
    "agent assign": "@coder Fix it",
    "agent channel set": "--agent @coder",
    "agent create": "tester",
    "agent edit": "coder --about Tests",
    "agent people link": "new@example.org",
    "agent people role": "<@U0BEN> stakeholder",
    "agent run": "none",
    "agent tools allow": "coder terminal",
    "agent tools ask": "coder terminal",
    "agent tools deny": "coder terminal",
    "agent tools explain": "coder terminal ls",
    "agent tools reset": "coder",
    "agent workspaces show": "t-1",
    "task approve": "T-1",
    "task assign": "T-1 @analyst",
    "task deny": "T-1",
    "task find": "hello",
    "task notify": "T-1 new@example.org",
    "task say": "T-1 hello",
}


def typed(name: str) -> str:
    """A command as somebody could type it."""
    if name.startswith("task ") and name not in GIVEN and name not in ("task list", "task help"):
        return f"{name} T-1"
    alone = {"agent pause", "agent resume", "agent retire", "agent show"}
    return f"{name} {'coder' if name in alone else GIVEN.get(name, '')}".strip()


def test_every_command_is_in_the_table() -> None:
    """The registry has exactly the commands of the table, each for the role that the table names."""
    assert {name: known.needs for name, known in COMMANDS.items()} == NEEDS


class _UndoneError(Exception):
    """Carries an answer out of a transaction that is undone."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


async def tried(name: str, who: Actor) -> Reply:
    """What a command would answer; nothing is changed by it."""

    def run() -> None:
        parsed = grammar.parse(typed(name), 1_000)
        call = registry.Call(parsed.name, parsed.arguments, who, GENERAL)
        raise _UndoneError(registry.run(call, NOON))

    try:
        await database.run(run)
    except _UndoneError as undone:
        return undone.reply
    raise AssertionError


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_exactly_its_commands(core: Core, role: Role) -> None:
    """Whoever's role does not suffice is told which does."""
    await core.opens(origin=GENERAL)
    await database.run(subscriptions.add, 1, "email", "dana@example.org")
    who: Actor = {Role.STAKEHOLDER: core.dana, Role.MEMBER: core.ben, Role.ADMIN: core.ada}[role]
    held_back = {name for name in NEEDS if "needs the role" in (await tried(name, who)).text}
    assert held_back == {name for name, needs in NEEDS.items() if not role.includes(needs)}


@pytest.mark.parametrize(
    "name",
    ["agent assign", "task approve", "task deny", "task cancel", "task pause", "task resume", "task retry"],
)
async def test_conditions_hold_stakeholders_back(core: Core, name: str) -> None:
    """On a task that others opened, and that nobody named them for, a stakeholder is refused."""
    await core.opens(origin=GENERAL)
    await database.run(subscriptions.add, 1, "email", "dana@example.org")
    reply = await core.does(typed(name), core.dana)
    assert not reply.ok


@pytest.mark.parametrize("role", list(Role))
async def test_help_shows_what_one_may(core: Core, role: Role) -> None:
    """Help is made from the registry: a command is in it exactly for those who may use it."""
    who: Actor = {Role.STAKEHOLDER: core.dana, Role.MEMBER: core.ben, Role.ADMIN: core.ada}[role]
    shown: set[str] = set()
    for noun in ("agent", "task"):
        data = (await core.does(f"help {noun}", who)).data
        shown |= {row["name"] for row in data["commands"]}
    assert shown == {name for name, needs in NEEDS.items() if role.includes(needs) and name != "help"}
