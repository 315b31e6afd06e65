"""What holds of verdicts whatever the rules are."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bot.permissions import Rule, Verdict, patterns, verdict
from storage import database, policies
from tests.fakes.core import NOON, after, opened

EFFECTS = st.sampled_from(["allow", "ask", "deny"])
SUBJECTS = st.lists(st.sampled_from(["", "a", "b", "ab", "aba", "*"]), max_size=3)
RULES = st.lists(
    st.builds(
        Rule,
        agent=st.sampled_from(["", "coder", "analyst"]),
        tool=st.sampled_from(["", "terminal", "ask"]),
        pattern=st.sampled_from(["", "*", "a*", "*b", "a?*", "ab", r"\*"]),
        effect=EFFECTS,
        by=st.sampled_from(["Ada", "Ben"]),
        at=st.integers(-60, 0).map(after),
        until=st.none() | st.integers(-50, 50).map(after),
    ),
    max_size=7,
)


def judged(rules: Sequence[Rule], subjects: Sequence[str], default: str = "allow") -> Verdict:
    """The verdict under rules that are set in this order; nothing of them stays."""
    with database.proxy.atomic() as transaction:
        for rule in rules:
            policies.put(rule)
        found = verdict("coder", "terminal", subjects, default, NOON)  # type: ignore[arg-type]  # drawn from effects
        transaction.rollback()
    return found


def place(rule: Rule) -> tuple[str, str, str]:
    return rule.agent, rule.tool, rule.pattern


def each_once(rules: Sequence[Rule]) -> list[Rule]:
    """One rule for each agent, tool and pattern, all set at different times."""
    kept = {place(rule): rule for rule in rules}.values()
    return [dataclasses.replace(rule, at=after(number - 60)) for number, rule in enumerate(kept)]


def counts(rule: Rule, subjects: Sequence[str]) -> bool:
    """Whether a rule is about one of the subjects of @coder's call of the terminal, now."""
    return (
        rule.agent in ("", "coder")
        and rule.tool in ("", "terminal")
        and (rule.until is None or rule.until > NOON)
        and any(patterns.read(rule.pattern).matches(subject) for subject in subjects or [""])
    )


def test_the_order_of_setting_does_not_matter(tmp_path: Path) -> None:
    """But for which is the newest, which its time says."""

    @given(RULES.map(each_once), st.randoms(), SUBJECTS)
    def holds(rules: list[Rule], chance: object, subjects: list[str]) -> None:
        shuffled = list(rules)
        chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
        assert judged(shuffled, subjects) == judged(rules, subjects)

    with opened(tmp_path):
        holds()


def test_a_matching_deny_always_wins(tmp_path: Path) -> None:
    """Whatever else is set; and where no rule denies, a call is not denied."""

    @given(RULES.map(each_once), SUBJECTS, st.sampled_from(["allow", "ask"]))
    def holds(rules: list[Rule], subjects: list[str], default: str) -> None:
        denied = any(rule.effect == "deny" and counts(rule, subjects) for rule in rules)
        assert (judged(rules, subjects, default).effect == "deny") is denied

    with opened(tmp_path):
        holds()


def test_rules_about_something_else_never_matter(tmp_path: Path) -> None:
    """Another agent's, another tool's, another text's, and what has run out: as if they were not there."""

    @given(RULES.map(each_once), SUBJECTS, EFFECTS)
    def holds(rules: list[Rule], subjects: list[str], default: str) -> None:
        mine = [rule for rule in rules if counts(rule, subjects)]
        assert judged(rules, subjects, default) == judged(mine, subjects, default)

    with opened(tmp_path):
        holds()


def test_what_decides_is_about_the_call(tmp_path: Path) -> None:
    """The rule that is named matches the subject that is named, and has the effect."""

    @given(RULES, SUBJECTS, EFFECTS)
    def holds(rules: list[Rule], subjects: list[str], default: str) -> None:
        found = judged(rules, subjects, default)
        assert found.subject in (subjects or [""])
        if found.rule:
            assert found.rule in rules
            assert found.rule.effect == found.effect
            assert counts(found.rule, [found.subject])
        else:
            assert found.effect == default

    with opened(tmp_path):
        holds()
