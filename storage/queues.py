"""Named workspaces: who works in one, and who waits for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.tables import Discussions, Runs, Tasks, Workspaces
from storage.tasks import OPEN


@dataclass(frozen=True, slots=True)
class Queue:
    """A workspace with its open tasks.

    Attributes:
        name: Of the workspace.
        holder: The task that has it to itself; None while it is free.
        waiting: The open tasks that will work in it, in the order they are taken.
        workspace: Its row, with the discussion that has it to itself.
    """

    name: str
    holder: int | None
    waiting: tuple[int, ...]
    workspace: Workspaces


def named() -> list[Queue]:
    """The workspaces that people named, by name: not those that a task has of its own, which bear its key."""
    rows = Workspaces.select(Workspaces, Discussions).left_outer_join(Discussions)
    return _queues(rows.where(Workspaces.named).order_by(Workspaces.name))


def of(name: str) -> Queue | None:
    """The workspace of this name with its open tasks."""
    rows = Workspaces.select(Workspaces, Discussions).left_outer_join(Discussions)
    return next(iter(_queues(rows.where(Workspaces.name == name))), None)


def _queues(rows: Iterable[Workspaces]) -> list[Queue]:
    queues = []
    for row in rows:
        run = Runs.get_or_none(Runs.id == row.held_by)
        holder = run.task_id if run else None
        tasks = Tasks.select(Tasks.id).where(Tasks.workspace == row.id, Tasks.state.in_(OPEN))
        inside = [task.id for task in tasks.order_by(Tasks.priority.desc(), Tasks.id)]
        queues.append(Queue(row.name, holder, tuple(id_ for id_ in inside if id_ != holder), row))
    return queues
