"""Agents, policies, runbooks and prices of the configuration: each file is checked whole.

All but the prices become rows.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from bot import runbooks
from bot.commands.optional import HostsOrNone, WorkspaceOrNone
from bot.commands.staff import Model, free_name
from bot.errors import LegworkError
from bot.models.prices import Price
from bot.permissions import rules
from bot.runbooks import Parameter, Runbook
from bot.tools.shelf import SHELF
from bot.work import approvals
from config.settings import tables
from storage import agents, policies
from storage import runbooks as rows


def _on_the_shelf(name: str) -> str:
    if name and name not in SHELF:
        message = f"there is no tool {name!r}; there is {', '.join(sorted(SHELF))}, and an empty one is any"
        raise ValueError(message)
    return name


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentTable(_Table):
    """One `[[agents]]`: what `agent create` and `agent edit` take."""

    name: Annotated[str, AfterValidator(free_name)]
    about: str = ""
    model: Model = ""
    instructions: str = ""
    workspace: WorkspaceOrNone = ""
    hosts: HostsOrNone = ""
    open_to_stakeholders: bool = False
    own_approval: Literal["", "yes", "no"] = ""


class PolicyTable(_Table):
    """One `[[policies]]`; an empty agent, tool or pattern is any."""

    agent: str = ""
    tool: Annotated[str, AfterValidator(_on_the_shelf)] = ""
    pattern: str = ""
    effect: policies.Effect


class Configuration(_Table):
    """All that a file may hold, in its order."""

    agents: tuple[AgentTable, ...] = ()
    policies: tuple[PolicyTable, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    prices: tuple[Price, ...] = ()


_TABLES: dict[str, type[BaseModel]] = {
    "agents": AgentTable,
    "policies": PolicyTable,
    "runbooks": Runbook,
    "parameters": Parameter,
    "prices": Price,
}


def read(own: str) -> Configuration:
    """What Legwork's own configuration and the team's say together.

    Called in a transaction: rules and runbooks may name agents that were made in chat.

    Args:
        own: Path of the team's file; empty where there is none.

    Returns:
        Agents with the team's first, policies and prices with theirs last, and of runbooks of one name
        theirs.

    Raises:
        LegworkError: A file cannot be used; says which, where in it, and what to do.
        BadSettingsError: The team's file cannot be read.
    """
    house, team = _files(own)
    ours = (*team.agents, *house.agents)
    known = {one.name for one in ours} | {one.name for one in agents.everyone()}
    for file, found in (("", house), (own, team)):
        _name_known(file, found, known)
    return Configuration(
        agents=ours,
        policies=(*house.policies, *team.policies),
        runbooks=tuple({one.name: one for one in (*house.runbooks, *team.runbooks)}.values()),
        prices=(*house.prices, *team.prices),
    )


def prices(own: str) -> tuple[Price, ...]:
    """What models cost, with the team's prices last; no database is needed.

    Raises:
        LegworkError: As `read` does, and BadSettingsError.
    """
    house, team = _files(own)
    return (*house.prices, *team.prices)


def apply(own: str, now: datetime) -> None:
    """Add agents whose names are free; policies and runbooks become those of the configuration.

    Raises:
        LegworkError: As `read` does, and BadSettingsError.
    """
    found = read(own)
    for agent in found.agents:
        if agents.find(agent.name) is None:
            agents.add(**{**agent.model_dump(), "model": agent.model or None})
    if rules.set_built_in([policy.model_dump() for policy in found.policies], now):
        approvals.reconsider("", rules.CONFIGURATION, now)
    rows.sync(map(runbooks.to_row, found.runbooks))


def _files(own: str) -> tuple[Configuration, Configuration]:
    """Legwork's own file and the team's."""
    return _read(""), _read(own) if own else Configuration()


def _read(own: str) -> Configuration:
    """One file, with its words checked."""
    try:
        return Configuration.model_validate(tables(own))
    except ValidationError as error:
        first = error.errors()[0]
        raise _unusable(own, first["loc"], _why(first)) from error


def _name_known(own: str, found: Configuration, known: Collection[str]) -> None:
    """Refuse a rule or a runbook for an agent that is not there: it would never hold, or never run."""
    there = f"there is {', '.join(sorted(known))}, without an @"
    for number, policy in enumerate(found.policies):
        if policy.agent and policy.agent not in known:
            why = f"there is no agent {policy.agent!r}; {there}, and an empty one is any"
            raise _unusable(own, ("policies", number, "agent"), why)
    for number, runbook in enumerate(found.runbooks):
        if runbook.agent not in known:
            raise _unusable(
                own, ("runbooks", number, "agent"), f"there is no agent {runbook.agent!r}; {there}"
            )


def _unusable(own: str, loc: tuple[int | str, ...], why: str) -> LegworkError:
    """What is wrong with a file: `own.toml cannot be used: [[agents]] number 1, name: …`."""
    table, *rest = loc
    place = "".join(f" number {part + 1}" if isinstance(part, int) else f", {part}" for part in rest)
    file = own or "config/defaults.toml"
    return LegworkError(f"{file} cannot be used: [[{table}]]{place}: {why}. Mend it and start again.")


def _why(error: Any) -> str:
    """One fault that pydantic found, as a clause."""
    *above, last = error["loc"]
    names = [part for part in above if isinstance(part, str)]
    match error["type"]:
        case "extra_forbidden" if names:
            fields = _TABLES[names[-1]].model_fields.items()
            return f"there is no such key; there is {', '.join(one.alias or name for name, one in fields)}"
        case "extra_forbidden":
            known = ", ".join(f"[[{name}]]" for name in Configuration.model_fields)
            return f"there is no such table; there is {known}"
        case "missing":
            return "it is missing"
        case "tuple_type" if last in _TABLES:
            return f"each is a table of its own, which begins with [[{'.'.join([*names, last])}]]"
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    is_word = message[1:2].islower()  # and no key like T-9
    return f"{message[:1].lower()}{message[1:]}" if is_word else message
