"""Open, find, stop and restart tasks. Each call is one short transaction with the time passed in."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot import permissions, stream
from bot.actors import Actor, Door, Origin, Role
from bot.errors import Refused, UserMistake
from bot.events import (
    AnyFact,
    Said,
    TaskCancelled,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
)
from bot.work import approvals
from bot.work.keys import key
from storage import agents, discussions, messages, runs, subscriptions, tasks, workspaces
from storage.tables import Agents, Discussions, Tasks, Workspaces
from storage.tasks import Line

__all__ = [
    "Order",
    "cancel",
    "find",
    "held_by",
    "key",
    "long_over",
    "matching",
    "newest",
    "open_task",
    "pause",
    "reassign",
    "resume",
    "retry",
    "settle_report",
    "title_of",
]

TITLE_CHARS = 80
CONTEXT = 20
_KEY = r"[Tt]-?(\d{1,15})"


def title_of(text: str) -> str:
    """The first line that says something, cut to a length that fits a heading."""
    lines = (re.sub(r"^[#>*\-\s]+", "", line).strip() for line in text.splitlines())
    line = next((line for line in lines if line and not line.startswith(("```", "~~~"))), "Untitled task")
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Order:
    """What an agent is to do, and how.

    Attributes:
        agent: Which agent, without the @.
        text: What to do, as it was written.
        title: In a line; made from the text where it is empty.
        notify: Addresses that hear of it by email.
        workspace: Where it is done: a name, or a task's key for where that one worked; empty for one of its
            own, or what channel or agent have for such.
        priority: Larger is more urgent.
        budget: What it may cost, in the grammar's words.
        model: What decides on the steps, whichever agent takes them; what the agent has if empty.
    """

    agent: str
    text: str
    title: str = ""
    notify: tuple[str, ...] = ()
    workspace: str = ""
    priority: int = 0
    budget: str = ""
    model: str = ""


def open_task(asker: Actor, order: Order, origin: Origin, now: datetime) -> Tasks:
    """Give an agent a task.

    Args:
        asker: Who asks.
        order: What.
        origin: Where it was asked; its results go back there.
        now: The time.

    Raises:
        UserMistake: There is no such agent, it takes no work, or there is no such workspace.
    """
    agent = _working(order.agent)
    discussion = None
    if origin.place:
        discussion = discussions.ensure(origin.door, origin.place, private=origin.private)
    named = None
    if own := order.workspace or (discussion.workspace if discussion else ""):
        named = _workspace(own, asker, origin, discussion)
    elif agent.workspace:  # the agent's own, whoever asks
        named = workspaces.find(agent.workspace) or workspaces.add_named(agent.workspace, None)
    task = Tasks.create(
        title=order.title or title_of(order.text),
        text=order.text,
        state="queued",
        agent=agent,
        asker=asker.id,
        discussion=discussion,
        workspace=named or workspaces.add(secrets.token_hex(8)),
        stream=stream.new(),
        opened_at=now,
        priority=order.priority,
        budget=order.budget,
        model=order.model,
    )
    if named is None:
        workspaces.rename(task.workspace, key(task.id).lower())
    runs.add(task.id)
    if origin.door == Door.SLACK and origin.place:
        thread = f"{origin.place}:{origin.thread}" if origin.thread else ""
        subscriptions.add(task.id, "slack", origin.place, thread=thread)
    for address in order.notify:
        subscriptions.add(task.id, "email", address)
    said = messages.last(discussion.id, CONTEXT) if discussion else []
    opened = TaskOpened(
        title=task.title,
        text=order.text,
        agent=agent.name,
        asked_by=asker.name,
        door=origin.door.value,
        context=tuple(Said(author=one.author, text=one.text, at=one.at) for one in said),
    )
    stream.record(task.stream_id, asker.name, opened, now)
    return task


def _working(name: str) -> Agents:
    """The agent of this name, if it takes work."""
    agent = agents.find(name)
    if agent is None:
        names = ", ".join(f"@{known.name}" for known in agents.everyone() if known.status != "retired")
        raise UserMistake(f"There is no agent called @{name[:60]}. There is {names}.")
    if agent.status == "retired":
        raise UserMistake(f"@{agent.name} is retired and takes no new tasks. An admin can bring it back.")
    return agent


def _workspace(name: str, asker: Actor, origin: Origin, discussion: Discussions | None) -> Workspaces:
    """The workspace of this name, made if it is new.

    That of a task is for those who see the task, and one that was made in a private discussion is for that.
    """
    if re.fullmatch(_KEY, name):
        return find(name, asker, origin).workspace
    known = workspaces.find(name.lower())
    if known is None:
        own = discussion if discussion and discussion.private else None
        return workspaces.add_named(name.lower(), own)
    if not permissions.sees_workspace(asker, origin, known):
        raise UserMistake(f"The workspace {name} belongs to a private discussion. Take another name.")
    return known


def find(task_key: str, actor: Actor, origin: Origin) -> Tasks:
    """The task of this key.

    Raises:
        UserMistake: There is none that the actor may see.
    """
    match = re.fullmatch(_KEY, task_key)
    if match is None:
        raise UserMistake(f"{task_key[:60]} is no task: one is called like T-12.")
    task = tasks.find(int(match[1]), permissions.eyes(actor, origin))
    if task is None:
        raise UserMistake(f"There is no task {key(int(match[1]))} that you can see. Try: task list")
    return task


def newest(actor: Actor, origin: Origin, limit: int) -> list[Line]:
    """The newest tasks that the actor may see."""
    return tasks.newest(permissions.eyes(actor, origin), limit)


def long_over(keys: Collection[str], before: datetime) -> set[str]:
    """Those of these tasks, by their keys, that were over before this moment."""
    numbers = [int(found[1]) for one in keys if (found := re.fullmatch(_KEY, one))]
    return {key(task_id) for task_id in tasks.over(numbers, before)}


def held_by(task: Tasks) -> int | None:
    """The task that has this one's workspace, where it has to wait for that."""
    return workspaces.holder(task.workspace_id, task.id) if task.state == "queued" else None


