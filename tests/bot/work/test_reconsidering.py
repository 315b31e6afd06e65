"""Rules that change while a call waits for a person's word."""

import pytest

from bot.app import configuration
from bot.events import ApprovalWithdrawn
from storage import database
from tests.fakes.asking import asked, begins, facts, state
from tests.fakes.core import NOON, Core, held


async def gone() -> list[str]:
    """Why approvals were withdrawn."""
    return [fact.why for fact in await facts() if isinstance(fact, ApprovalWithdrawn)]


@pytest.mark.parametrize(
    ("command", "course", "why"),
    [
        (
            'tools allow coder terminal "git push *"',
            "go",
            "`git push *` for terminal is allowed for @coder: Ada set it on 2026-11-21.",
        ),
        (
            "tools deny all terminal for 2h",
            "refused",
            "terminal is denied for every agent: Ada set it on 2026-11-21, until 2026-11-21 14:00 UTC.",
        ),
        ("tools reset coder", "go", "Nothing is set, and terminal is allowed by default."),
    ],
)
async def test_a_rule_that_needs_nobody_goes_before_the_question(
    core: Core, command: str, course: str, why: str
) -> None:
    """Once the rules allow or deny a call that waits, it is no longer asked, and the run goes on by them."""
    await asked(core)
    told = await core.does(f"agent {command}", core.ada)
    assert told.text.endswith("A-1 is no longer asked: T-1 goes on.")
    assert told.data["settled"] == ["A-1"]
    assert await gone() == [f"Ada changed the rules. {why}"]
    assert await state() == "queued"
    assert "withdrawn" in (await core.does("task approve A-1", core.ben)).text
    assert (await begins(await held("w2"))).course == course


@pytest.mark.parametrize(
    "command",
    [
        "tools allow analyst terminal",
        'tools allow coder terminal "git pull *"',
        "tools ask coder terminal",
        "tools reset analyst",
        "tools reset all",
    ],
)
async def test_what_still_needs_a_word_waits_on(core: Core, command: str) -> None:
    """Rules about other agents or calls, and such as ask, leave a question open."""
    await asked(core)
    told = await core.does(f"agent {command}", core.ada)
    assert told.data["settled"] == []
    assert await gone() == []
    assert await state() == "waiting"
    assert (await core.does("task approve A-1", core.ben)).ok


async def test_a_paused_task_stays_paused(core: Core) -> None:
    """Its question is settled all the same; it goes on when it is resumed."""
    await asked(core)
    await core.does("task pause T-1", core.mel)
    assert (await core.does("agent tools reset coder", core.ada)).data["settled"] == ["A-1"]
    assert await state() == "paused"
    await core.does("task resume T-1", core.mel)
    assert (await begins(await held("w2"))).course == "go"


async def test_the_configuration_changes_rules_too(core: Core) -> None:
    """What the bot finds in its configuration when it starts settles what waits, like a command."""
    await asked(core)
    deny = '[[policies]]\neffect = "deny"\ntool = "terminal"\n'
    own = core.path.with_name("own.toml")
    own.write_text(deny)
    await database.run(configuration.apply, str(own), NOON)
    assert await gone() == [
        "the configuration changed the rules. terminal is denied for every agent: it is built in."
    ]
    assert (await begins(await held("w2"))).course == "refused"
