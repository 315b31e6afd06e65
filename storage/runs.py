"""Claims with a lease: whoever holds a run's token may act on its task, nobody else."""

import functools
import secrets
from collections.abc import Sequence
from datetime import datetime

from peewee import Case, ModelSelect, ModelUpdate, chunked

from storage import workspaces
from storage.prepared import Prepared
from storage.tables import Agents, Runs, Tasks, Workspaces
from storage.tasks import PAUSED

TOGETHER = 100  # runs in one query, which is written once for each number of them

_holds = Prepared(
    lambda run, token: Runs.select(Runs.id).where(Runs.id == run, Runs.token == token, Runs.open)
)
_tokens = Prepared(lambda *ids: Runs.select(Runs.token).where(Runs.id.in_(ids), Runs.open))


@functools.cache
def _renew(*names: str) -> Prepared:
    """The query of `renew`, where values of these names are set."""

    def build(run: int, token: str, until: int, *values: object) -> ModelUpdate:
        renewed = Runs.update(lease_until=until, **dict(zip(names, values, strict=True)))
        return renewed.where(Runs.id == run, Runs.token == token, Runs.open)

    return Prepared(build)


def _renewing(until: int, *keys: object) -> ModelUpdate:
    """The query of `renew_all`, for as many runs as there are tokens behind them."""
    ids, tokens = keys[: len(keys) // 2], keys[len(keys) // 2 :]
    return Runs.update(lease_until=until).where(Runs.id.in_(ids), Runs.token.in_(tokens), Runs.open)


_renew_all = Prepared(_renewing)


@functools.cache
def _claimable(*, any_task: bool) -> Prepared:
    """The ids that `claimable` finds."""

    def build(now: datetime, given_up: datetime, host: str, limit: int, task_id: int) -> "ModelSelect[Runs]":
        wanted = Runs.open & ~Runs.parked & (Runs.token.is_null() | (Runs.lease_until < now))
        wanted &= (Tasks.state != PAUSED) & (Agents.status != "paused")
        wanted &= workspaces.free_for_a_run(host, now, given_up)
        wanted &= Runs.sandbox_host.is_null() | (Runs.sandbox_host == host) | (Runs.lease_until < given_up)
        if not any_task:
            wanted &= Runs.task == task_id
        found = Runs.select(Runs.id).join(Tasks).join(Agents).switch(Tasks).join(Workspaces).where(wanted)
        return found.order_by(Tasks.priority.desc(), Runs.id).limit(limit)

    return Prepared(build)


def add(task_id: int) -> Runs:
    """An execution that waits to be claimed."""
    return Runs.create(task=task_id)


def claimable(now: datetime, host: str, limit: int, task_id: int | None = None) -> list[Runs]:
    """Open runs that nobody holds any more and whose workspace is free, those of urgent tasks first.

    Args:
        now: The time.
        host: The machine that would take one: it can end a left-over sandbox only where that runs.
        limit: How many at most.
        task_id: Only those of this task.
    """
    query = _claimable(any_task=task_id is None)
    ids = [id_ for (id_,) in query.rows(now, now - workspaces.ELSEWHERE, host, limit, task_id)]
    if not ids:
        return []  # as on nearly every look
    found = {run.id: run for run in Runs.select(Runs, Tasks).join(Tasks).where(Runs.id.in_(ids))}
    return [found[id_] for id_ in ids if id_ in found]


def claim(run: Runs, worker: str, host: str, now: datetime, until: datetime) -> Runs | None:
    """Take a run, with its workspace and the sandbox that another run may have left there.

    Args:
        run: As `claimable` gave it.
        worker: Who takes it.
        host: The machine it works on.
        now: The time.
        until: How long the claim holds unless it is renewed.

    Returns:
        The run as it stands now, with its new token; None if another worker got there first, or if another
        run has the workspace.
    """
    left = _left_in(run)
    if not workspaces.hold(run.task.workspace_id, run.id, host, now):
        return None
    free = Runs.token.is_null() | (Runs.lease_until < now)
    claimed = Runs.update(
        token=secrets.token_hex(16), worker=worker, lease_until=until, attempt=Runs.attempt + 1, **left
    ).where(Runs.id == run.id, Runs.open, Runs.attempt == run.attempt, free)
    return Runs.get_by_id(run.id) if claimed.execute() == 1 else None


def _left_in(run: Runs) -> dict[str, object]:
    """The sandbox that another run has left in the workspace: it is this one's to end, before it works."""
    held = Workspaces.select(Workspaces.held_by).where(Workspaces.id == run.task.workspace_id)
    former = Runs.get_or_none(Runs.id.in_(held), Runs.id != run.id, ~Runs.sandbox_pid.is_null())
    if former is None:
        return {}
    names = ("sandbox_host", "sandbox_pid", "sandbox_started")
    return {name: getattr(former, name) for name in names}


def renew(run_id: int, token: str, until: datetime, **values: object) -> bool:
    """Extend a claim and set the row's other values with it; False if the claim is lost."""
    query = _renew(*values)
    return query.changed(run_id, token, Runs.lease_until.db_value(until), *values.values()) == 1


def renew_all(claims: Sequence[tuple[int, str]], until: datetime) -> None:
    """Extend claims, each a run and the token that proves it; one that is lost is left as it is."""
    for some in chunked(claims, TOGETHER):
        ids, tokens = zip(*some, strict=True)
        _renew_all.changed(Runs.lease_until.db_value(until), *ids, *tokens)


def tokens(run_ids: Sequence[int]) -> set[str]:
    """The tokens by which these runs are held, without writing."""
    return {token for some in chunked(run_ids, TOGETHER) for (token,) in _tokens.rows(*some) if token}


def holds(run_id: int, token: str) -> bool:
    """Whether a claim still stands, without writing."""
    return bool(_holds.rows(run_id, token))


def give_back(run_id: int, token: str) -> bool:
    """Let any worker claim the run at once; False if the claim is lost.

    A worker that leaves in order does not count as an attempt.
    """
    idle = {"sandbox_host": None, "sandbox_pid": None, "sandbox_started": None}
    given = Runs.update(token=None, lease_until=None, attempt=Runs.attempt - 1, **idle)
    return given.where(Runs.id == run_id, Runs.token == token, Runs.open).execute() == 1


def park(run_id: int, token: str) -> bool:
    """Let the run wait, claimed by nobody, for what its task waits for; False if the claim is lost.

    A sandbox that is noted may not be dead yet: it stays so, with the lease, by which it must be over.
    """
    lease = Case(None, [(Runs.sandbox_pid.is_null(), None)], Runs.lease_until)
    parked = Runs.update(parked=True, token=None, lease_until=lease, attempt=Runs.attempt - 1)
    return parked.where(Runs.id == run_id, Runs.token == token, Runs.open).execute() == 1


def forget_sandbox(run_id: int, pid: int, started: int) -> None:
    """A sandbox is dead: where it was noted for the run, that has none, and no lease if nobody holds it."""
    idle = {"sandbox_host": None, "sandbox_pid": None, "sandbox_started": None}
    lease = Case(None, [(Runs.token.is_null(), None)], Runs.lease_until)
    noted = (Runs.id == run_id) & (Runs.sandbox_pid == pid) & (Runs.sandbox_started == started)
    Runs.update(lease_until=lease, **idle).where(noted).execute()


def unpark(task_id: int) -> bool:
    """Any worker may go on with a task; False if it did not wait."""
    waited = (Runs.task == task_id) & Runs.open & Runs.parked
    return Runs.update(parked=False).where(waited).execute() == 1


def is_open(run_id: int) -> bool:
    """Whether a run is still to be worked on."""
    return Runs.select().where(Runs.id == run_id, Runs.open).exists()


def close(task_id: int) -> None:
    """End the task's open run, whoever holds it: its token is worth nothing from now on."""
    Runs.update(open=False, token=None).where(Runs.task == task_id, Runs.open).execute()