def matching(actor: Actor, origin: Origin, text: str, limit: int) -> list[Line]:
    """The newest tasks that the actor may see and that say this."""
    return tasks.matching(permissions.eyes(actor, origin), text, limit)


def cancel(task: Tasks, actor: Actor, now: datetime) -> None:
    """Stop a task, and tell its row: whoever works on it loses the right to, and ends its sandbox.

    Raises:
        UserMistake: It is over already.
    """
    if not tasks.end(task.id, "cancelled", now):
        raise UserMistake(f"{key(task.id)} is over already: it is {task.state}.")
    task.state, task.ended_at = "cancelled", now
    runs.close(task.id)
    approvals.withdraw_all(task, f"{key(task.id)} was cancelled.", actor.name, now)
    stream.record(task.stream_id, actor.name, TaskCancelled(by=actor.name), now)


def pause(task: Tasks, actor: Actor, now: datetime) -> None:
    """Let a task rest: whoever works on it ends the call that is under way, and begins no other.

    Raises:
        UserMistake: It rests already, or is over.
    """
    if not tasks.pause(task.id):
        if task.state == tasks.PAUSED:
            raise UserMistake(
                f"{key(task.id)} is paused already. Let it go on with: task resume {key(task.id)}"
            )
        raise UserMistake(f"{key(task.id)} is over: it is {task.state}.")
    task.state = tasks.PAUSED
    stream.record(task.stream_id, actor.name, TaskPaused(by=actor.name), now)


def resume(task: Tasks, actor: Actor, now: datetime) -> None:
    """Let a paused task go on, with any worker; one that waits for people waits on.

    Raises:
        UserMistake: It is not paused.
    """
    state = tasks.resume(task.id)
    if not state:
        raise UserMistake(f"{key(task.id)} is not paused: it is {task.state}.")
    task.state = state
    if state == "queued":
        runs.unpark(task.id)
    stream.record(task.stream_id, actor.name, TaskResumed(by=actor.name), now)


def retry(task: Tasks, actor: Actor, now: datetime) -> None:
    """Begin a task anew that is over, in the same workspace.

    Raises:
        UserMistake: It is not over.
    """
    _working(task.agent.name)
    if not (task.agent.open_to_stakeholders or permissions.may(actor, Role.MEMBER)):
        raise Refused(f"@{task.agent.name} takes no tasks of stakeholders any more: ask a team member.")
    if not tasks.reopen(task.id):
        raise UserMistake(f"{key(task.id)} is not over: it is {task.state}. Stop it first: task cancel")
    task.state, task.ended_at = "queued", None
    runs.add(task.id)
    approvals.withdraw_all(task, f"{key(task.id)} begins anew.", actor.name, now)
    stream.record(task.stream_id, actor.name, TaskRetried(by=actor.name, person=actor.id), now)


def reassign(task: Tasks, agent_name: str, actor: Actor, now: datetime) -> None:
    """Let another agent go on with a task; what runs at the moment is ended.

    Raises:
        UserMistake: There is no such agent, or the task is over.
    """
    agent = _working(agent_name)
    if task.state not in tasks.OPEN:
        raise UserMistake(f"{key(task.id)} is over: it is {task.state}. Begin it anew with: task retry")
    if agent.id == task.agent_id:
        raise UserMistake(f"@{agent.name} has {key(task.id)} already.")
    runs.close(task.id)
    approvals.withdraw_all(task, f"@{agent.name} goes on with the task.", actor.name, now)
    tasks.give(task.id, agent)
    task.agent = agent
    if task.state != tasks.PAUSED:
        task.state = "queued"
    runs.add(task.id)
    stream.record(task.stream_id, actor.name, TaskReassigned(agent=agent.name, by=actor.name), now)


def settle_report(task_id: int, ended_at: datetime | None, fact: AnyFact, now: datetime) -> None:
    """Record the report that an ended task was owed, or why it has none; the first to settle it counts.

    One that was drawn of an earlier ending, before the task was begun anew, settles nothing.
    """
    if tasks.settle_report(task_id, ended_at):
        stream.record(tasks.get(task_id).stream_id, "reports", fact, now)
