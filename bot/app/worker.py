"""The working side: claims and runs tasks, draws reports, delivers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import structlog

from bot import scheduler
from bot.agents.runner import Rules, Runner
from bot.agents.sweeping import Sweeper
from bot.app.far_ends import mailer, slack_client
from bot.app.going import kept_going
from bot.app.house import House, now
from bot.app.mail import reply_addresses
from bot.app.models import manners, models
from bot.app.presence import alive
from bot.delivery.attaching import Attaching
from bot.delivery.email import EmailOutlet
from bot.delivery.email import Manners as MailManners
from bot.delivery.envelope import Sender
from bot.delivery.notifier import Notifier
from bot.delivery.pump import Patience, Pump
from bot.delivery.reporter import Reporter
from bot.delivery.slack import SlackOutlet
from bot.egress import Private
from bot.errors import LegworkError
from bot.sandbox import Limits, sweep
from bot.work.approvals import Asking
from config.settings import Settings

log = structlog.get_logger()

MIB = 1 << 20


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
    brains = models(settings)
    try:
        brains.check(settings.model)
    except LegworkError as error:  # agents may have models of their own
        log.warning("the model cannot be used", why=str(error))
    rules = Rules(
        max_runs=settings.max_runs,
        max_attempts=settings.max_attempts,
        manners=manners(settings, asking(settings)),
        models=brains,
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
        private=Private.parse(settings.egress_private),
    )
    patience = Patience(
        first_s=settings.delivery_retry_seconds,
        longest_s=settings.delivery_retry_max_seconds,
        give_up=timedelta(days=settings.delivery_days),
        lease=settings.lease * 4,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(brains.close)
        if only is None:  # whoever cares for one task alone is no worker that others can count on
            stack.enter_context(alive(settings.home))
        outlets = _outlets(house)
        drivers = [
            Runner(rules, house.box, house.workspaces, house.artifacts, now, only).drive,
            Reporter(house.artifacts, now, only).drive,
            Pump(outlets, patience, now, only).drive,
        ]
        if only is None:
            attaching = Attaching(house.artifacts, house.workspaces)
            drivers.append(Notifier(outlets, attaching, patience, now).drive)
            drivers.append(Sweeper(house.workspaces, now).drive)
        ticking = scheduler.start(settings.tick_seconds, asking(settings), now)
        stack.callback(ticking.shutdown, wait=False)
        tasks = [asyncio.create_task(kept_going(drive)) for drive in drivers]
        names = [outlet.name for outlet in outlets]
        log.info("working", outlets=names)
        try:
            yield names
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def asking(settings: Settings) -> Asking:
    """How people are asked for their word."""
    return Asking(timedelta(hours=settings.approval_reminder_hours), settings.admins)


def _outlets(house: House) -> Sequence[SlackOutlet | EmailOutlet]:
    """The ways of telling people that are set up."""
    settings = house.settings
    outlets: list[SlackOutlet | EmailOutlet] = []
    if settings.slack_bot_token.get_secret_value():
        outlets.append(SlackOutlet(slack_client(settings), house.artifacts, now))
    if settings.mail_url.get_secret_value():
        sender = Sender(settings.mail_from, settings.mail_domain)
        mail_manners = MailManners(
            replies=reply_addresses(house) if settings.takes_mail else None,
            first_mail_s=settings.first_mail_seconds,
            ask_days=settings.ask_by_mail_days,
            now=now,
        )
        outlets.append(EmailOutlet(mailer(settings), sender, house.artifacts, mail_manners))
    return outlets
