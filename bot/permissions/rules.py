"""Set and reset the rules that verdicts follow; each change is a fact of the house."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot import stream
from bot.actors import Actor
from bot.events import PolicyReset, PolicySet
from bot.permissions import patterns
from bot.permissions.verdict import specificity
from storage import policies
from storage.policies import Rule

CONFIGURATION = "the configuration"


def put(rule: Rule) -> None:
    """Set a rule of an admin's; it replaces theirs for the same agent, tool and pattern.

    One that runs out only interrupts a lasting one.
    """
    policies.put(rule)
    _record(_fact(rule), rule.at)


def reset(agent: str, tool: str, actor: Actor, now: datetime) -> int:
    """Remove the rules that admins set.

    Args:
        agent: Those for exactly this agent; empty for those for every agent.
        tool: Only those for exactly this tool; empty for all of them.
        actor: Who resets.
        now: The time.

    Returns:
        How many there were.
    """
    removed = policies.reset(agent, tool)
    if removed:
        _record(PolicyReset(agent=agent, tool=tool, removed=removed, by=actor.name), now)
    return removed


def set_built_in(configured: Iterable[Mapping[str, str]], now: datetime) -> bool:
    """Make the built-in rules those of the configuration, if they are not.

    Args:
        configured: Tables of `effect`, and of `agent`, `tool` and `pattern` where they are not any.
        now: The time.

    Returns:
        Whether they were others.

    Raises:
        pydantic.ValidationError: A table holds something else.
    """
    facts = [PolicySet.model_validate({**_ANY, **table, "by": CONFIGURATION}) for table in configured]
    known = policies.built_in()
    if [_fact(rule) for rule in known] == facts:
        return False
    policies.replace_built_in([_rule(fact, now) for fact in facts])
    kept = {(fact.agent, fact.tool, fact.pattern) for fact in facts}
    for rule in known:
        if _place(rule) not in kept:
            _record(PolicyReset(agent=rule.agent, tool=rule.tool, removed=1, by=CONFIGURATION), now)
    for fact in facts:
        if fact not in map(_fact, known):
            _record(fact, now)
    return True


def against(rule: Rule) -> list[Rule]:
    """The rules that decide otherwise about some of the calls that a rule is about, oldest first."""
    return [
        one
        for one in policies.everything(rule.at)
        if one.effect != rule.effect
        and _place(one) != _place(rule)
        and (one.agent == rule.agent or "" in (one.agent, rule.agent))
        and (one.tool == rule.tool or "" in (one.tool, rule.tool))
        and patterns.overlap(one.pattern, rule.pattern)
    ]


def wins(one: Rule, newer: Rule) -> bool:
    """Whether a rule decides about the calls that a newer one, of another effect, is about too."""
    if "deny" in (one.effect, newer.effect):
        return one.effect == "deny"
    return specificity(one) > specificity(newer)


def afterwards(rule: Rule) -> Rule | None:
    """The rule for the same agent, tool and pattern that holds when this one has run out, if one does."""
    if rule.until is None:
        return None
    later = policies.everything(rule.until)
    return next((one for one in later if _place(one) == _place(rule)), None)


_ANY = {"agent": "", "tool": "", "pattern": ""}


def _place(rule: Rule) -> tuple[str, str, str]:
    return rule.agent, rule.tool, rule.pattern


def _fact(rule: Rule) -> PolicySet:
    return PolicySet(
        agent=rule.agent,
        tool=rule.tool,
        pattern=rule.pattern,
        effect=rule.effect,
        by=rule.by,
        until=rule.until,
    )


def _rule(fact: PolicySet, now: datetime) -> Rule:
    return Rule(fact.agent, fact.tool, fact.pattern, fact.effect, fact.by, now, fact.until, built_in=True)


def _record(fact: PolicySet | PolicyReset, now: datetime) -> None:
    stream.record(stream.HOUSE, fact.by, fact, now)
