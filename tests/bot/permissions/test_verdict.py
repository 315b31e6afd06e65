"""Verdicts: which rule decides about a call, and how it is told."""

from datetime import datetime

import pytest

from bot import permissions
from bot.permissions import Effect, Rule, Verdict
from storage import database, policies
from tests.fakes.core import NOON, after

pytestmark = pytest.mark.usefixtures("core")


def rule(text: str, at: datetime = NOON, until: datetime | None = None, *, built_in: bool = False) -> Rule:
    """A rule from "ask coder terminal git *", where `-` is any; Ada set it."""
    words = ["" if word == "-" else word for word in (*text.split(maxsplit=3), "-")]
    effect, agent, tool, pattern = words[:4]
    return Rule(agent, tool, pattern, effect, "Ada", at, until, built_in)  # type: ignore[arg-type]  # as written


async def judged(
    rules: list[str] | list[Rule],
    *subjects: str,
    default: Effect = "allow",
    now: datetime = NOON,
) -> Verdict:
    """What happens to @coder's call of the terminal, under rules set one after another."""

    def judge() -> Verdict:
        for number, one in enumerate(rules):
            policies.put(rule(one, after(number - 60)) if isinstance(one, str) else one)
        return permissions.verdict("coder", "terminal", subjects, default, now)

    return await database.run(judge)


CALL = "git push origin main"


@pytest.mark.parametrize(
    ("rules", "effect", "decided_by"),
    [
        ([], "allow", None),
        (["ask coder terminal"], "ask", 0),
        # Any matching deny wins.
        (["deny - -", "allow coder terminal git push origin main"], "deny", 0),
        (["allow coder terminal git push origin main", "deny - -"], "deny", 1),
        (["deny - terminal git *", "deny coder terminal *"], "deny", 1),
        # The agent before any, whatever the rest says.
        (["ask - terminal git push *", "allow coder -"], "allow", 1),
        (["allow coder -", "ask - terminal git push *"], "allow", 0),
        # The tool before any.
        (["ask coder - git push *", "allow coder terminal"], "allow", 1),
        (["ask - - git push *", "allow - terminal"], "allow", 1),
        # The longer literal pattern first: wild cards do not count.
        (["ask coder terminal git push *", "allow coder terminal git *"], "ask", 0),
        (["allow coder terminal git *", "ask coder terminal git push *"], "ask", 1),
        (["ask coder terminal git *", "allow coder terminal ????????????????*"], "ask", 0),
        # Then the newest.
        (["ask coder terminal *main", "allow coder terminal git *"], "allow", 1),
        (["allow coder terminal git *", "ask coder terminal *main"], "ask", 1),
        # What is not about this call.
        (["deny analyst terminal", "ask coder ask", "deny coder terminal git pull*"], "allow", None),
        (["deny Coder terminal", "deny coder terminal GIT *", "deny coder terminal push"], "allow", None),
    ],
)
async def test_which_rule_decides(rules: list[str], effect: Effect, decided_by: int | None) -> None:
    """Deny; then agent before all, tool before any, longer literals, newest; then the tool's default."""
    found = await judged(rules, CALL)
    assert found.effect == effect
    expected = None if decided_by is None else rule(rules[decided_by], after(decided_by - 60))
    assert found.rule == expected


@pytest.mark.parametrize("default", ["allow", "ask", "deny"])
async def test_the_tools_default_holds_where_nothing_is_set(default: Effect) -> None:
    """No rule matches: the tool itself says, and so does the sentence."""
    found = await judged([], CALL, default=default)
    assert (found.effect, found.rule, found.subject) == (default, None, CALL)
    done = {"allow": "allowed", "ask": "held for approval", "deny": "denied"}[default]
    assert found.why == f"Nothing is set, and terminal is {done} by default."


