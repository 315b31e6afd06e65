"""Which workspaces there are, and which run holds each."""

from datetime import datetime

from storage.tables import Runs, Workspaces


def add(name: str) -> Workspaces:
    """A new workspace, held by nobody."""
    return Workspaces.create(name=name)


def rename(workspace: Workspaces, name: str) -> None:
    """Give a workspace its name."""
    Workspaces.update(name=name).where(Workspaces.id == workspace.id).execute()


def hold(workspace_id: int, run_id: int, now: datetime) -> bool:
    """Give a workspace to a run; False while another run holds it.

    A run that was ended from outside holds on until its worker has seen to its sandbox and let go, or until
    its lease is over.
    """
    unclaimed = Runs.lease_until.is_null() | (Runs.lease_until < now)
    gone = Runs.select(Runs.id).where(~Runs.open, unclaimed)
    free = Workspaces.held_by.is_null() | (Workspaces.held_by == run_id) | Workspaces.held_by.in_(gone)
    mine = Workspaces.update(held_by=run_id).where(Workspaces.id == workspace_id, free)
    return mine.execute() == 1


def release(run_id: int) -> None:
    """Whatever this run held is free again."""
    Workspaces.update(held_by=None).where(Workspaces.held_by == run_id).execute()
