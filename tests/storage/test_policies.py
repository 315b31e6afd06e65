"""The rows of rules: what replaces what, and which hold."""

from datetime import datetime

import pytest

from storage import database, policies
from storage.policies import Effect, Rule
from storage.tables import Policies
from tests.fakes.core import NOON, after

pytestmark = pytest.mark.usefixtures("core")

PLACE = ("coder", "terminal", "git *")


def rule(
    effect: Effect,
    at: datetime = NOON,
    until: datetime | None = None,
    place: tuple[str, str, str] = PLACE,
    *,
    built_in: bool = False,
) -> Rule:
    return Rule(*place, effect, "Ada", at, until, built_in)


async def kept() -> int:
    """How many rows there are, whether they hold or not."""
    return await database.run(lambda: int(Policies.select().count()))


async def put(*rules: Rule) -> None:
    def act() -> None:
        for one in rules:
            policies.put(one)

    await database.run(act)


async def held(now: datetime = NOON) -> list[Rule]:
    return await database.run(policies.in_force, "coder", "terminal", now)


async def test_a_rule_comes_back_as_it_was_set() -> None:
    """Every field of it, to the microsecond."""
    brief = rule("ask", after(0.000001), after(7200.5))
    await put(brief)
    assert await held() == [brief]
    assert await database.run(policies.everything, NOON) == [brief]


async def test_a_rule_replaces_the_one_for_the_same() -> None:
    """One row for each agent, tool and pattern; the last that was set."""
    await put(rule("ask"), rule("deny", after(1)), rule("allow", after(2)))
    assert await held() == [rule("allow", after(2))]
    assert await kept() == 1


async def test_a_rule_for_a_while_interrupts_the_lasting_one() -> None:
    """It replaces only others that run out; then the lasting one holds again."""
    lasting = rule("deny")
    await put(lasting, rule("ask", after(1), after(100)), rule("allow", after(2), after(50)))
    assert await held(after(3)) == [rule("allow", after(2), after(50))]
    assert await held(after(50)) == [lasting]
    assert await kept() == 2


async def test_a_lasting_rule_replaces_both() -> None:
    """Nothing of what was before comes back."""
    await put(rule("deny"), rule("ask", after(1), after(100)), rule("allow", after(2)))
    assert await held(after(200)) == [rule("allow", after(2))]
    assert await kept() == 1


async def test_what_has_run_out_goes_when_another_is_set() -> None:
    """Rows do not pile up; until then they just do not count."""
    await put(rule("ask", NOON, after(10)))
    assert await held(after(10)) == []
    assert await kept() == 1
    other = rule("deny", after(10), place=("", "", ""))
    await put(other)
    assert await held(after(10)) == [other]
    assert await kept() == 1


async def test_only_what_is_about_the_agent_and_the_tool_holds() -> None:
    """Those for all count too, oldest first; built-in ones are the oldest."""
    about = [rule("ask", after(n), place=(a, t, "")) for n, (a, t) in enumerate([("", ""), ("coder", "")])]
    others = [rule("deny", place=(a, t, "")) for a, t in [("analyst", ""), ("", "ask"), ("analyst", "ask")]]
    built_in = rule("allow", after(99), built_in=True)
    await database.run(policies.replace_built_in, [built_in])
    await put(*others, *reversed(about))
    assert await held() == [built_in, *about]
    assert len(await database.run(policies.everything, NOON)) == 6


async def test_an_admins_rule_covers_the_built_in_one() -> None:
    """Only one for the same place; reset, the built-in one holds again."""
    built_in, mine = rule("deny", built_in=True), rule("allow")
    await database.run(policies.replace_built_in, [built_in])
    await put(mine)
    assert await held() == [mine]
    assert await database.run(policies.reset, "coder") == 1
    assert await held() == [built_in]


@pytest.mark.parametrize(
    ("agent", "tool", "left"),
    [
        ("coder", "", {("", ""), ("", "terminal"), ("analyst", "ask")}),
        ("coder", "terminal", {("", ""), ("", "terminal"), ("analyst", "ask"), ("coder", "")}),
        ("", "", {("coder", ""), ("coder", "terminal"), ("analyst", "ask")}),
        ("", "terminal", {("", ""), ("coder", ""), ("coder", "terminal"), ("analyst", "ask")}),
        ("ghost", "", {("", ""), ("", "terminal"), ("coder", ""), ("coder", "terminal"), ("analyst", "ask")}),
    ],
)
async def test_reset_removes_what_was_set_for_exactly_that(
    agent: str, tool: str, left: set[tuple[str, str]]
) -> None:
    """One agent's rules, or those for all agents; of one tool, or of all; never built-in ones."""
    places = [("", ""), ("", "terminal"), ("coder", ""), ("coder", "terminal"), ("analyst", "ask")]
    built_in = rule("ask", place=(agent, tool, "x"), built_in=True)
    await database.run(policies.replace_built_in, [built_in])
    await put(*(rule("ask", place=(*place, "")) for place in places))
    assert await database.run(policies.reset, agent, tool) == len(places) - len(left)
    found = await database.run(policies.everything, NOON)
    assert built_in in found
    assert {(one.agent, one.tool) for one in found if not one.built_in} == left


async def test_built_in_rules_keep_the_order_of_the_configuration() -> None:
    """They are replaced as a whole, and nothing else is."""
    await put(rule("ask"))
    first = [rule("deny", place=("", "", pattern), built_in=True) for pattern in "cab"]
    await database.run(policies.replace_built_in, first)
    assert await database.run(policies.built_in) == first
    await database.run(policies.replace_built_in, first[1:])
    assert await database.run(policies.built_in) == first[1:]
    assert await kept() == 3
