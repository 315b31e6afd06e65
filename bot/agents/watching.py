"""One watch over all the claims of a worker: it keeps them alive, and tells at once of each that is lost."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.stream import bell
from bot.work import runs
from bot.work.runs import Claim
from storage import database


class Watch:
    """Looks for all claims at once: where each looked for itself, a thousand would ask a million times.

    Args:
        lease: How long a claim holds without a sign of life.
        now: The clock.
    """

    def __init__(self, lease: timedelta, now: Callable[[], datetime]) -> None:
        self._lease = lease
        self._now = now
        self._held: dict[Claim, asyncio.Future[None]] = {}

    @contextlib.contextmanager
    def over(self, claim: Claim) -> Iterator[asyncio.Future[None]]:
        """Keep a claim alive while the context lasts.

        Yields:
            What is done as soon as the claim is lost.
        """
        lost = self._held[claim] = asyncio.get_running_loop().create_future()
        try:
            yield lost
        finally:
            del self._held[claim]

    async def drive(self) -> None:
        """Look whenever the bell rings, until cancelled.

        The bell tells at once of what happens in this process; another process's cancel is seen at the next
        tick of the scheduler, which rings the bell too.
        """
        renew_at = self._now()
        heard = 0
        while True:
            if claims := list(self._held):
                look = runs.lost
                if (now := self._now()) >= renew_at:
                    look, renew_at = self._renew, now + self._lease / 3
                for claim in await database.insist(look, claims):
                    if (lost := self._held.get(claim)) and not lost.done():
                        lost.set_result(None)
            heard = await bell.wait(heard)

    def _renew(self, claims: Sequence[Claim]) -> list[Claim]:
        """Extend claims from the moment that it is done: a database that is full lets one wait."""
        return runs.renew(claims, self._now() + self._lease)
