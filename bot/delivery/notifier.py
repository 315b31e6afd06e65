"""Says what belongs to no subscription: replies to mentions, private notes, codes, answers to letters.

A worker that dies between saying something and noting that it did leaves its lease behind; when that is over
it is said once more. Nobody looks whether it went out: a note that is said twice does no harm.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot import stream
from bot.delivery import lease
from bot.delivery.attaching import Attaching
from bot.delivery.lease import Lease, LeaseLostError
from bot.delivery.outlet import AccessError, Notifying
from bot.delivery.pump import BATCH, Patience, foreseen
from bot.errors import LegworkError, Permanent, Retry
from bot.events import DeliveryAbandoned
from bot.stream.crew import Crew
from bot.work.keys import key
from storage import database, notices
from storage.tables import Notices

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Held:
    """A notice that is ours to say; the lease proves it."""

    notice: Notices
    lease: Lease


class Notifier:
    """Says what waits to be said by the given outlets.

    Args:
        outlets: The ways of saying something that are set up.
        attaching: Makes what goes with them.
        patience: How long far ends are waited for.
        now: The clock.
    """

    def __init__(
        self,
        outlets: Sequence[Notifying],
        attaching: Attaching,
        patience: Patience,
        now: Callable[[], datetime],
    ) -> None:
        self._outlets = {outlet.name: outlet for outlet in outlets}
        self._attaching = attaching
        self._patience = patience
        self._now = now
        self._crew = Crew(BATCH)

    async def drive(self) -> None:
        """Say whatever waits, until cancelled."""
        await self._crew.drive(self._dispatch)

    async def _dispatch(self) -> None:
        """Say what waits, as far as there is room."""
        room = self._crew.room
        if not self._outlets or room <= 0:
            return
        for held in await database.insist(self._take, room, self._crew.names):
            self._crew.start(_name(held.notice), self._say(held))

    def _take(self, room: int, said: Collection[str]) -> list[_Held]:
        due = notices.due(self._now(), list(self._outlets), room)
        mine = [notice for notice in due if _name(notice) not in said]
        leased = [(one, lease.take(notices, one.id, self._patience.lease, self._now)) for one in mine]
        return [_Held(notice, held) for notice, held in leased if held]

    async def _say(self, held: _Held) -> None:
        try:
            async with held.lease.kept():
                await foreseen(self._tell(held.notice))
        except LeaseLostError:
            log.warning("another worker says this notice", notice=held.notice.id)
        except Retry as error:
            await database.insist(self._postpone, held, error)
        except Permanent as error:
            await database.insist(self._abandon, held, str(error))
        except asyncio.CancelledError:
            await held.lease.release()
            raise
        else:
            await database.insist(notices.settle, held.notice.id, held.lease.token, "sent")

    async def _tell(self, notice: Notices) -> None:
        outlet = self._outlets[notice.outlet]
        file = None
        if notice.report_id is not None:
            try:
                made = await self._attaching.enclosed(notice.report_id, notice.encloses)
                told, file = made.text, made.file
            except LegworkError as error:
                told = str(error)
            notice.text = f"{notice.text}\n\n{told}".rstrip()  # in what is said alone: the row stays as it is
        await outlet.say(notice, file)

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
        notices.postpone(notice.id, held.lease.token, until, since)

    def _abandon(self, held: _Held, why: str) -> None:
        """Keep it as a dead letter, and tell the house."""
        notice = held.notice
        if not notices.settle(notice.id, held.lease.token, "dead", why):
            return
        log.error("notice abandoned", notice=notice.id, to=notice.address, why=why)
        task = "" if notice.report_id is None else key(notice.report_id)
        abandoned = DeliveryAbandoned(task=task, outlet=notice.outlet, address=notice.address, seq=0, why=why)
        stream.record(stream.HOUSE, "notifier", abandoned, self._now())


def _name(notice: Notices) -> str:
    return f"notice {notice.id}"
