"""Dead letters: what a far end refused for good."""

from dataclasses import dataclass
from datetime import datetime

from storage.tables import Deliveries, Notices, Subscriptions


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that never reached its address.

    Attributes:
        at: When it was given up.
        outlet: `slack` or `email`.
        address: Whom it was for.
        task: The task it told of; 0 where it told of none.
        error: What the far end said.
    """

    at: datetime
    outlet: str
    address: str
    task: int
    error: str


def newest(limit: int) -> list[DeadLetter]:
    """The newest dead letters, newest first."""
    told = Deliveries.select(Deliveries, Subscriptions).join(Subscriptions)
    letters = [
        DeadLetter(
            row.at, row.subscription.outlet, row.subscription.address, row.subscription.task_id, row.error
        )
        for row in told.where(Deliveries.state == "dead").order_by(Deliveries.at.desc()).limit(limit)
    ]
    said = Notices.select().where(Notices.state == "dead").order_by(Notices.at.desc()).limit(limit)
    letters += [DeadLetter(row.at, row.outlet, row.address, 0, row.error) for row in said]
    return sorted(letters, key=lambda letter: letter.at, reverse=True)[:limit]
