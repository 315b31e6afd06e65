"""What was sent of which event to whom."""

from datetime import datetime

from peewee import Expression

from storage.tables import Deliveries, Subscriptions


def begin(subscription_id: int, seq: int, part: str, now: datetime) -> datetime | None:
    """Note that a part of an event is about to be sent.

    Returns:
        When it was noted before, if it was: the sender may have died after the message went out.
    """
    note = Deliveries.insert(subscription=subscription_id, seq=seq, part=part, state="sending", at=now)
    if note.on_conflict_ignore().as_rowcount().execute():
        return None
    return Deliveries.get(_is(subscription_id, seq, part)).at


def forget(subscription_id: int, seq: int, part: str) -> None:
    """It certainly did not go out: there is nothing to look for at the next try."""
    Deliveries.delete().where(_is(subscription_id, seq, part)).execute()


def settled(subscription_id: int, seq: int, part: str) -> bool:
    """Whether a part of an event was sent, or refused for good."""
    return Deliveries.select().where(_is(subscription_id, seq, part), Deliveries.state != "sending").exists()


def remote_ids(subscription_id: int) -> dict[str, str]:
    """How the far end calls what was sent to a subscription, the newest of each part."""
    sent = Deliveries.select().where(Deliveries.subscription == subscription_id, Deliveries.state == "sent")
    return {row.part: row.remote_id for row in sent.order_by(Deliveries.seq)}


def sent(
    subscription_id: int, seq: int, part: str, remote_id: str, now: datetime, *, maybe_twice: bool = False
) -> None:
    """It is out, under this remote id."""
    _settle(subscription_id, seq, part, state="sent", remote_id=remote_id, at=now, maybe_twice=maybe_twice)


def maybe_twice(task_id: int) -> int:
    """How many messages about a task may have come twice."""
    twice = Deliveries.select().join(Subscriptions).where(Subscriptions.task == task_id)
    return int(twice.where(Deliveries.maybe_twice).count())


def dead(subscription_id: int, seq: int, part: str, error: str, now: datetime) -> None:
    """It was refused for good: a dead letter."""
    _settle(subscription_id, seq, part, state="dead", error=error, at=now)


def _settle(subscription_id: int, seq: int, part: str, **values: object) -> None:
    Deliveries.update(**values).where(_is(subscription_id, seq, part)).execute()


def _is(subscription_id: int, seq: int, part: str) -> Expression:
    return (Deliveries.subscription == subscription_id) & (Deliveries.seq == seq) & (Deliveries.part == part)
