"""Moves every subscription along its task's log: what lies past the cursor is told, then the cursor moves.

A message is noted as being sent before it is, and as sent with the cursor's move. A pump that dies between
leaves the note, and the next one looks at the far end before it sends again.
"""

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot import stream
from bot.delivery import lease
from bot.delivery.lease import Lease, LeaseLostError
from bot.delivery.outlet import AccessError, Letter, Outlet, Recipient, Sent
from bot.errors import Permanent, Retry
from bot.events import DeliveryAbandoned, Event
from bot.reports import summary
from bot.stream import bell
from bot.stream.crew import Crew
from bot.work.keys import key
from storage import database, deliveries, people, subscriptions, tasks

log = structlog.get_logger()

T = TypeVar("T")
BATCH = 50
MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a far end is waited for.

    Attributes:
        first_s: Seconds before the second try of a message; doubled each time.
        longest_s: The most that they are doubled to.
        give_up: A message that failed for so long becomes a dead letter.
        lease: How long one pump has a subscription to itself without a sign of life.
    """

    first_s: float
    longest_s: float
    give_up: timedelta
    lease: timedelta

    def pause(self, attempts: int, after_s: float | None = None) -> timedelta:
        """How long to wait after another failed try.

        Args:
            attempts: How many failed before it.
            after_s: The seconds that the far end asked for.
        """
        doubled = min(self.first_s * 2 ** min(attempts, MOST_DOUBLINGS), self.longest_s)
        return timedelta(seconds=doubled if after_s is None else after_s)


@dataclass(frozen=True, slots=True)
class _Next:
    """The next message of a subscription, with all that is needed to say it, as the task stands."""

    task_id: int
    state: str
    outlet: Outlet
    letter: Letter


class Pump:
    """Serves all subscriptions of the given outlets.

    Args:
        outlets: The ways of telling people that are set up.
        patience: How long far ends are waited for.
        now: The clock.
        only: The one task to tell of; any if None.
    """

    def __init__(
        self,
        outlets: Sequence[Outlet],
        patience: Patience,
        now: Callable[[], datetime],
        only: int | None = None,
    ) -> None:
        self._outlets = {outlet.name: outlet for outlet in outlets}
        self._patience = patience
        self._now = now
        self._only = only
        self._crew = Crew(BATCH)

    async def drive(self) -> None:
        """Serve whoever is behind, until cancelled."""
        await self._crew.drive(self._dispatch)

    async def _dispatch(self) -> None:
        """Serve the subscriptions that are behind, as far as there is room."""
        room = self._crew.room
        if not self._outlets or room <= 0:
            return
        for held in await database.insist(self._lease, room, self._crew.names):
            self._crew.start(_name(held.row_id), self._serve(held))

    def _lease(self, room: int, served: Collection[str]) -> list[Lease]:
        due = subscriptions.due(self._now(), list(self._outlets), room, self._only)
        mine = [sub.id for sub in due if _name(sub.id) not in served]
        taken = [lease.take(subscriptions, sub_id, self._patience.lease, self._now) for sub_id in mine]
        return [held for held in taken if held]

    async def _serve(self, held: Lease) -> None:
        """Tell one subscription all there is to tell, for as long as the lease is ours."""
        try:
            async with held.kept():
                await self._tell_all(held)
        except LeaseLostError:
            log.warning("another worker goes on with this delivery", subscription=held.row_id)
        except asyncio.CancelledError:
            await held.release()
            raise
        else:
            await held.release()

    async def _tell_all(self, held: Lease) -> None:
        events: list[Event] = []
        while upcoming := await database.insist(self._next, held, events):
            wait = upcoming.outlet.wait_s(upcoming.letter)
            if wait > 0:
                await _wait(upcoming, wait)  # and look again: more may have happened, to be told in one
            elif not await self._tell(held, upcoming):
                return

    def _next(self, held: Lease, events: list[Event]) -> _Next | None:
        """The next message; None when there is nothing more to tell. Reads on in the log, into `events`."""
        held.prove()
        sub = subscriptions.get(held.row_id)
        outlet = self._outlets[sub.outlet]
        events += stream.replay(sub.task.stream_id, after=events[-1].seq if events else 0)
        report = summary.read(key(sub.task_id), events)
        fallback = next(iter(people.values(sub.task.asker_id, sub.outlet)), "")
        to = Recipient(sub.id, sub.address, sub.thread, fallback, sub.cadence)
        earlier = deliveries.remote_ids(sub.id)
        for message in outlet.plan(events, sub.cursor, to):
            letter = Letter(message, to, report, events[message.seq - 1], earlier)
            if message.edits:
                if not earlier.keys().isdisjoint(message.edits):
                    return _Next(sub.task_id, sub.task.state, outlet, letter)
            elif not deliveries.settled(sub.id, message.seq, message.part):
                return _Next(sub.task_id, sub.task.state, outlet, letter)
            subscriptions.advance(sub.id, message.cursor)
        subscriptions.advance(sub.id, events[-1].seq)
        return None

    async def _tell(self, held: Lease, upcoming: _Next) -> bool:
        """Say one message; False when the far end has to be waited for."""
        outlet, letter = upcoming.outlet, upcoming.letter
        try:
            if letter.message.edits:
                await foreseen(outlet.edit(letter))
                await database.insist(self._edited, held, letter)
            else:
                since = await database.insist(self._begin, held, letter)
                still_ours = functools.partial(database.insist, held.prove)
                letter = dataclasses.replace(letter, since=since, still_ours=still_ours)
                sent = await foreseen(outlet.send(letter))
                await database.insist(self._sent, held, letter, sent)
        except Retry as error:
            return await database.insist(self._postpone, held, letter, error)
        except Permanent as error:
            await database.insist(self._abandon, held, letter, str(error))
        return True

    def _begin(self, held: Lease, letter: Letter) -> datetime | None:
        held.prove()
        return deliveries.begin(held.row_id, letter.message.seq, letter.message.part, self._now())

    def _edited(self, held: Lease, letter: Letter) -> None:
        held.prove()
        subscriptions.advance(held.row_id, letter.message.cursor)

    def _sent(self, held: Lease, letter: Letter, sent: Sent) -> None:
        held.prove()
        message, to = letter.message, letter.to
        deliveries.sent(
            to.id, message.seq, message.part, sent.remote_id, self._now(), maybe_twice=sent.maybe_twice
        )
        begins = sent.begins_thread and not to.thread
        subscriptions.advance(to.id, message.cursor, sent.remote_id if begins else None)

    def _postpone(self, held: Lease, letter: Letter, error: Retry) -> bool:
        """Try again later; True when the far end failed for too long and the message was given up."""
        held.prove()
        sub, message, now = subscriptions.get(held.row_id), letter.message, self._now()
        since = None
        if error.after_s is None and not isinstance(error, AccessError):
            since = sub.failing_since or now
            if now - since >= self._patience.give_up:
                self._abandon(held, letter, f"{error} (tried since {since:%Y-%m-%d %H:%M} UTC)")
                return True
        if not (error.unsure or letter.since or message.edits):
            deliveries.forget(sub.id, message.seq, message.part)
        log.warning("far end busy or down", task=letter.report.key, to=letter.to.address, why=str(error))
        if error.after_s is None:
            subscriptions.postpone(sub.id, now + self._patience.pause(sub.attempts), since)
        else:
            subscriptions.wait(sub.id, now + timedelta(seconds=error.after_s))
        return False

    def _abandon(self, held: Lease, letter: Letter, why: str) -> None:
        """Keep the message as a dead letter, tell the house, and go on with the next."""
        held.prove()
        message, to, now = letter.message, letter.to, self._now()
        log.error("delivery abandoned", task=letter.report.key, to=to.address, why=why)
        if not message.edits:
            deliveries.dead(to.id, message.seq, message.part, why, now)
        subscriptions.advance(to.id, message.cursor)
        abandoned = DeliveryAbandoned(
            task=letter.report.key,
            outlet=subscriptions.get(to.id).outlet,
            address=to.address,
            seq=message.seq,
            why=why,
        )
        stream.record(stream.HOUSE, "pump", abandoned, now)


def _name(sub_id: int) -> str:
    return f"subscription {sub_id}"


async def foreseen(act: Awaitable[T]) -> T:
    """Await an outlet; an error that nobody foresaw is logged, and taken for a passing one.

    Raises:
        Retry: The far end is busy or down, or something unforeseen happened.
        Permanent: It refuses for good.
        LeaseLostError: Another worker tells this now.
    """
    try:
        return await act
    except (Retry, Permanent, LeaseLostError):
        raise
    except Exception as error:
        log.exception("telling failed in a way that nobody foresaw")
        raise Retry(f"Telling failed: {type(error).__name__}: {error}", unsure=True) from error


async def _wait(upcoming: _Next, wait_s: float) -> None:
    """Let time pass, but no more than the task stays as it is: a question or its end is told at once."""
    heard = bell.rung
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while await database.insist(_state, upcoming.task_id) == upcoming.state:
                heard = await bell.wait(heard)


def _state(task_id: int) -> str:
    return tasks.get(task_id).state
