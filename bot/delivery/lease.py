"""One worker at a time tells a subscription: its lease is renewed meanwhile, and proven at every commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import LegworkError
from storage import database, subscriptions


class LeaseLostError(LegworkError):
    """Another worker tells this subscription now: stop at once."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to tell a subscription.

    Attributes:
        sub_id: The subscription's row.
        token: Proves the right.
        lasts: How long it holds without being renewed.
        now: The clock.
    """

    sub_id: int
    token: str
    lasts: timedelta
    now: Callable[[], datetime]

    def prove(self) -> None:
        """Renew it; whatever the same transaction commits is ours to commit.

        Raises:
            LeaseLostError: Another worker has it; nothing is committed.
        """
        if not subscriptions.renew(self.sub_id, self.token, self.now() + self.lasts):
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
            await database.run(subscriptions.release, self.sub_id, self.token)


def take(sub_id: int, lasts: timedelta, now: Callable[[], datetime]) -> Lease | None:
    """The right to tell a subscription; None while another worker has it."""
    token = subscriptions.lease(sub_id, now(), now() + lasts)
    return None if token is None else Lease(sub_id, token, lasts, now)