@pytest.mark.parametrize(
    ("rules", "default", "effect", "about"),
    [
        (["ask coder terminal git *"], "allow", "ask", "git push"),
        (["ask coder terminal git *", "deny coder terminal rm *"], "allow", "deny", "rm -rf x"),
        (["allow coder terminal git *", "allow coder terminal rm *"], "ask", "ask", "ls"),
        (["allow coder terminal"], "deny", "allow", "ls"),
        ([], "ask", "ask", "ls"),
    ],
)
async def test_the_strictest_of_its_subjects_decides_a_call(
    rules: list[str], default: Effect, effect: Effect, about: str
) -> None:
    """One forbidden part forbids the call, and the first of the strictest is the one that is named."""
    found = await judged(rules, "ls", "git push", "rm -rf x", "git pull", default=default)
    assert (found.effect, found.subject) == (effect, about)


async def test_a_call_about_nothing_is_judged_all_the_same() -> None:
    """No subjects: rules without a pattern hold, and the default else."""
    assert (await judged([], default="deny")).effect == "deny"
    assert (await judged(["ask coder terminal x", "deny coder -"])).effect == "deny"


async def test_a_rule_counts_until_it_runs_out() -> None:
    """To the very moment; after it, the one that it interrupted holds again."""
    lasting, brief = rule("deny coder terminal"), rule("allow coder terminal", after(1), after(60))
    assert (await judged([lasting, brief], CALL, now=after(59.999999))).rule == brief
    assert (await judged([], CALL, now=after(60))).rule == lasting


async def test_built_in_rules_are_older_than_any_admins() -> None:
    """As specific as an admin's they give way, whenever they were stored; covered, even a deny."""

    def configure() -> None:
        late = after(3600)
        policies.replace_built_in(
            [
                rule("ask - terminal git *", late, built_in=True),
                rule("deny - terminal rm *", late, built_in=True),
            ]
        )

    await database.run(configure)
    assert (await judged([], CALL)).effect == "ask"
    assert (await judged(["allow - terminal *push"], "git push")).effect == "allow"
    assert (await judged(["allow - terminal rm ?"], "rm x")).effect == "deny"
    assert (await judged(["allow - terminal rm *"], "rm x")).effect == "allow"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "ask coder terminal git push *",
            "`git push *` for terminal is held for approval for @coder: {ada}.",
        ),
        ("deny coder terminal", "terminal is denied for @coder: {ada}."),
        ("allow - terminal", "terminal is allowed for every agent: {ada}."),
        ("deny - - git *", "`git *` for every tool is denied for every agent: {ada}."),
        ("deny coder -", "every tool is denied for @coder: {ada}."),
    ],
)
async def test_a_verdict_says_why(text: str, why: str) -> None:
    """A sentence names what the rule is about, for whom, who set it and when."""
    assert (await judged([rule(text)], CALL)).why == why.format(ada="Ada set it on 2026-11-21")


async def test_a_verdict_says_until_when_and_what_is_built_in() -> None:
    """A rule for a while names its end; one of the configuration nobody."""
    brief = await judged([rule("ask coder terminal", NOON, after(7200))], CALL)
    assert (
        brief.why
        == "terminal is held for approval for @coder: Ada set it on 2026-11-21, until 2026-11-21 14:00 UTC."
    )
    await database.run(policies.replace_built_in, [rule("deny - -", built_in=True)])
    assert (await judged([], CALL)).why == "every tool is denied for every agent: it is built in."


async def test_a_pattern_is_told_in_one_line_of_code() -> None:
    """Line ends and backticks in it cannot break the sentence, nor can its length."""
    strange = Rule("coder", "terminal", "*`\n" + "*" * 300, "ask", "Ada", NOON)
    found = await judged([strange], "a`\nb")
    assert found.why.startswith("`*\u02cb\u23ce***")
    assert "…` for terminal is held for approval" in found.why
    assert "\n" not in found.why
    assert len(found.why) < 250


async def test_a_change_between_two_calls_holds_for_the_next() -> None:
    """Nothing is remembered from the call before."""
    effects = [
        (await judged([], CALL)).effect,
        (await judged(["deny coder terminal"], CALL)).effect,
        (await judged(["ask coder terminal"], CALL)).effect,
    ]
    assert effects == ["allow", "deny", "ask"]
    await database.run(policies.reset, "coder")
    assert (await judged([], CALL)).effect == "allow"
