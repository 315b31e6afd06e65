"""Commands about workspaces: which there are, who works in one, who waits for it."""

import re
from typing import Annotated, Any

from bot import permissions
from bot.actors import Role
from bot.commands.registry import Arguments, Context, Nothing, Word, command
from bot.commands.words import WorkspaceName
from bot.errors import UserMistake
from bot.replies import Reply
from bot.work import tasks
from storage import queues
from storage.queues import Queue

_OF_A_TASK = re.compile(r"t-?\d+")


class OneWorkspace(Arguments):
    """Arguments of a command about one workspace."""

    workspace: Annotated[WorkspaceName, Word("NAME")]


@command("agent workspaces list", needs=Role.MEMBER, reads=True)
def list_workspaces(context: Context, _: Nothing) -> Reply:
    """Show the named workspaces, and who works in them."""
    found = [one for one in queues.named() if _sees(context, one)]
    text = "\n".join(f"- **{one.name}** — {_state(context, one)}" for one in found)
    empty = "There are no named workspaces yet. A task makes one: `agent assign @AGENT --in NAME TEXT`"
    return Reply(text or empty, {"workspaces": [_data(one) for one in found]})


@command("agent workspaces show", needs=Role.MEMBER, arguments=OneWorkspace, reads=True)
def show(context: Context, arguments: OneWorkspace) -> Reply:
    """Show who works in a workspace, and who waits for it."""
    name = arguments.workspace
    if _OF_A_TASK.fullmatch(name):
        name = tasks.find(name, context.actor, context.origin).workspace.name
    found = queues.of(name)
    if found is None or not _sees(context, found):
        raise UserMistake(f"There is no workspace called {name}. Try: agent workspaces list")
    lines = [f"**{found.name}** — {_state(context, found)}"]
    lines += [f"- {_shown(context, id_)}" for id_ in found.waiting]
    return Reply("\n".join(lines), _data(found))


def _sees(context: Context, queue: Queue) -> bool:
    return permissions.sees_workspace(context.actor, context.origin, queue.workspace)


def _state(context: Context, queue: Queue) -> str:
    count = len(queue.waiting)
    waiting = f", {count} waiting" if count else ""
    if queue.holder is None:
        return f"free{waiting}"
    return f"{_shown(context, queue.holder)} works in it{waiting}"


def _shown(context: Context, task_id: int) -> str:
    """A task as whoever asks may see it."""
    key = tasks.key(task_id)
    try:
        task = tasks.find(key, context.actor, context.origin)
    except UserMistake:
        return f"{key}, which you cannot see"
    return f"{key} {task.title} ({task.state})"


def _data(queue: Queue) -> dict[str, Any]:
    return {
        "name": queue.name,
        "held_by": tasks.key(queue.holder) if queue.holder else None,
        "waiting": [tasks.key(id_) for id_ in queue.waiting],
    }
