"""Setting rules: each change is a fact of the house."""

import pytest
from pydantic import ValidationError

from bot import stream
from bot.events import Fact, PolicyReset, PolicySet
from bot.permissions import Rule, rules
from storage import database, policies
from tests.fakes.core import NOON, Core, after

BUILT_IN = [
    {"tool": "terminal", "effect": "allow"},
    {"tool": "terminal", "pattern": "git push *", "effect": "ask"},
]


async def facts() -> list[Fact]:
    """What the house remembers."""
    return [event.fact for event in await database.run(stream.replay, stream.HOUSE)]


def of_configuration(**words: str) -> PolicySet:
    return PolicySet.model_validate(
        {"agent": "", "tool": "", "pattern": "", "by": "the configuration", **words}
    )


async def test_a_rule_is_set_with_its_fact(core: Core) -> None:
    """Who set what, until when, in the house's chain."""
    await database.run(rules.put, Rule("coder", "terminal", "git *", "ask", core.ada.name, NOON, after(60)))
    events = await database.run(stream.replay, stream.HOUSE)
    assert [(event.actor, event.at) for event in events] == [("Ada", NOON)]
    assert events[0].fact == PolicySet(
        agent="coder", tool="terminal", pattern="git *", effect="ask", by="Ada", until=after(60)
    )


async def test_a_reset_is_a_fact_if_something_was_removed(core: Core) -> None:
    """With how many there were."""
    for pattern in "ab":
        await database.run(rules.put, Rule("coder", "terminal", pattern, "ask", "Ada", NOON))
    assert await database.run(rules.reset, "coder", "terminal", core.ada, after(1)) == 2
    assert (await facts())[2:] == [PolicyReset(agent="coder", tool="terminal", removed=2, by="Ada")]
    assert await database.run(rules.reset, "coder", "", core.ada, after(2)) == 0
    assert len(await facts()) == 3


async def test_the_configurations_rules_are_set_at_the_start(core: Core) -> None:
    """Once: the next start with the same configuration changes and records nothing."""
    assert core.ada
    await database.run(rules.set_built_in, BUILT_IN, NOON)
    found = await database.run(policies.everything, NOON)
    assert found == [
        Rule("", "terminal", "", "allow", "the configuration", NOON, None, built_in=True),
        Rule("", "terminal", "git push *", "ask", "the configuration", NOON, None, built_in=True),
    ]
    await database.run(rules.set_built_in, BUILT_IN, after(60))
    assert await database.run(policies.everything, after(60)) == found
    assert await facts() == [of_configuration(**table) for table in BUILT_IN]


async def test_a_changed_configuration_records_what_changed(core: Core) -> None:
    """What is new, what is another now, and what is gone; an admin's rules stay."""
    mine = Rule("coder", "", "", "deny", core.ada.name, NOON)
    await database.run(rules.put, mine)
    await database.run(rules.set_built_in, BUILT_IN, NOON)
    before = len(await facts())
    changed = {"tool": "terminal", "effect": "ask"}
    await database.run(rules.set_built_in, [changed], after(60))
    assert (await facts())[before:] == [
        PolicyReset(agent="", tool="terminal", removed=1, by="the configuration"),
        of_configuration(**changed),
    ]
    assert mine in await database.run(policies.everything, after(60))


@pytest.mark.parametrize("table", [{"effect": "maybe"}, {}, {"effect": "ask", "tools": "terminal"}])
async def test_a_configuration_that_cannot_be_read_is_an_error(core: Core, table: dict[str, str]) -> None:
    """A rule is never guessed, and what was set before stays."""
    assert core.ada
    await database.run(rules.set_built_in, BUILT_IN, NOON)
    with pytest.raises(ValidationError):
        await database.run(rules.set_built_in, [table], NOON)
    assert len(await database.run(policies.built_in)) == 2


@pytest.mark.parametrize(
    ("one", "newer", "wins"),
    [
        (("deny", "", "", "*"), ("allow", "coder", "terminal", "git push"), True),
        (("allow", "coder", "terminal", "git push"), ("deny", "", "", ""), False),
        (("ask", "coder", "", ""), ("allow", "", "terminal", "git push"), True),
        (("ask", "", "", "git *"), ("allow", "", "", "git ?*"), False),
        (("ask", "", "", "git pu*"), ("allow", "", "", "git *"), True),
    ],
)
def test_who_wins_between_two_rules(
    one: tuple[str, str, str, str], newer: tuple[str, str, str, str], *, wins: bool
) -> None:
    """As verdicts have it: deny, then the more specific, then the newer."""

    def rule(effect: str, *place: str) -> Rule:
        return Rule(*place, effect, "Ada", NOON)  # type: ignore[call-arg,arg-type]  # three words and an effect

    assert rules.wins(rule(*one), rule(*newer)) is wins
