"""Commands about agents: give them tasks, and see what they are."""

from typing import Annotated, Any, Literal

from pydantic import field_validator

from bot import people, permissions
from bot.actors import Actor, Role
from bot.commands.registry import Arguments, Context, Nothing, Option, Text, Word, command
from bot.commands.words import Address, AgentName, BudgetWords, WorkspaceName
from bot.errors import Refused, UserMistake
from bot.replies import Reply
from bot.reports.humane import counted
from bot.work import tasks
from bot.work.tasks import Order
from storage import agents, approvers, policies
from storage.tables import Agents, Tasks

MAX_NOTIFY = 20
PRIORITIES = {"normal": 0, "high": 1}
OWN_APPROVAL = {
    "yes": "yes",
    "no": "no",
    "": "yes where the defaults ask, no where an admin's rule does",
}


class Assign(Arguments):
    """Arguments of `agent assign`."""

    agent: Annotated[AgentName, Word("@AGENT")]
    workspace: Annotated[WorkspaceName, Option("--in", "WORKSPACE")] = ""
    notify: Annotated[tuple[Address, ...], Option("--notify", "ADDRESS", many=True)] = ()
    priority: Annotated[Literal["high", "normal"], Option("--priority", "high|normal")] = "normal"
    budget: Annotated[BudgetWords, Option("--budget", "2usd,50steps,30m")] = ""
    text: Annotated[str, Text("TEXT")]

    @field_validator("notify")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > MAX_NOTIFY:
            message = f"at most {MAX_NOTIFY} addresses can be notified"
            raise ValueError(message)
        return tuple(dict.fromkeys(value))


class OneAgent(Arguments):
    """Arguments of a command about one agent."""

    agent: Annotated[AgentName, Word("@AGENT")]


def named(name: str) -> Agents:
    """The agent of this name.

    Raises:
        UserMistake: There is none.
    """
    agent = agents.find(name)
    if agent is None:
        known = ", ".join(f"@{one.name}" for one in agents.everyone())
        raise UserMistake(f"There is no agent called @{name[:60]}. There is {known}.")
    return agent


def reach(hosts: str) -> str:
    """What an agent may reach on the network, as people are shown it; `hosts` is separated by commas."""
    return ", ".join(f"`{host}`" for host in hosts.split(",")) if hosts else "nothing"


@command(
    "agent assign", needs=Role.STAKEHOLDER, arguments=Assign, condition="to agents opened to stakeholders"
)
def assign(context: Context, arguments: Assign) -> Reply:
    """Give an agent a task."""
    _may_assign(context.actor, arguments)
    order = Order(
        agent=arguments.agent,
        text=arguments.text,
        notify=arguments.notify,
        workspace=arguments.workspace,
        priority=PRIORITIES[arguments.priority],
        budget=arguments.budget,
    )
    task = tasks.open_task(context.actor, order, context.origin, context.now)
    return opened(task, arguments.notify)


def opened(task: Tasks, notify: tuple[str, ...] = ()) -> Reply:
    """The answer to a command that opened a task."""
    key = tasks.key(task.id)
    text = f"**{key}** is queued for @{task.agent.name}: {task.title}"
    if task.agent.status == "paused":
        text += f"\n@{task.agent.name} is paused: the task begins once an admin resumes it."
    if notify:
        text += f"\nResults go to {', '.join(notify)} too."
    return Reply(text, {"id": task.id, "key": key, "title": task.title, "state": task.state})


def _may_assign(actor: Actor, arguments: Assign) -> None:
    """A stakeholder gives tasks to agents that are open to them, and has nobody else mailed."""
    if permissions.may(actor, Role.MEMBER):
        return
    ready = [one.name for one in agents.everyone() if one.open_to_stakeholders and one.status != "retired"]
    if arguments.agent not in ready:
        names = ", ".join(f"@{name}" for name in ready)
        raise Refused(
            f"@{arguments.agent[:60]} is not open to stakeholders{f', but {names} is' if ready else ''}. "
            "An admin can open an agent: agent edit @AGENT --stakeholders yes"
        )
    if arguments.workspace or arguments.notify:
        raise Refused(
            f"--in and --notify need the role member, and yours is {actor.role}. Leave them out, or ask an "
            "admin to change your role."
        )


@command("agent list", needs=Role.MEMBER, reads=True)
def list_agents(_: Context, __: Nothing) -> Reply:
    """Show the agents and what they do."""
    known = agents.everyone()
    text = "\n".join(
        f"- **@{agent.name}** — {agent.about}{'' if agent.status == 'active' else f' ({agent.status})'}"
        for agent in known
    )
    data = [{"name": agent.name, "about": agent.about, "status": agent.status} for agent in known]
    return Reply(text, {"agents": data})


@command("agent show", needs=Role.MEMBER, arguments=OneAgent, reads=True)
def show(context: Context, arguments: OneAgent) -> Reply:
    """Show what an agent is, and what holds for it."""
    agent = named(arguments.agent)
    deciding = [people.shown(person) for person in approvers.of_agent(agent.id)]
    count = agents.open_tasks(agent.id)
    rules = sum(rule.agent == agent.name for rule in policies.everything(context.now))
    lines = [
        f"**@{agent.name}** — {agent.about}",
        f"- Status: {agent.status}, with {counted(count, 'open task')}",
        f"- Model: {agent.model or 'the default'}",
        f"- Works in: {agent.workspace or 'a workspace of its own for each task'}",
        f"- Reaches on the network: {reach(agent.hosts)}",
        f"- Open to stakeholders: {'yes' if agent.open_to_stakeholders else 'no'}",
        f"- Approvers: {', '.join(deciding) or 'any member'}",
        f"- Whoever asked may approve: {OWN_APPROVAL[agent.own_approval]}",
        f"- Rules of its own: {rules}; see `agent tools @{agent.name}`",
    ]
    if agent.instructions:
        lines += ["", "Its instructions:", "", *(f"> {line}" for line in agent.instructions.splitlines())]
    data: dict[str, Any] = {
        "name": agent.name,
        "about": agent.about,
        "status": agent.status,
        "model": agent.model,
        "instructions": agent.instructions,
        "workspace": agent.workspace,
        "hosts": agent.hosts.split(",") if agent.hosts else [],
        "open_to_stakeholders": agent.open_to_stakeholders,
        "own_approval": agent.own_approval or "default",
        "approvers": deciding,
        "open_tasks": count,
        "rules": rules,
    }
    return Reply("\n".join(lines), data)
