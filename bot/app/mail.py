"""The mail side: takes letters, and reads them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal

import structlog

from bot.app.going import kept_going
from bot.app.house import House, now
from bot.app.listening import bind
from bot.reply_address import ReplyAddresses
from handlers.email.intake import Intake, Rules
from handlers.email.server import MailDoor, serving_mail

log = structlog.get_logger()

MIB = 1 << 20


def reply_addresses(house: House) -> ReplyAddresses:
    """Makes and knows the addresses that answers to our mails go to."""
    return ReplyAddresses(house.keyring.all("reply address"), house.settings.mail_domain)


@contextlib.asynccontextmanager
async def mail(house: House) -> AsyncIterator[str]:
    """Take letters and read them while the context lasts. Yields the address of the SMTP side."""
    settings = house.settings
    addresses = reply_addresses(house)
    door = MailDoor(
        addresses=addresses,
        domain=settings.mail_domain,
        letter_bytes=settings.letter_mb * MIB,
        recipients=settings.mail_recipients,
        connections=settings.mail_connections,
        idle_s=settings.mail_idle_seconds,
        now=now,
    )
    rules = Rules(
        domain=settings.mail_domain,
        authserv_id=settings.authserv_id,
        admins=settings.admins,
        letters_per_hour=settings.letters_per_hour,
        letter_days=settings.letter_days,
        max_chars=settings.max_command_chars,
        ask_for=timedelta(days=settings.ask_by_mail_days),
    )
    reading = asyncio.create_task(kept_going(Intake(addresses, rules, now).drive))
    listening: dict[str, str] = {}
    kinds: list[tuple[Literal["SMTP", "LMTP"], str]] = [("SMTP", settings.smtp), ("LMTP", settings.lmtp)]
    async with contextlib.AsyncExitStack() as stack:
        for kind, address in kinds:
            if address:
                listener = bind(address, f"in LEGWORK_{kind}")
                listening[kind] = await stack.enter_async_context(serving_mail(door, listener, kind))
        log.info("taking mail", domain=settings.mail_domain, **listening)
        try:
            yield listening.get("SMTP", "")
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
