"""One worker at a time tells something: its lease is renewed meanwhile, and proven at every commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.errors import LegworkError
from storage import database


class LeaseLostError(LegworkError):
    """Another worker tells this now: stop at once."""


class Rows(Protocol):
    """What is told by one worker at a time: `storage.subscriptions` or `storage.notices`."""

    def lease(self, row_id: int, now: datetime, until: datetime, /) -> str | None:
        """Take one until then; the token that proves it, or None if another worker has it."""

    def renew(self, row_id: int, token: str, until: datetime, /) -> bool:
        """Have it until then; False if it is lost."""

    def release(self, row_id: int, token: str, /) -> None:
        """Have it no longer."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to tell a subscription, or a notice.

    Attributes:
        rows: Where it is kept.
        row_id: What of these.
        token: Proves the right.
        lasts: How long it holds without being renewed.
        now: The clock.
    """

    rows: Rows
    row_id: int
    token: str
    lasts: timedelta
    now: Callable[[], datetime]

    def prove(self) -> None:
        """Renew it; whatever the same transaction commits is ours to commit.

        Raises:
            LeaseLostError: Another worker has it; nothing is committed.
        """
        if not self.rows.renew(self.row_id, self.token, self.now() + self.lasts):
            raise LeaseLostError

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew it for as long as the context lasts, however slow a far end is.

        Raises:
            LeaseLostError: Another worker has it; what was under way is cancelled.
        """
        try:
            async with asyncio.timeout(None) as ours:
                renewing = asyncio.create_task(self._renew(ours))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.wait([renewing])
        except TimeoutError:
            if not ours.expired():
                raise
            raise LeaseLostError from None

    async def _renew(self, ours: asyncio.Timeout) -> None:
        with contextlib.suppress(LeaseLostError):
            while True:
                await asyncio.sleep(self.lasts.total_seconds() / 3)
                await database.insist(self.prove)
        ours.reschedule(asyncio.get_running_loop().time())

    async def release(self) -> None:
        """Let others tell it at once; where the database cannot do that, the lease runs out by itself."""
        with contextlib.suppress(database.Fault):
            await database.run(self.rows.release, self.row_id, self.token)


def take(rows: Rows, row_id: int, lasts: timedelta, now: Callable[[], datetime]) -> Lease | None:
    """The right to tell one of these; None while another worker has it."""
    token = rows.lease(row_id, now(), now() + lasts)
    return None if token is None else Lease(rows, row_id, token, lasts, now)
