"""The working side: claims and runs tasks, draws reports, delivers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot import scheduler
from bot.agents.runner import Rules, Runner
from bot.app.house import House, now
from bot.app.presence import alive
from bot.delivery.email import EmailOutlet, Mailer
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
    patience = Patience(settings.delivery_attempts, settings.delivery_retry_seconds, settings.lease * 4)
    async with contextlib.AsyncExitStack() as stack:
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
    if token := settings.slack_bot_token.get_secret_value():
        client = AsyncWebClient(
            token,
            base_url=settings.slack_api_url,
            timeout=int(settings.far_end_timeout_seconds),
            retry_handlers=[],
        )
        outlets.append(SlackOutlet(client, house.artifacts, now))
    if url := settings.mail_url.get_secret_value():
        mailer = Mailer(url, settings.far_end_timeout_seconds)
        outlets.append(EmailOutlet(mailer, Sender(settings.mail_from, settings.mail_domain), house.artifacts))
    return outlets


async def _kept_going(drive: Callable[[], Awaitable[None]]) -> None:
    """Drive; a fault that nobody foresaw (a full disk, say) is logged, and driving goes on."""
    while True:
        try:
            await drive()
        except Exception:
            log.exception("driving again in a moment")
            await asyncio.sleep(RESTART_S)
