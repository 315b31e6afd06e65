"""Says what belongs to no subscription: replies to mentions, private notes, codes, answers to letters.

A worker that dies between saying something and noting that it did leaves its lease behind; when that is over
it is said once more. Nobody looks whether it went out: a note that is said twice does no harm.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot import stream
from bot.delivery.outlet import AccessError, Attachment, Notifying
from bot.delivery.pump import BATCH, Patience, foreseen
from bot.errors import LegworkError, Permanent, Retry
from bot.events import DeliveryAbandoned
from bot.reports import summary
from bot.reports.child import draw_pdf
from bot.reports.summary import Report
from bot.stream import bell
from bot.work.keys import key
from storage import database, notices, tasks
from storage.tables import Notices

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    """A notice that is ours to say; the token proves it."""

    notice: Notices
    token: str


class Notifier:
    """Says what waits to be said by the given outlets.

    Args:
        outlets: The ways of saying something that are set up.
        patience: How long far ends are waited for.
        now: The clock.
    """

    def __init__(self, outlets: Sequence[Notifying], patience: Patience, now: Callable[[], datetime]) -> None:
        self._outlets = {outlet.name: outlet for outlet in outlets}
        self._patience = patience
        self._now = now
        self._saying: dict[int, asyncio.Task[None]] = {}

    async def drive(self) -> None:
        """Say whatever waits, until cancelled."""
        heard = 0
        try:
            while True:
                await self._dispatch()
                heard = await bell.wait(heard)
        finally:
            saying = list(self._saying.values())
            for task in saying:
                task.cancel()
            await asyncio.gather(*saying, return_exceptions=True)

    async def _dispatch(self) -> None:
        """Say each in a task of its own: a slow far end delays nobody else."""
        room = BATCH - len(self._saying)
        if not self._outlets or room <= 0:
            return
        for held in await database.insist(self._take, room):
            task = asyncio.create_task(self._say(held), name=f"notice {held.notice.id}")
            self._saying[held.notice.id] = task
            task.add_done_callback(functools.partial(self._ended, held.notice.id))

    def _ended(self, notice_id: int, task: asyncio.Task[None]) -> None:
        del self._saying[notice_id]
        if not task.cancelled() and (error := task.exception()):
            log.error("a notice died; it is tried again when its lease is over", exc_info=error)
        bell.ring()  # others may wait for the room

    def _take(self, room: int) -> list[_Held]:
        now = self._now()
        due = [one for one in notices.due(now, list(self._outlets), room) if one.id not in self._saying]
        leased = [(one, notices.lease(one.id, now, now + self._patience.lease)) for one in due]
        return [_Held(notice, token) for notice, token in leased if token]

    async def _say(self, held: _Held) -> None:
        try:
            await foreseen(self._tell(held.notice))
        except Retry as error:
            await database.insist(self._postpone, held, error)
        except Permanent as error:
            await database.insist(self._abandon, held, str(error))
        except asyncio.CancelledError:
            with contextlib.suppress(database.Fault):  # the lease runs out by itself, too
                await database.run(self._give_back, held)
            raise
        else:
            await database.insist(notices.settle, held.notice.id, held.token, "sent")

    async def _tell(self, notice: Notices) -> None:
        outlet = self._outlets[notice.outlet]
        attachment = None
        if notice.report_id is not None:
            try:
                attachment = await _drawn(await database.insist(_read, notice.report_id))
            except LegworkError as error:
                notice.text = f"{notice.text}\n\n{error}"  # in what is said alone: the row stays as it is
        await outlet.say(notice, attachment)

    def _postpone(self, held: _Held, error: Retry) -> None:
        """Try again later, unless the far end failed for too long."""
        notice, now = held.notice, self._now()
        since = None
        if error.after_s is None and not isinstance(error, AccessError):
            since = notice.failing_since or now
            if now - since >= self._patience.give_up:
                self._abandon(held, f"{error} (tried since {since:%Y-%m-%d %H:%M} UTC)")
                return
        log.warning("far end busy or down", notice=notice.id, to=notice.address, why=str(error))
        until = now + self._patience.pause(notice.attempts, error.after_s)
        notices.postpone(notice.id, held.token, until, since)

    def _abandon(self, held: _Held, why: str) -> None:
        """Keep it as a dead letter, and tell the house."""
        notice = held.notice
        if not notices.settle(notice.id, held.token, "dead", why):
            return
        log.error("notice abandoned", notice=notice.id, to=notice.address, why=why)
        task = "" if notice.report_id is None else key(notice.report_id)
        abandoned = DeliveryAbandoned(task=task, outlet=notice.outlet, address=notice.address, seq=0, why=why)
        stream.record(stream.HOUSE, "notifier", abandoned, self._now())

    def _give_back(self, held: _Held) -> None:
        notices.postpone(held.notice.id, held.token, self._now(), held.notice.failing_since)


async def _drawn(report: Report) -> Attachment:
    return Attachment(report.file_name, "application/pdf", await draw_pdf(report))


def _read(task_id: int) -> Report:
    return summary.read(key(task_id), stream.replay(tasks.get(task_id).stream_id))
