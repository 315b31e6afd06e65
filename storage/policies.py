"""Rules about what agents may do with tools.

An empty agent, tool or pattern is any. Of the rules for the same three the newest that has not run out holds:
one that an admin set covers a built-in one, and one for a while covers the one that it interrupts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from storage.database import proxy
from storage.prepared import Prepared
from storage.tables import Policies, instant

Effect = Literal["allow", "ask", "deny"]

_COLUMNS = (
    Policies.agent,
    Policies.tool,
    Policies.pattern,
    Policies.effect,
    Policies.by,
    Policies.at,
    Policies.until,
    Policies.built_in,
)
_OLDEST_FIRST = (Policies.built_in.desc(), Policies.at, Policies.id)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an agent may do with a tool where a pattern fits; an empty agent, tool or pattern is any.

    Attributes:
        agent: Name of the agent, without the @.
        tool: Name of the tool.
        pattern: A glob, as `bot.permissions.patterns` reads it.
        effect: What happens to such a call.
        by: Who set it.
        at: When.
        until: When it runs out; None if it does not.
        built_in: It comes from the configuration, and is older than any that an admin sets.
    """

    agent: str
    tool: str
    pattern: str
    effect: Effect
    by: str
    at: datetime
    until: datetime | None = None
    built_in: bool = False


_in_force = Prepared(
    lambda agent, tool, now: (
        Policies.select(*_COLUMNS)
        .where(
            (Policies.agent == "") | (Policies.agent == agent),
            (Policies.tool == "") | (Policies.tool == tool),
            Policies.until.is_null() | (Policies.until > now),
        )
        .order_by(*_OLDEST_FIRST)
    )
)
_everything = Prepared(
    lambda now: (
        Policies.select(*_COLUMNS)
        .where(Policies.until.is_null() | (Policies.until > now))
        .order_by(*_OLDEST_FIRST)
    )
)


def in_force(agent: str, tool: str, now: datetime) -> list[Rule]:
    """The rules that hold now for an agent and a tool, oldest first."""
    return _held(_in_force.rows(agent, tool, now))


def everything(now: datetime) -> list[Rule]:
    """All rules that hold now, oldest first."""
    return _held(_everything.rows(now))


def _held(rows: Sequence[tuple[Any, ...]]) -> list[Rule]:
    """Rules from rows, oldest first; of those for the same agent, tool and pattern the newest."""
    newest: dict[tuple[Any, ...], Rule] = {}
    for row in rows:
        newest.pop(row[:3], None)
        newest[row[:3]] = _rule(row)
    return list(newest.values())


def _rule(row: tuple[Any, ...]) -> Rule:
    agent, tool, pattern, effect, by, at, until, built_in = row
    ends = None if until is None else instant(until)
    return Rule(agent, tool, pattern, effect, by, instant(at), ends, bool(built_in))


def put(rule: Rule) -> None:
    """Add a rule that an admin sets; it replaces theirs for the same agent, tool and pattern.

    One that runs out replaces only those that run out too: the lasting one holds again after it.
    """
    same = (Policies.agent == rule.agent) & (Policies.tool == rule.tool) & (Policies.pattern == rule.pattern)
    if rule.until is not None:
        same &= ~Policies.until.is_null()
    Policies.delete().where(~Policies.built_in, same | (Policies.until <= rule.at)).execute()
    _add(rule)


def reset(agent: str, tool: str = "") -> int:
    """Remove the rules that admins set for exactly this agent, and for exactly this tool if one is named.

    Returns:
        How many there were.
    """
    theirs = (Policies.agent == agent) & ~Policies.built_in
    if tool:
        theirs &= Policies.tool == tool
    return int(Policies.delete().where(theirs).execute())


def built_in() -> list[Rule]:
    """The built-in rules, in the order of the configuration."""
    rows = Policies.select(*_COLUMNS).where(Policies.built_in).order_by(Policies.id)
    return [_rule(row) for row in proxy.execute(rows.tuples())]


def replace_built_in(rules: Sequence[Rule]) -> None:
    """Make these the built-in rules."""
    Policies.delete().where(Policies.built_in).execute()
    for rule in rules:
        _add(rule)


def _add(rule: Rule) -> None:
    Policies.create(
        agent=rule.agent,
        tool=rule.tool,
        pattern=rule.pattern,
        effect=rule.effect,
        by=rule.by,
        at=rule.at,
        until=rule.until,
        built_in=rule.built_in,
    )
