"""Who hears of a task, how far they were told, and what was sent."""

import functools
import secrets
from collections.abc import Collection
from datetime import datetime

from peewee import ModelSelect

from storage.prepared import Prepared
from storage.tables import Cadence, Streams, Subscriptions, Tasks


def add(task_id: int, outlet: str, address: str, *, thread: str = "", cadence: Cadence = "all") -> None:
    """Let an address hear of a task; one that does is left as it is.

    Args:
        task_id: The task.
        outlet: By which way.
        address: Whom.
        thread: Where they are told; its first message makes one where this is empty.
        cadence: What they want to hear of.
    """
    heard = Subscriptions.insert(task=task_id, outlet=outlet, address=address, thread=thread, cadence=cadence)
    heard.on_conflict_ignore().execute()


def set_cadence(task_id: int, outlet: str, addresses: Collection[str], cadence: Cadence) -> int:
    """Change what these addresses want to hear of a task; how many of them hear of it."""
    mine = (Subscriptions.task == task_id) & (Subscriptions.outlet == outlet)
    changed = Subscriptions.update(cadence=cadence)
    return int(changed.where(mine, Subscriptions.address.in_(addresses)).execute())


def start_at_end(task_id: int, outlet: str, address: str) -> None:
    """Whoever begins to hear of a task now is not told what was before."""
    end = Streams.select(Streams.seq).join(Tasks).where(Tasks.id == task_id)
    mine = (Subscriptions.task == task_id) & (Subscriptions.outlet == outlet)
    Subscriptions.update(cursor=end).where(mine, Subscriptions.address == address).execute()


@functools.cache
def _due(*, any_task: bool) -> Prepared:
    """The ids that `due` finds."""

    def build(now: datetime, limit: int, task_id: int, *outlets: str) -> "ModelSelect[Subscriptions]":
        free = Subscriptions.leased_until.is_null() | (Subscriptions.leased_until < now)
        ready = Subscriptions.not_before.is_null() | (Subscriptions.not_before <= now)
        wanted = (Subscriptions.cursor < Streams.seq) & Subscriptions.outlet.in_(outlets) & free & ready
        if not any_task:
            wanted &= Subscriptions.task == task_id
        behind = Subscriptions.select(Subscriptions.id).join(Tasks).join(Streams).where(wanted)
        return behind.order_by(Subscriptions.id).limit(limit)

    return Prepared(build)


def due(now: datetime, outlets: list[str], limit: int, task_id: int | None = None) -> list[Subscriptions]:
    """Subscriptions behind their stream, that nobody serves and that need not wait."""
    ids = [id_ for (id_,) in _due(any_task=task_id is None).rows(now, limit, task_id, *outlets)]
    if not ids:
        return []  # as on nearly every look
    found = Subscriptions.select(Subscriptions, Tasks).join(Tasks).where(Subscriptions.id.in_(ids))
    return list(found.order_by(Subscriptions.id))


def all_told(task_id: int, outlets: list[str]) -> bool:
    """Whether everyone who hears of a task by these outlets was told all of it, or has to be waited for."""
    behind = (Subscriptions.cursor < Streams.seq) & Subscriptions.not_before.is_null()
    wanted = (Subscriptions.task == task_id) & Subscriptions.outlet.in_(outlets)
    waiting = Subscriptions.select().join(Tasks).join(Streams).where(behind, wanted)
    return not waiting.exists()


def find(subscription_id: int) -> Subscriptions | None:
    """The subscription of this number, with its task."""
    known = Subscriptions.select(Subscriptions, Tasks).join(Tasks)
    return known.where(Subscriptions.id == subscription_id).first()


def get(subscription_id: int) -> Subscriptions:
    """The subscription of this number, which must be there, with its task."""
    known = Subscriptions.select(Subscriptions, Tasks).join(Tasks)
    return known.where(Subscriptions.id == subscription_id).get()


def of_task(task_id: int) -> list[Subscriptions]:
    """Everyone who hears of a task."""
    return list(Subscriptions.select().where(Subscriptions.task == task_id).order_by(Subscriptions.id))


def lease(subscription_id: int, now: datetime, until: datetime) -> str | None:
    """Serve this subscription alone until then; the token that proves it, or None if another worker does."""
    token = secrets.token_hex(16)
    free = Subscriptions.leased_until.is_null() | (Subscriptions.leased_until < now)
    leased = Subscriptions.update(token=token, leased_until=until)
    return token if leased.where(Subscriptions.id == subscription_id, free).execute() == 1 else None


def renew(subscription_id: int, token: str, until: datetime) -> bool:
    """Extend a lease; False if it is lost."""
    renewed = Subscriptions.update(leased_until=until)
    return renewed.where(Subscriptions.id == subscription_id, Subscriptions.token == token).execute() == 1


def release(subscription_id: int, token: str) -> None:
    """Others may serve it again, if the lease is not lost anyway."""
    released = Subscriptions.update(token=None, leased_until=None)
    released.where(Subscriptions.id == subscription_id, Subscriptions.token == token).execute()


def wait(subscription_id: int, until: datetime) -> None:
    """Let it wait until then: its far end works, and asked for time."""
    Subscriptions.update(not_before=until).where(Subscriptions.id == subscription_id).execute()


def postpone(subscription_id: int, until: datetime, failing_since: datetime | None) -> None:
    """Count a failed try and wait.

    Args:
        subscription_id: Whose message it was.
        until: When to try again.
        failing_since: When the tries began to fail, if that counts.
    """
    failed = Subscriptions.update(
        not_before=until, attempts=Subscriptions.attempts + 1, failing_since=failing_since
    )
    failed.where(Subscriptions.id == subscription_id).execute()


def advance(subscription_id: int, cursor: int, thread: str | None = None) -> None:
    """Move the cursor on, and keep the thread's remote id where it is new."""
    values: dict[str, object] = {"cursor": cursor, "attempts": 0, "not_before": None, "failing_since": None}
    if thread is not None:
        values["thread"] = thread
    Subscriptions.update(**values).where(Subscriptions.id == subscription_id).execute()
