"""Time's door: APScheduler rings the bell that wakes whoever claims, watches and delivers, and keeps house.

Its own store is never trusted with work: it forgets a job when it hands it over. Our rows are the truth, and
every tick looks at them afresh.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.stream import bell
from bot.work import approvals
from bot.work.approvals import Asking
from storage import database, inbox

REPLAYED_WITHIN = timedelta(days=7)
REMINDERS_S = 30


def start(tick_s: float, asking: Asking, now: Callable[[], datetime]) -> AsyncIOScheduler:
    """Begin to tick on the running loop.

    Args:
        tick_s: Seconds between two looks at what other processes, leases and waits have brought.
        asking: How people are reminded of what waits for their word.
        now: The clock.

    Returns:
        The scheduler; shut it down at the end.
    """

    async def forget_requests() -> None:
        await database.run(inbox.forget_before, now() - REPLAYED_WITHIN)

    async def remind() -> None:
        await database.run(approvals.readdress, asking, now())
        await database.run(approvals.remind, asking, now())

    async def tick() -> None:  # a coroutine, so that it runs on the loop and not in a thread
        bell.ring()

    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True})
    scheduler.add_job(tick, "interval", seconds=tick_s, id="tick")
    scheduler.add_job(remind, "interval", seconds=REMINDERS_S, id="remind")
    scheduler.add_job(forget_requests, "interval", hours=6, id="forget requests")
    scheduler.start()
    return scheduler
