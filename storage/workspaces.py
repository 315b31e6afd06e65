"""Which workspaces there are, and which run holds each."""

from datetime import datetime, timedelta
from typing import Any

from peewee import Expression

from storage.tables import Discussions, Runs, Workspaces

# How long a left-over sandbox on a machine out of reach is waited for. It dies with its worker; only
# one that is frozen outlives this, and its commits count for nothing.
ELSEWHERE = timedelta(minutes=5)


def add(name: str) -> Workspaces:
    """A new workspace, held by nobody."""
    return Workspaces.create(name=name)


def rename(workspace: Workspaces, name: str) -> None:
    """Give a workspace its name."""
    Workspaces.update(name=name).where(Workspaces.id == workspace.id).execute()


def find(name: str) -> Workspaces | None:
    """The workspace of this name, with the discussion that has it to itself."""
    known = Workspaces.select(Workspaces, Discussions).left_outer_join(Discussions)
    return known.where(Workspaces.name == name).first()


def add_named(name: str, discussion: Discussions | None) -> Workspaces:
    """A new workspace that people named; for the tasks of one discussion alone, or for all."""
    return Workspaces.create(name=name, named=True, discussion=discussion)


def hold(workspace_id: int, run_id: int, host: str, now: datetime) -> bool:
    """Give a workspace to a run; False while another run holds it.

    Args:
        workspace_id: The workspace.
        run_id: The run.
        host: The machine it works on.
        now: The time.
    """
    free = free_for_a_run(host, now, now - ELSEWHERE, run_id)
    mine = Workspaces.update(held_by=run_id).where(Workspaces.id == workspace_id, free)
    return mine.execute() == 1


def free_for_a_run(host: Any, now: Any, given_up: Any, run: Any = Runs.id) -> Expression:
    """Which workspaces a run could hold, as a condition of a query.

    A run that was ended from outside holds on until its worker has seen to its sandbox and let go, or until
    its lease is over; whoever comes then ends the sandbox that it left, where that is within reach.

    Args:
        host: The machine it works on.
        now: The time.
        given_up: Leases that were over before then are of machines that nobody waits for.
        run: Its number; that of the query's own run if it is over runs.
    """
    former = Runs.alias("former")
    unclaimed = former.lease_until.is_null() | (former.lease_until < now)
    within_reach = former.sandbox_host.is_null() | (former.sandbox_host == host)
    gone = former.select(former.id).where(
        ~former.open, unclaimed, within_reach | (former.lease_until < given_up)
    )
    return Workspaces.held_by.is_null() | (Workspaces.held_by == run) | Workspaces.held_by.in_(gone)


def holder(workspace_id: int, but: int) -> int | None:
    """The number of the task that has a workspace, other than this one."""
    held = Workspaces.select(Workspaces.held_by).where(Workspaces.id == workspace_id)
    run = Runs.select(Runs.task).where(Runs.id.in_(held), Runs.task != but, Runs.open).first()
    return run.task_id if run else None


def release(run_id: int) -> None:
    """Whatever this run held is free again."""
    Workspaces.update(held_by=None).where(Workspaces.held_by == run_id).execute()
