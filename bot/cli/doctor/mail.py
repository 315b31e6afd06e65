"""Mail in both directions, and who vouches for its senders."""

import asyncio
import contextlib
import ipaddress

from bot.app.far_ends import mailer
from bot.app.house import House
from bot.app.listening import bind
from bot.cli.doctor.check import Check
from bot.errors import LegworkError
from config.settings import Settings

GREETING_S = 5.0


async def check_outgoing(house: House) -> Check:
    """Whether our mail is taken; none is sent."""
    if not house.settings.mail_url.get_secret_value():
        return Check("mail", "off", "not set up", "To send mail, set LEGWORK_MAIL_URL and LEGWORK_MAIL_FROM.")
    try:
        await asyncio.to_thread(mailer(house.settings).probe)
    except LegworkError as error:
        return Check(
            "mail", "bad", str(error), "Check LEGWORK_MAIL_URL, and that the server lets this one in."
        )
    return Check("mail", "good", "the server takes mail")


async def check_incoming(house: House) -> Check:
    """Where letters are taken: each address is free for us, or ours already."""
    settings = house.settings
    name, found = "incoming mail", []
    for kind, address in _mail_doors(settings):
        try:
            found.append(f"{kind} on {address} ({await _taken_by(address, kind)})")
        except LegworkError as error:
            mend = "See which program has it: ss -ltnp. Ports below 1024 need root."
            return Check(name, "bad", str(error), mend)
    if not found:
        mend = "To let people answer mails, set LEGWORK_SMTP, to 127.0.0.1:8025 say."
        return Check(name, "off", "LEGWORK_SMTP and LEGWORK_LMTP are empty", mend)
    if settings.takes_mail:
        return Check(name, "good", f"for {settings.mail_domain}, {', '.join(found)}")
    mend = "Set LEGWORK_MAIL_DOMAIN to a domain whose mail reaches Legwork: docs/connect-mail.md."
    if settings.mail_url.get_secret_value():
        return Check(name, "warn", "LEGWORK_MAIL_DOMAIN is localhost, so nobody can answer a mail", mend)
    return Check(name, "off", "not set up", mend)


async def check_approvals(house: House) -> Check:
    """Who vouches for senders, and whether somebody could write that word themselves."""
    settings, name = house.settings, "approvals by mail"
    if not settings.takes_mail:
        return Check(name, "off", "they need incoming mail")
    if not settings.authserv_id:
        mend = (
            "To let people decide by mail, name in LEGWORK_AUTHSERV_ID your server that checks DMARC: "
            "docs/connect-mail.md."
        )
        return Check(name, "off", "LEGWORK_AUTHSERV_ID is empty, so nobody decides by mail", mend)
    wide = [
        f"LEGWORK_{kind}={address}" for kind, address in _mail_doors(settings) if not _is_loopback(address)
    ]
    if wide:
        found = f"{', '.join(wide)}: whoever reaches that port can vouch for themselves"
        mend = "Listen on 127.0.0.1, or let a firewall keep out all but your own mail server."
        return Check(name, "warn", found, mend)
    return Check(name, "good", f"where {settings.authserv_id} found DMARC to pass")


def _mail_doors(settings: Settings) -> list[tuple[str, str]]:
    """Where letters are to be taken, by kind."""
    return [(kind, at) for kind, at in (("SMTP", settings.smtp), ("LMTP", settings.lmtp)) if at]


async def _taken_by(address: str, kind: str) -> str:
    """Whether an address is free, or Legwork listens there.

    Raises:
        LegworkError: It is neither.
    """
    try:
        bind(address, f"in LEGWORK_{kind}").close()
    except LegworkError:
        if "Legwork" not in await _greeting(address):
            raise
        return "Legwork listens"
    return "free"


async def _greeting(address: str) -> str:
    """What a mail server says first; empty if nothing."""
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError, ValueError, TimeoutError):
        async with asyncio.timeout(GREETING_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            try:
                return (await reader.readline()).decode(errors="replace")
            finally:
                writer.close()
    return ""


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
