"""Commands about the channel that they are said in: whom it turns to, where they work, who decides."""

from typing import Annotated

from bot import people, stream
from bot.actors import Role
from bot.commands.agents import named
from bot.commands.optional import AgentOrNone, PeopleOrNone, WorkspaceOrNone, distinct
from bot.commands.registry import Arguments, Context, Nothing, Option, command
from bot.errors import UserMistake
from bot.events import ChannelChanged
from bot.replies import Reply
from storage import approvers, discussions


class Setting(Arguments):
    """Arguments of `agent channel set`; None where it is left as it is."""

    agent: Annotated[AgentOrNone | None, Option("--agent", "@AGENT|none")] = None
    workspace: Annotated[WorkspaceOrNone | None, Option("--workspace", "NAME|none")] = None
    approvers: Annotated[PeopleOrNone | None, Option("--approvers", "@A,B@C|none")] = None


@command("agent channel show", needs=Role.ADMIN, reads=True)
def show(context: Context, _: Nothing) -> Reply:
    """Show what holds in this channel."""
    discussion = discussions.find(context.origin.door, _place(context))
    agent = discussion.agent.name if discussion and discussion.agent else ""
    workspace = discussion.workspace if discussion else ""
    deciding = [people.shown(one) for one in approvers.of_discussion(discussion.id)] if discussion else []
    text = (
        "**What holds in this channel**\n"
        f"- Agent where none is named: {f'@{agent}' if agent else 'none'}\n"
        f"- Workspace where none is named: {workspace or 'one of its own for each task'}\n"
        f"- Approvers: {', '.join(deciding) or 'none of its own'}"
    )
    return Reply(text, {"agent": agent, "workspace": workspace, "approvers": deciding})


@command("agent channel set", needs=Role.ADMIN, arguments=Setting)
def change(context: Context, arguments: Setting) -> Reply:
    """Say what holds in this channel for tasks that are opened from now on."""
    place = _place(context)
    origin = context.origin
    discussion = discussions.ensure(origin.door, place, private=origin.private)
    said = []
    if arguments.agent is not None:
        agent = named(arguments.agent) if arguments.agent else None
        if agent and agent.status == "retired":
            raise UserMistake(f"@{agent.name} is retired. Bring it back first: agent resume @{agent.name}")
        discussions.change(discussion.id, agent=agent)
        said.append(f"agent: {f'@{agent.name}' if agent else 'none'}")
    if arguments.workspace is not None:
        discussions.change(discussion.id, workspace=arguments.workspace)
        said.append(f"workspace: {arguments.workspace or 'none'}")
    if arguments.approvers is not None:
        deciding = distinct(arguments.approvers, context.now)
        approvers.name_for_discussion(discussion.id, [person.id for person in deciding])
        said.append(f"approvers: {', '.join(map(people.label, deciding)) or 'none of its own'}")
    if not said:
        raise UserMistake(f"Say what to change. Usage: `agent channel set {Setting.usage()}`")
    what = "; ".join(said)
    fact = ChannelChanged(place=place, what=f"{what}.", by=context.actor.name)
    stream.record(stream.HOUSE, context.actor.name, fact, context.now)
    return Reply(f"In this channel from now on: {what}.", {"place": place})


def _place(context: Context) -> str:
    """The channel that the command was said in."""
    if not context.origin.place:
        raise UserMistake("Say this in the channel that it is about.")
    return context.origin.place
