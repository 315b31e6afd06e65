"""Moves every subscription along its task's log: what lies past the cursor is told, then the cursor moves.

A message is noted as being sent before it is, and as sent with the cursor's move. A pump that dies between
leaves the note, and the next one looks at the far end before it sends again.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import stream
from bot.delivery.outlet import Letter, Outlet, Recipient, Sent
from bot.errors import Permanent, Retry
from bot.events import DeliveryAbandoned, Event
from bot.reports import summary
from bot.stream import bell
from bot.work import tasks as work
from storage import database, deliveries, people, subscriptions, tasks

log = structlog.get_logger()

BATCH = 50
LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a far end is waited for.

    Attributes:
        attempts: Tries before a message becomes a dead letter.
        first_s: Seconds before the second try; doubled each time.
        lease: How long one pump has a subscription to itself.
    """

    attempts: int
    first_s: float
    lease: timedelta


@dataclass(frozen=True, slots=True)
class _Next:
    """The next message of a subscription, with all that is needed to say it."""

    task_id: int
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
        self._serving: set[asyncio.Task[None]] = set()

    async def drive(self) -> None:
        """Serve whoever is behind, until cancelled."""
        heard = 0
        try:
            while True:
                await self._dispatch()
                heard = await bell.wait(heard)
        finally:
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _dispatch(self) -> None:
        """Serve each subscription that is behind in a task of its own: a slow far end delays nobody else."""
        room = BATCH - len(self._serving)
        if not self._outlets or room <= 0:
            return
        for sub_id in await database.insist(self._lease, room):
            task = asyncio.create_task(self._serve(sub_id), name=f"subscription {sub_id}")
            self._serving.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("delivery died; it is tried again when its lease is over", exc_info=error)

    def _lease(self, room: int) -> list[int]:
        now = self._now()
        due = subscriptions.due(now, list(self._outlets), room, self._only)
        until = now + self._patience.lease
        return [sub.id for sub in due if subscriptions.lease(sub.id, now, until)]

    async def _serve(self, sub_id: int) -> None:
        """Tell one subscription all there is to tell."""
        events: list[Event] = []
        try:
            while upcoming := await database.insist(self._next, sub_id, events):
                wait = upcoming.outlet.wait_s(upcoming.letter)
                if wait > 0:
                    await _wait(upcoming, wait)  # and look again: more may have happened, to be told in one
                    continue
                if not await self._tell(upcoming):
                    return
        finally:
            await database.insist(subscriptions.release, sub_id)
        bell.ring()  # what was recorded between the last look and the release

    def _next(self, sub_id: int, events: list[Event]) -> _Next | None:
        """The next message; None when there is nothing more to tell. Reads on in the log, into `events`."""
        sub = subscriptions.get(sub_id)
        outlet = self._outlets[sub.outlet]
        events += stream.replay(sub.task.stream_id, after=events[-1].seq if events else 0)
        report = summary.read(work.key(sub.task_id), events)
        fallback = next(iter(people.values(sub.task.asker_id, sub.outlet)), "")
        to = Recipient(sub.id, sub.address, sub.thread, fallback)
        earlier = deliveries.remote_ids(sub.id)
        for message in outlet.plan(events, sub.cursor):
            letter = Letter(message, to, report, events[message.seq - 1], earlier)
            if message.edits:
                if message.edits in earlier:
                    return _Next(sub.task_id, outlet, letter)
            elif not deliveries.settled(sub_id, message.seq, message.part):
                return _Next(sub.task_id, outlet, letter)
            subscriptions.advance(sub_id, message.cursor)
        subscriptions.advance(sub_id, events[-1].seq)
        return None

    async def _tell(self, upcoming: _Next) -> bool:
        """Say one message; False when the far end has to be waited for."""
        outlet, letter = upcoming.outlet, upcoming.letter
        message, to = letter.message, letter.to
        try:
            if message.edits:
                await outlet.edit(letter)
                await database.insist(subscriptions.advance, to.id, message.cursor)
            else:
                since = await database.insist(deliveries.begin, to.id, message.seq, message.part, self._now())
                sent = await outlet.send(dataclasses.replace(letter, since=since))
                await database.insist(self._sent, letter, sent)
        except Retry as error:
            return await database.insist(self._postpone, letter, error)
        except Permanent as error:
            await database.insist(self._abandon, letter, str(error))
        return True

    def _sent(self, letter: Letter, sent: Sent) -> None:
        message, to = letter.message, letter.to
        deliveries.sent(
            to.id, message.seq, message.part, sent.remote_id, self._now(), maybe_twice=sent.maybe_twice
        )
        subscriptions.advance(to.id, message.cursor, None if to.thread else sent.remote_id)

    def _postpone(self, letter: Letter, error: Retry) -> bool:
        """Try again later; True when there were tries enough and the message was given up."""
        if not error.unsure and not letter.message.edits:
            deliveries.forget(letter.to.id, letter.message.seq, letter.message.part)
        attempts = subscriptions.get(letter.to.id).attempts + 1
        if attempts >= self._patience.attempts:
            self._abandon(letter, f"{error} (tried {attempts} times)")
            return True
        wait_s = min(self._patience.first_s * 2 ** (attempts - 1), LONGEST_WAIT_S)
        wait_s = wait_s if error.after_s is None else error.after_s
        log.warning("far end busy or down", task=letter.report.key, to=letter.to.address, why=str(error))
        subscriptions.postpone(letter.to.id, self._now() + timedelta(seconds=wait_s))
        return False

    def _abandon(self, letter: Letter, why: str) -> None:
        """Keep the message as a dead letter, tell the house, and go on with the next."""
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


async def _wait(upcoming: _Next, wait_s: float) -> None:
    """Let time pass, but no more than the task takes: its result is what people wait for."""
    heard = bell.rung
    ended = upcoming.letter.report.ended is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            while ended or await database.insist(tasks.is_open, upcoming.task_id):
                heard = await bell.wait(heard)
