"""The working side: claims and runs tasks, draws reports, delivers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from bot import scheduler
from bot.agents.runner import Rules, Runner
from bot.app.far_ends import mailer, slack_client
from bot.app.house import House, now
from bot.app.presence import alive
from bot.delivery.email import EmailOutlet
from bot.delivery.envelope import Sender
from bot.delivery.outlet import Outlet
from bot.delivery.pump import Patience, Pump
from bot.delivery.reporter import Reporter
from bot.delivery.slack import SlackOutlet
from bot.sandbox import Limits, sweep

log = structlog.get_logger()

MIB = 1 << 20
RESTART_S = 1.0


@contextlib.asynccontextmanager
async def worker(house: House, only: int | None = None) -> AsyncIterator[list[str]]:
    """Work while the context lasts.

    Args:
        house: What it stands on.
        only: The one task to care for; all if None.

    Yields:
        The names of the outlets that are set up.
    """
    settings = house.settings
    await asyncio.to_thread(sweep, settings.home / "scratch")
    rules = Rules(
        max_runs=settings.max_runs,
        max_attempts=settings.max_attempts,
        max_steps=settings.max_steps,
        model=settings.model,
        lease=settings.lease,
        limits=Limits(
            timeout_s=settings.command_seconds,
            memory_bytes=settings.command_memory_mb * MIB,
            disk_bytes=settings.workspace_mb * MIB,
            inodes=settings.workspace_files,
            processes=settings.command_processes,
            kept_output_bytes=settings.command_output_kb * 1024,
        ),
    )
    patience = Patience(
        first_s=settings.delivery_retry_seconds,
        longest_s=settings.delivery_retry_max_seconds,
        give_up=timedelta(days=settings.delivery_days),
        lease=settings.lease * 4,
    )
    async with contextlib.AsyncExitStack() as stack:
        if only is None:  # whoever cares for one task alone is no worker that others can count on
            stack.enter_context(alive(settings.home))
        outlets = _outlets(house)
        drivers = [
            Runner(rules, house.box, house.workspaces, now, only).drive,
            Reporter(house.artifacts, now, only).drive,
            Pump(outlets, patience, now, only).drive,
        ]
        ticking = scheduler.start(settings.tick_seconds, now)
        stack.callback(ticking.shutdown, wait=False)
        tasks = [asyncio.create_task(_kept_going(drive)) for drive in drivers]
        names = [outlet.name for outlet in outlets]
        log.info("working", outlets=names)
        try:
            yield names
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _outlets(house: House) -> Sequence[Outlet]:
    """The ways of telling people that are set up."""
    settings = house.settings
    outlets: list[Outlet] = []
    if settings.slack_bot_token.get_secret_value():
        outlets.append(SlackOutlet(slack_client(settings), house.artifacts, now))
    if settings.mail_url.get_secret_value():
        sender = Sender(settings.mail_from, settings.mail_domain)
        outlets.append(EmailOutlet(mailer(settings), sender, house.artifacts))
    return outlets


async def _kept_going(drive: Callable[[], Awaitable[None]]) -> None:
    """Drive; a fault that nobody foresaw (a full disk, say) is logged, and driving goes on."""
    while True:
        try:
            await drive()
        except Exception:
            log.exception("driving again in a moment")
            await asyncio.sleep(RESTART_S)
