"""Commands by which admins make, change, pause and retire agents."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from bot import people, stream
from bot.actors import Role
from bot.commands.agents import OWN_APPROVAL, OneAgent, named, reach
from bot.commands.optional import HostsOrNone, PeopleOrNone, TextOrNone, WorkspaceOrNone, distinct
from bot.commands.registry import Arguments, Context, Option, Word, command
from bot.commands.words import AgentName, YesNo
from bot.errors import LegworkError, UserMistake
from bot.events import AgentChanged
from bot.models.choice import split
from bot.replies import Reply
from storage import agents, approvers
from storage.tables import Agents

DEFAULT = "default"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
# Words of the grammar, and mailboxes that are not an agent's (RFC 2142).
TAKEN = {"all", "none", "task", "ask", "bounce", "postmaster", "abuse", "legwork", "mailer-daemon", "noreply"}


def free_name(name: str) -> str:
    """The name, if an agent may have it.

    Raises:
        ValueError: It may not.
    """
    if not NAME.fullmatch(name):
        message = (
            f"{name[:60]!r} can be no agent's name: letters, digits and hyphens, and none of the house's own"
        )
        raise ValueError(message)
    if name in TAKEN:
        message = f"{name} means something else; take another name"
        raise ValueError(message)
    return name


def _model(name: str) -> str:
    """A model that there is; empty for the house's default."""
    if name.lower() == DEFAULT:
        return ""
    try:
        split(name)
    except LegworkError as error:
        raise ValueError(str(error)) from error
    return name


Model = Annotated[str, AfterValidator(_model)]


class Edit(Arguments):
    """Arguments of `agent edit`; None where something is left as it is."""

    agent: Annotated[AgentName, Word("@AGENT")]
    about: Annotated[str | None, Option("--about", '"TEXT"')] = None
    model: Annotated[Model | None, Option("--model", "MODEL|default")] = None
    instructions: Annotated[TextOrNone | None, Option("--instructions", '"TEXT"')] = None
    workspace: Annotated[WorkspaceOrNone | None, Option("--workspace", "NAME|none")] = None
    stakeholders: Annotated[YesNo | None, Option("--stakeholders", "yes|no")] = None
    own_approval: Annotated[
        Literal["yes", "no", "default"] | None, Option("--own-approval", "yes|no|default")
    ] = None
    hosts: Annotated[HostsOrNone | None, Option("--hosts", "HOST,*.HOST|none")] = None
    approvers: Annotated[PeopleOrNone | None, Option("--approvers", "@A,B@C|none")] = None

    def columns(self) -> dict[str, Any]:
        """What was said, by column."""
        said = {
            "about": self.about,
            "model": self.model,
            "instructions": self.instructions,
            "workspace": self.workspace,
            "hosts": self.hosts,
            "open_to_stakeholders": self.stakeholders,
            "own_approval": self.own_approval and self.own_approval.replace(DEFAULT, ""),
        }
        return {name: value for name, value in said.items() if value is not None}


class Create(Edit):
    """Arguments of `agent create`."""

    agent: Annotated[AgentName, AfterValidator(free_name), Word("@AGENT")]


@command("agent create", needs=Role.ADMIN, arguments=Create)
def create(context: Context, arguments: Create) -> Reply:
    """Make an agent."""
    if agents.find(arguments.agent):
        raise UserMistake(f"There is an agent called @{arguments.agent} already. Change it with: agent edit")
    agent = agents.add(arguments.agent, "")
    said = _apply(agent, arguments, context.now)
    _record(context, agent, "; ".join(["was made", *said]))
    return Reply(f"**@{agent.name}** is ready: `agent assign @{agent.name} TEXT`", {"name": agent.name})


@command("agent edit", needs=Role.ADMIN, arguments=Edit)
def edit(context: Context, arguments: Edit) -> Reply:
    """Change an agent: its workspace for new tasks, its model whenever a task begins or goes on."""
    agent = named(arguments.agent)
    said = _apply(agent, arguments, context.now)
    if not said:
        raise UserMistake(f"Say what to change. Usage: `agent edit {Edit.usage()}`")
    _record(context, agent, "; ".join(said))
    return Reply(f"**@{agent.name}** is changed: {'; '.join(said)}.", {"name": agent.name})


def _apply(agent: Agents, said: Edit, now: datetime) -> list[str]:
    """Keep what was said of an agent; each change as a clause."""
    columns = said.columns()
    if columns:
        agents.change(
            agent.id, **{**columns, **({"model": columns["model"] or None} if "model" in columns else {})}
        )
    clauses = list(_clauses(columns))
    if said.approvers is not None:
        deciding = distinct(said.approvers, now)
        approvers.name_for_agent(agent.id, [person.id for person in deciding])
        clauses.append(f"approvers: {', '.join(map(people.label, deciding)) or 'any member'}")
    return clauses


def _clauses(columns: dict[str, Any]) -> Iterable[str]:
    for name, value in columns.items():
        match name:
            case "open_to_stakeholders":
                yield f"open to stakeholders: {'yes' if value else 'no'}"
            case "own_approval":
                yield f"whoever asked may approve: {OWN_APPROVAL[value]}"
            case "model":
                yield f"model: {value or 'the default'}"
            case "hosts":
                yield f"reaches on the network: {reach(value)}"
            case _:
                yield f"{name}: {value or 'none'}"


@command("agent pause", needs=Role.ADMIN, arguments=OneAgent)
def pause(context: Context, arguments: OneAgent) -> Reply:
    """Let an agent's tasks wait; one that runs stops after the call under way."""
    agent = named(arguments.agent)
    if agent.status == "retired":
        raise UserMistake(f"@{agent.name} is retired. Bring it back first: agent resume @{agent.name}")
    return _become(context, agent, "paused", "Its tasks wait until it is resumed.")


@command("agent resume", needs=Role.ADMIN, arguments=OneAgent)
def resume(context: Context, arguments: OneAgent) -> Reply:
    """Let an agent go on that was paused or retired."""
    return _become(context, named(arguments.agent), "active", "It takes tasks and works on them.")


@command("agent retire", needs=Role.ADMIN, arguments=OneAgent)
def retire(context: Context, arguments: OneAgent) -> Reply:
    """Let an agent take no new tasks; it ends those it has."""
    agent = named(arguments.agent)
    return _become(context, agent, "retired", "It takes no new tasks, and ends those it has.")


def _become(context: Context, agent: Agents, status: str, so: str) -> Reply:
    if agent.status == status:
        raise UserMistake(f"@{agent.name} is {status} already.")
    agents.change(agent.id, status=status)
    _record(context, agent, f"is {status}")
    return Reply(f"**@{agent.name}** is {status}. {so}", {"name": agent.name, "status": status})


def _record(context: Context, agent: Agents, what: str) -> None:
    fact = AgentChanged(agent=agent.name, what=f"@{agent.name} {what}.", by=context.actor.name)
    stream.record(stream.HOUSE, context.actor.name, fact, context.now)
