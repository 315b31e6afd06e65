"""What an agent may do with a tool, and the rule that decides it.

Any matching deny wins. Otherwise the most specific matching rule does: one for the agent before one for all,
one for the tool before one for any, the longer literal pattern first, then the newest. Where none matches,
the tool's default holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.permissions import patterns
from storage import policies
from storage.policies import Effect, Rule

STRICTNESS: dict[Effect, int] = {"allow": 0, "ask": 1, "deny": 2}
DONE: dict[Effect, str] = {"allow": "allowed", "ask": "held for approval", "deny": "denied"}
SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to a call, and why.

    Attributes:
        effect: Do it, ask first, or do not.
        rule: The rule that decided; None if the tool's default did.
        subject: What of the call it decided about.
        why: A sentence for people and agents.
    """

    effect: Effect
    rule: Rule | None
    subject: str
    why: str


def verdict(agent: str, tool: str, subjects: Sequence[str], default: Effect, now: datetime) -> Verdict:
    """What happens to a call: the strictest of what holds for its subjects.

    Args:
        agent: Name of the agent, without the @.
        tool: Name of the tool.
        subjects: What the call is about, as patterns are compared with it; a call without any counts as one
            about the empty text.
        default: What holds where no rule matches.
        now: The time; a rule that has run out by then does not count.
    """
    rules = ranked(policies.in_force(agent, tool, now))
    found = [(decides(rules, subject), subject) for subject in subjects or ("",)]
    rule, subject = max(found, key=lambda one: STRICTNESS[one[0].effect if one[0] else default])
    if rule is None:
        return Verdict(default, None, subject, f"Nothing is set, and {tool} is {DONE[default]} by default.")
    return Verdict(rule.effect, rule, subject, f"{what(rule)}: {who(rule)}.")


def ranked(rules: Iterable[Rule]) -> list[Rule]:
    """Rules for an agent and a tool, given oldest first, so that the first one that matches decides."""
    newest_first = reversed(list(rules))
    return sorted(newest_first, key=lambda rule: (rule.effect == "deny", specificity(rule)), reverse=True)


def specificity(rule: Rule) -> tuple[bool, bool, int]:
    """How narrow a rule is: the narrower, the greater."""
    return bool(rule.agent), bool(rule.tool), patterns.read(rule.pattern).literals


def decides(rules: Iterable[Rule], subject: str) -> Rule | None:
    """The first of these rules that matches a subject; None if none does."""
    return next((rule for rule in rules if patterns.read(rule.pattern).matches(subject)), None)


def what(rule: Rule, verb: str = "is") -> str:
    """What a rule says: "`git push *` for terminal is held for approval for @coder"."""
    return f"{about(rule)} {verb} {DONE[rule.effect]} for {f'@{rule.agent}' if rule.agent else 'every agent'}"


def about(rule: Rule) -> str:
    """What a rule is about: "`git push *` for terminal"."""
    tool = rule.tool or "every tool"
    return f"{code(rule.pattern)} for {tool}" if rule.pattern else tool


def who(rule: Rule) -> str:
    """Who set a rule and when, and when it runs out: "Ada set it on 2026-11-21"."""
    if rule.built_in:
        return "it is built in"
    return f"{rule.by} set it on {rule.at.astimezone(UTC):%Y-%m-%d}{ending(rule)}"


def ending(rule: Rule) -> str:
    """When a rule runs out: ", until 2026-11-21 14:00 UTC"; empty if it does not."""
    return f", until {rule.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if rule.until else ""


def code(text: str) -> str:
    """A pattern or a subject in one line of code, cut to what a sentence can hold."""
    line = text.replace("\r", "").replace("\n", "\u23ce").replace("`", "\u02cb")
    return f"`{line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + '…'}`"
