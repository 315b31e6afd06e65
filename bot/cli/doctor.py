"""`legwork doctor`: what Legwork needs, looked at for real, each with what to do next."""

import asyncio
import contextlib
import ipaddress
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from slack_sdk.errors import SlackApiError

from bot.app import configuration
from bot.app.far_ends import mailer, slack_client
from bot.app.faults import FAULTS, told
from bot.app.house import House, furnished, opened
from bot.app.listening import bind
from bot.app.models import models
from bot.errors import LegworkError
from bot.models.runbook import Runbook
from bot.sandbox import probe
from config.settings import BadSettingsError, Settings
from storage import database

LOW_DISK_BYTES = 1 << 30
CLOCK_LIMIT_S = 60
GREETING_S = 5.0
SIGNS = {"good": "✓", "warn": "!", "bad": "✗", "off": "·"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: Whether it is as it should be; `warn` where it works and is not safe or not whole, `off` where
            it is not set up, which is no fault.
        found: What was seen.
        mend: What to do next; empty where all is well.
    """

    name: str
    state: Literal["good", "warn", "bad", "off"]
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        head = f"{SIGNS[self.state]} {self.name}: {self.found}"
        return f"{head}\n    → {self.mend}" if self.mend else head


async def examine(settings: Settings) -> list[Check]:
    """Look at everything; one fault hides no other, beside that of the data folder, in which all lies."""
    try:
        house = furnished(settings)
    except (LegworkError, OSError) as error:
        mend = "Name a folder that only this user may write in LEGWORK_HOME."
        return [Check("data folder", "bad", str(error), mend)]
    checks = [await _checked(name, look, house) for name, look in _LOOKS.items()]
    return [Check("data folder", "good", str(settings.home)), *checks]


Look = Callable[[House], Awaitable[Check]]


async def _checked(name: str, look: Look, house: House) -> Check:
    try:
        return await look(house)
    except Exception as error:  # noqa: BLE001  a doctor says what is wrong, whatever it is
        return Check(name, "bad", f"{type(error).__name__}: {error}", "Mend this, and run doctor again.")


async def _database(house: House) -> Check:
    url = house.settings.database
    try:
        database.open(url)
        started = time.perf_counter()
        pending = await database.run(database.pending)
        took_ms = (time.perf_counter() - started) * 1000
    except FAULTS as error:
        return Check("database", "bad", f"{url} cannot be used: {told(error)}", "Then run doctor again.")
    finally:
        database.close()
    if pending:
        return Check("database", "bad", f"{len(pending)} migrations are pending", "Run: legwork migrate")
    return Check("database", "good", f"answers in {took_ms:.1f} ms, up to date")


async def _configuration(house: House) -> Check:
    """The agents, policies, runbooks and prices, read as at every start."""
    own = house.settings.config
    try:
        async with opened(house.settings):
            await database.run(configuration.read, own)
            return Check("configuration", "good", f"{own}, beside Legwork's own" if own else "Legwork's own")
    except (LegworkError, BadSettingsError) as error:
        if (await _database(house)).state == "bad":
            return Check("configuration", "off", "read once the database works")
        mend = f"Mend {own or 'config/defaults.toml'}: docs/commands.md shows how one is written."
        return Check("configuration", "bad", str(error), mend)


async def _sandbox(house: House) -> Check:
    tier = await probe(house.settings.home / "scratch", house.owner)
    if tier.holds:
        return Check("sandbox", "good", f"{tier.name}, {tier.version}")
    return Check(
        "sandbox",
        "bad",
        "; ".join(problem.what for problem in tier.problems),
        " ".join(problem.mend for problem in tier.problems),
    )


async def _slack(house: House) -> Check:
    settings = house.settings
    token = settings.slack_bot_token.get_secret_value()
    by_http = bool(settings.slack_signing_secret.get_secret_value())
    if not (token or by_http or settings.socket_mode):
        return Check("slack", "off", "not set up", "To use Slack, follow docs/connect-slack.md.")
    if not token:
        mend = "Copy it from your app's page under OAuth & Permissions."
        return Check("slack", "bad", "SLACK_BOT_TOKEN is missing", mend)
    if not (by_http or settings.socket_mode):
        mend = "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP: docs/connect-slack.md."
        return Check("slack", "bad", "Legwork can speak in Slack, and cannot hear", mend)
    if not (settings.http or settings.socket_mode):
        mend = "Set it, to 127.0.0.1:8080 say, or SLACK_APP_TOKEN for Socket Mode."
        return Check("slack", "bad", "Slack's requests come over HTTP, and LEGWORK_HTTP is empty", mend)
    try:
        answer = await slack_client(settings).auth_test()
    except SlackApiError as error:
        mend = "Copy the token anew from your app's page under OAuth & Permissions."
        return Check("slack", "bad", f"Slack answers {error.response['error']}", mend)
    ways = " and ".join(
        way for way, is_set in (("Socket Mode", settings.socket_mode), ("HTTP", by_http)) if is_set
    )
    return Check("slack", "good", f"{answer['user']} in {answer['team']}, by {ways}")


async def _socket_mode(house: House) -> Check:
    """Whether Slack gives out the address of a websocket; none is opened."""
    if not house.settings.socket_mode:
        mend = "Where Slack cannot reach this machine, set SLACK_APP_TOKEN."
        return Check("socket mode", "off", "not set up", mend)
    token = house.settings.slack_app_token.get_secret_value()
    try:
        await slack_client(house.settings).apps_connections_open(app_token=token)
    except SlackApiError as error:
        mend = (
            "Let Socket Mode be on, and SLACK_APP_TOKEN be an app-level token with the scope "
            "connections:write, from your app's page under Basic Information; it begins with xapp-."
        )
        return Check("socket mode", "bad", f"Slack answers {error.response['error']}", mend)
    return Check("socket mode", "good", "Slack lets Legwork connect")


async def _clock(house: House) -> Check:
    """Slack signs its requests with its time: they hold only where our clock is near it."""
    if not house.settings.slack_bot_token.get_secret_value():
        return Check("clock", "off", "compared with Slack's once that is set up")
    answer = await slack_client(house.settings).auth_test()
    off_s = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    if abs(off_s) > CLOCK_LIMIT_S:
        return Check("clock", "bad", f"{off_s:+.0f} s off Slack's", "Set it: timedatectl set-ntp true")
    return Check("clock", "good", f"within {abs(off_s) + 1:.0f} s of Slack's")


async def _mail(house: House) -> Check:
    if not house.settings.mail_url.get_secret_value():
        return Check("mail", "off", "not set up", "To send mail, set LEGWORK_MAIL_URL and LEGWORK_MAIL_FROM.")
    try:
        await asyncio.to_thread(mailer(house.settings).probe)
    except LegworkError as error:
        return Check(
            "mail", "bad", str(error), "Check LEGWORK_MAIL_URL, and that the server lets this one in."
        )
    return Check("mail", "good", "the server takes mail")


async def _incoming_mail(house: House) -> Check:
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


async def _approvals_by_mail(house: House) -> Check:
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


async def _model(house: House) -> Check:
    try:
        known = models(house.settings)
    except (LegworkError, BadSettingsError):
        return Check("model", "off", "looked at once the configuration can be read")
    try:
        known.check(house.settings.model)
    except LegworkError as error:
        return Check("model", "bad", f"LEGWORK_MODEL={house.settings.model}", str(error))
    if house.settings.model == Runbook.name:
        return Check("model", "good", f"{Runbook.name}: runs the fenced blocks of a task, needs no key")
    return Check("model", "good", f"{house.settings.model}: there is a key; it was not asked anything")


async def _disk(house: House) -> Check:
    free = shutil.disk_usage(house.settings.home).free
    found = f"{free / (1 << 30):.1f} GB free"
    if free < LOW_DISK_BYTES:
        return Check("disk", "bad", found, "Make room, or move LEGWORK_HOME to a larger disk.")
    return Check("disk", "good", found)


_LOOKS: dict[str, Look] = {
    "database": _database,
    "configuration": _configuration,
    "sandbox": _sandbox,
    "slack": _slack,
    "socket mode": _socket_mode,
    "clock": _clock,
    "mail": _mail,
    "incoming mail": _incoming_mail,
    "approvals by mail": _approvals_by_mail,
    "model": _model,
    "disk": _disk,
}
