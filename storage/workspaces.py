"""Which workspaces there are, and which run holds each."""

from datetime import datetime

from peewee import Expression

from storage.tables import Runs, Workspaces


def add(name: str) -> Workspaces:
    """A new workspace, held by nobody."""
    return Workspaces.create(name=name)


def rename(workspace: Workspaces, name: str) -> None:
    """Give a workspace its name."""
    Workspaces.update(name=name).where(Workspaces.id == workspace.id).execute()


def find(name: str) -> Workspaces | None:
    """The workspace of this name."""
    return Workspaces.get_or_none(Workspaces.name == name)


def hold(workspace_id: int, run_id: int, now: datetime) -> bool:
    """Give a workspace to a run; False while another run holds it."""
    free = _free(now) | (Workspaces.held_by == run_id)
    mine = Workspaces.update(held_by=run_id).where(Workspaces.id == workspace_id, free)
    return mine.execute() == 1


def free_for_a_run(now: datetime) -> Expression:
    """Of a query over runs with their workspaces: those that could hold theirs."""
    return _free(now) | (Workspaces.held_by == Runs.id)


def _free(now: datetime) -> Expression:
    """Workspaces that nobody holds.

    A run that was ended from outside holds on until its worker has seen to its sandbox and let go, or until
    its lease is over.
    """
    holder = Runs.alias("holder")
    unclaimed = holder.lease_until.is_null() | (holder.lease_until < now)
    gone = holder.select(holder.id).where(~holder.open, unclaimed)
    return Workspaces.held_by.is_null() | Workspaces.held_by.in_(gone)


def holder(workspace_id: int, but: int) -> int | None:
    """The number of the task that has a workspace, other than this one."""
    held = Workspaces.select(Workspaces.held_by).where(Workspaces.id == workspace_id)
    run = Runs.select(Runs.task).where(Runs.id.in_(held), Runs.task != but, Runs.open).first()
    return run.task_id if run else None


def release(run_id: int) -> None:
    """Whatever this run held is free again."""
    Workspaces.update(held_by=None).where(Workspaces.held_by == run_id).execute()
