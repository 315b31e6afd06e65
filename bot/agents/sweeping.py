"""Forgets what was kept of workspaces for tasks that nobody will ask about any more."""

import asyncio
from datetime import datetime, timedelta

from bot.agents.loop import Clock
from bot.work import tasks
from bot.workspaces import Workspaces
from storage import database

EVERY_S = 6 * 3600.0
KEPT = timedelta(days=7)  # after the end of a task that was stopped: until then its diff can be seen


class Sweeper:
    """Sweeps a few times a day, until cancelled.

    Args:
        workspaces: What is swept.
        now: The clock.
    """

    def __init__(self, workspaces: Workspaces, now: Clock) -> None:
        self._workspaces = workspaces
        self._now = now

    async def drive(self) -> None:
        """Sweep at once and then again and again."""
        while True:
            await self.sweep(self._now())
            await asyncio.sleep(EVERY_S)

    async def sweep(self, now: datetime) -> None:
        """Sweep once."""
        kept = await asyncio.to_thread(self._workspaces.remembered)
        over = await database.insist(tasks.long_over, kept, now - KEPT)
        await asyncio.to_thread(self._workspaces.sweep, over)
