"""Commands about what agents may do with their tools."""

import difflib
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from bot import people, permissions
from bot.actors import Role
from bot.commands.registry import After, Arguments, Context, Quoted, Text, Word, command
from bot.commands.tokens import cut
from bot.commands.words import AgentName, Duration
from bot.errors import UserMistake
from bot.permissions import Effect, Rule, rules
from bot.permissions.verdict import DONE, code, decides, ending, ranked, what, who
from bot.replies import Reply
from bot.reports.humane import counted
from bot.tools import base
from bot.tools.shelf import SHELF
from bot.work import approvals
from bot.work.keys import approval_key, key
from storage import agents, policies

ALL = ("all", "*")
PATTERN_CHARS = 200
LISTED = 30
NAMED = 5


def _tool_name(text: str) -> str:
    return text.rstrip(":,").lower()


def _pattern(text: str) -> str:
    """A pattern as it is stored: one that is nothing but `*` is any."""
    if len(text) > PATTERN_CHARS:
        message = f"a pattern has at most {PATTERN_CHARS} characters; put a * for the rest"
        raise ValueError(message)
    if not text:
        message = "it is empty; leave it out where any call is meant"
        raise ValueError(message)
    return text if text.strip("*") else ""


ToolName = Annotated[str, AfterValidator(_tool_name)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class OfAgent(Arguments):
    """Arguments of `agent tools`."""

    agent: Annotated[AgentName, Word("@AGENT")] = "all"


class Setting(Arguments):
    """Arguments of `agent tools allow`, `ask` and `deny`."""

    agent: Annotated[AgentName, Word("@AGENT|all")]
    tool: Annotated[ToolName, Word("TOOL|all")]
    pattern: Annotated[Pattern, Quoted("PATTERN")] = ""
    length: Annotated[Duration | None, After("for", "TIME")] = None


class Resetting(Arguments):
    """Arguments of `agent tools reset`."""

    agent: Annotated[AgentName, Word("@AGENT|all")]
    tool: Annotated[ToolName, Word("TOOL")] = "all"


class Explaining(Arguments):
    """Arguments of `agent tools explain`."""

    agent: Annotated[AgentName, Word("@AGENT")]
    tool: Annotated[ToolName, Word("TOOL")]
    call: Annotated[str, Text("CALL")]


@command("agent tools", needs=Role.ADMIN, arguments=OfAgent, reads=True)
def show(context: Context, arguments: OfAgent) -> Reply:
    """Show what agents may do with their tools, and who said so."""
    agent = _agent(arguments.agent)
    found = policies.everything(context.now)
    mine = [rule for rule in reversed(found) if not agent or rule.agent in ("", agent)]
    tools = [_tool_line(tool, agent, context) for tool in SHELF.values()]
    lines = [f"**What {f'@{agent}' if agent else 'every agent'} may do**", *(line for line, _ in tools)]
    if mine:
        lines += ["**Rules**", *(f"- {what(rule)}: {who(rule)}." for rule in mine[:LISTED])]
    else:
        lines.append('No rules are set. Set one: `agent tools ask @AGENT TOOL "PATTERN"`')
    if len(mine) > LISTED:
        lines.append(f"And {len(mine) - LISTED} older ones.")
    data = {"agent": agent, "tools": [data for _, data in tools], "rules": [_data(rule) for rule in mine]}
    return Reply("\n".join(lines), data)


def _tool_line(tool: base.Tool[Any], agent: str, context: Context) -> tuple[str, dict[str, Any]]:
    """What holds for a tool where no rule with a pattern says otherwise."""
    wide = [rule for rule in policies.in_force(agent, tool.name, context.now) if not rule.pattern]
    rule = decides(ranked(wide), "")
    effect = rule.effect if rule else tool.default
    data = {"name": tool.name, "default": tool.default, "effect": effect}
    return f"- {tool.name}: {DONE[effect] if rule else _by_default(tool)}", data


def _by_default(tool: base.Tool[Any]) -> str:
    """What holds for a tool that no rule is about."""
    if isinstance(tool, base.Discerning):
        return f"by default {tool.by_default}"
    return f"{DONE[tool.default]} by default"


@command("agent tools allow", needs=Role.ADMIN, arguments=Setting)
def allow(context: Context, arguments: Setting) -> Reply:
    """Let an agent use a tool without asking."""
    return _set(context, arguments, "allow")


@command("agent tools ask", needs=Role.ADMIN, arguments=Setting)
def ask(context: Context, arguments: Setting) -> Reply:
    """Have an agent ask before it uses a tool."""
    return _set(context, arguments, "ask")


@command("agent tools deny", needs=Role.ADMIN, arguments=Setting)
def deny(context: Context, arguments: Setting) -> Reply:
    """Keep an agent from using a tool."""
    return _set(context, arguments, "deny")


def _set(context: Context, arguments: Setting, effect: Effect) -> Reply:
    rule = Rule(
        agent=_agent(arguments.agent),
        tool="" if arguments.tool in ALL else _tool(arguments.tool).name,
        pattern=arguments.pattern,
        effect=effect,
        by=context.actor.name,
        at=context.now,
        until=context.now + arguments.length if arguments.length else None,
    )
    others = rules.against(rule)
    rules.put(rule)
    settled = _settled(context, rule.agent)
    lines = [f"{what(rule)} from the next call on{ending(rule)}.", *_beside(rule, others), *settled.values()]
    data = {"rule": _data(rule), "against": [_data(one) for one in others], "settled": list(settled)}
    return Reply("\n".join(lines), data)


def _settled(context: Context, agent: str) -> dict[str, str]:
    """The approvals that rules answer by now, and what becomes of their tasks."""
    gone = approvals.reconsider(agent, people.shown(context.actor), context.now)
    return {
        approval_key(one.id): f"{approval_key(one.id)} is no longer asked: {key(one.task_id)} goes on."
        for one in gone
    }


def _beside(rule: Rule, others: Sequence[Rule]) -> Iterator[str]:
    """What other rules mean for a new one, and it for them."""
    if then := rules.afterwards(rule):
        yield f"After that {what(then)} again: {who(then)}."
    told = [line for one in others if (line := _between(one, rule))]
    yield from _few(told)


def _between(one: Rule, rule: Rule) -> str:
    """How an older rule stands to a new one; empty where the new one is but an exception from it."""
    if rules.wins(one, rule):
        return f"{what(one, 'stays')}: {who(one)}."
    if rule.effect == "deny":
        return f"It wins wherever {what(one)}: {who(one)}."
    return ""


@command("agent tools explain", needs=Role.ADMIN, arguments=Explaining, reads=True)
def explain(context: Context, arguments: Explaining) -> Reply:
    """Show what would happen to a call, and the rule that decides."""
    agent, tool = _agent(arguments.agent), _tool(arguments.tool)
    subjects = _subjects(tool, arguments.call)
    found = permissions.verdict(agent, tool.name, subjects, tool.default, context.now)
    text = f"**{found.effect}** — {found.why}"
    if len(subjects) > 1:
        text += f"\nThe strictest counts, which is that of {code(found.subject)}."
    if found.rule is None and isinstance(tool, base.Discerning):
        text += f"\nIn a task it is {tool.by_default}."
    data = {
        "agent": agent,
        "tool": tool.name,
        "effect": found.effect,
        "why": found.why,
        "subject": found.subject,
        "subjects": list(subjects),
        "rule": _data(found.rule) if found.rule else None,
    }
    return Reply(text, data)


def _subjects(tool: base.Tool[Any], text: str) -> tuple[str, ...]:
    """What a call is about that is given as JSON, as models write it, or in plain words."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    try:
        call = tool.arguments.model_validate(given) if isinstance(given, dict) else tool.from_text(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the call"
        raise UserMistake(
            f"{tool.name} cannot be called so: {field}: {first['msg'].lower()}. "
            f"It takes {', '.join(tool.arguments.model_fields)}."
        ) from None
    return tool.subjects(call)


@command("agent tools reset", needs=Role.ADMIN, arguments=Resetting)
def reset(context: Context, arguments: Resetting) -> Reply:
    """Remove the rules that admins set for an agent, or for all."""
    agent = _agent(arguments.agent)
    tool = "" if arguments.tool in ALL else _tool(arguments.tool).name
    removed = rules.reset(agent, tool, context.actor, context.now)
    whose = f"{f'{tool} of ' if tool else ''}{f'@{agent}' if agent else 'every agent'}"
    gone = f"{counted(removed, 'rule')} for {whose} {'is' if removed == 1 else 'are'} gone."
    lines = [gone if removed else f"No rules were set for {whose}."]
    left = [rule for rule in policies.everything(context.now) if _concerns(rule, agent, tool)]
    lines += _few([f"{what(rule, 'stays')}: {who(rule)}." for rule in left])
    settled = _settled(context, agent)
    data = {"removed": removed, "rules": [_data(rule) for rule in left], "settled": list(settled)}
    return Reply("\n".join([*lines, *settled.values()]), data)


def _few(lines: Sequence[str]) -> list[str]:
    """So many lines as an answer has room for."""
    more = [f"And {len(lines) - NAMED} more: see `agent tools`."] if len(lines) > NAMED else []
    return [*lines[:NAMED], *more]


def _concerns(rule: Rule, agent: str, tool: str) -> bool:
    """Whether a rule is about an agent and a tool; an empty one of these stands for itself alone."""
    return rule.agent in ("", agent) and (not tool or rule.tool in ("", tool))


def _agent(name: str) -> str:
    """The name of an agent that there is; empty for all of them."""
    if name in ALL or agents.find(name):
        return "" if name in ALL else name
    names = [known.name for known in agents.everyone()]
    raise UserMistake(f"There is no agent called @{cut(name)}. {_instead(name, names, '@')}")


def _tool(name: str) -> base.Tool[Any]:
    if name not in SHELF:
        raise UserMistake(f"There is no tool called {cut(name)}. {_instead(name, SHELF, '')}")
    return SHELF[name]


def _instead(name: str, known: Collection[str], sign: str) -> str:
    """What may have been meant."""
    if near := difflib.get_close_matches(name, known, n=1):
        return f"Did you mean {sign}{near[0]}?"
    return f"There is {', '.join(sign + one for one in known)}."


def _data(rule: Rule) -> dict[str, Any]:
    return {
        "agent": rule.agent,
        "tool": rule.tool,
        "pattern": rule.pattern,
        "effect": rule.effect,
        "by": rule.by,
        "at": rule.at.isoformat(),
        "until": rule.until.isoformat() if rule.until else None,
        "built_in": rule.built_in,
    }
