"""Open, find and cancel tasks. Each call is one short transaction with the time passed in."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from bot import permissions, stream
from bot.actors import Actor, Door, Origin
from bot.errors import UserMistake
from bot.events import AnyFact, TaskCancelled, TaskOpened
from storage import agents, discussions, runs, subscriptions, tasks, workspaces
from storage.tables import Tasks
from storage.tasks import Line

TITLE_CHARS = 80


def key(task_id: int) -> str:
    """What people call a task: T-12."""
    return f"T-{task_id}"


def title_of(text: str) -> str:
    """The first line that says something, cut to a length that fits a heading."""
    lines = (re.sub(r"^[#>*\-\s]+", "", line).strip() for line in text.splitlines())
    line = next((line for line in lines if line and not line.startswith(("```", "~~~"))), "Untitled task")
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def open_task(
    asker: Actor, agent_name: str, text: str, origin: Origin, notify: Sequence[str], now: datetime
) -> Tasks:
    """Give an agent a task.

    Args:
        asker: Who asks.
        agent_name: Which agent, without the @.
        text: What to do, as it was written.
        origin: Where it was asked; its results go back there.
        notify: Addresses that hear of it by email.
        now: The time.

    Raises:
        UserMistake: There is no such agent.
    """
    agent = agents.find(agent_name)
    if agent is None:
        names = ", ".join(f"@{known.name}" for known in agents.everyone())
        raise UserMistake(f"There is no agent called @{agent_name[:60]}. There is {names}.")
    discussion = None
    if origin.place:
        discussion = discussions.ensure(origin.door, origin.place, private=origin.private)
    workspace = workspaces.add(secrets.token_hex(8))
    task = Tasks.create(
        title=title_of(text),
        text=text,
        state="queued",
        agent=agent,
        asker=asker.id,
        discussion=discussion,
        workspace=workspace,
        stream=stream.new(),
        opened_at=now,
    )
    workspaces.rename(workspace, key(task.id).lower())
    runs.add(task.id)
    if origin.door == Door.SLACK and origin.place:
        subscriptions.add(task.id, "slack", origin.place)
    for address in notify:
        subscriptions.add(task.id, "email", address)
    opened = TaskOpened(
        title=task.title, text=text, agent=agent.name, asked_by=asker.name, door=origin.door.value
    )
    stream.record(task.stream_id, asker.name, opened, now)
    return task


def find(task_key: str, actor: Actor, origin: Origin) -> Tasks:
    """The task of this key.

    Raises:
        UserMistake: There is none that the actor may see.
    """
    match = re.fullmatch(r"[Tt]-?(\d{1,15})", task_key)
    if match is None:
        raise UserMistake(f"{task_key[:60]} is no task: one is called like T-12.")
    task = tasks.find(int(match[1]), permissions.eyes(actor, origin))
    if task is None:
        raise UserMistake(f"There is no task {key(int(match[1]))} that you can see. Try: task list")
    return task


def newest(actor: Actor, origin: Origin, limit: int) -> list[Line]:
    """The newest tasks that the actor may see."""
    return tasks.newest(permissions.eyes(actor, origin), limit)


def cancel(task: Tasks, actor: Actor, now: datetime) -> None:
    """Stop a task, and tell its row: whoever works on it loses the right to, and ends its sandbox.

    Raises:
        UserMistake: It is over already.
    """
    if not tasks.end(task.id, "cancelled", now):
        raise UserMistake(f"{key(task.id)} is over already: it is {task.state}.")
    task.state, task.ended_at = "cancelled", now
    runs.close(task.id)
    stream.record(task.stream_id, actor.name, TaskCancelled(by=actor.name), now)


def settle_report(task_id: int, fact: AnyFact, now: datetime) -> None:
    """Record the report that an ended task was owed, or why it has none; the first to settle it counts."""
    if tasks.settle_report(task_id):
        stream.record(tasks.get(task_id).stream_id, "reports", fact, now)
