"""Commands about agents."""

from typing import Annotated

from pydantic import field_validator

from bot import people
from bot.actors import Role
from bot.commands.registry import Arguments, Context, Nothing, Option, Text, Word, command
from bot.replies import Reply
from bot.work import tasks
from storage import agents

MAX_NOTIFY = 20


class Assign(Arguments):
    """Arguments of `agent assign`."""

    agent: Annotated[str, Word("@AGENT")]
    notify: Annotated[tuple[str, ...], Option("--notify", "ADDRESS", many=True)] = ()
    text: Annotated[str, Text("TEXT")]

    @field_validator("agent")
    @classmethod
    def _name(cls, value: str) -> str:
        return value.removeprefix("@").rstrip(":,").lower()

    @field_validator("notify")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) > MAX_NOTIFY:
            message = f"at most {MAX_NOTIFY} addresses can be notified"
            raise ValueError(message)
        return tuple(dict.fromkeys(people.address(one) for one in value))


@command("agent assign", needs=Role.MEMBER, arguments=Assign)
def assign(context: Context, arguments: Assign) -> Reply:
    """Give an agent a task."""
    task = tasks.open_task(
        context.actor, arguments.agent, arguments.text, context.origin, arguments.notify, context.now
    )
    key = tasks.key(task.id)
    told = f"\nResults go to {', '.join(arguments.notify)} too." if arguments.notify else ""
    text = f"**{key}** is queued for @{arguments.agent}: {task.title}{told}"
    return Reply(text, {"id": task.id, "key": key, "title": task.title, "state": task.state})


@command("agent list", needs=Role.MEMBER, reads=True)
def list_agents(_: Context, __: Nothing) -> Reply:
    """Show the agents and what they do."""
    known = agents.everyone()
    text = "\n".join(f"- **@{agent.name}** — {agent.about}" for agent in known)
    data = [{"name": agent.name, "about": agent.about, "status": agent.status} for agent in known]
    return Reply(text, {"agents": data})
