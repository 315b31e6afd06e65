"""`legwork doctor`: what Legwork needs, looked at for real, each with what to do next."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from slack_sdk.errors import SlackApiError

from bot.app.far_ends import mailer, slack_client
from bot.app.house import House, furnished, opened
from bot.app.models import models
from bot.errors import LegworkError
from bot.models.runbook import Runbook
from bot.sandbox import probe
from config.settings import Settings
from storage import database

LOW_DISK_BYTES = 1 << 30
CLOCK_LIMIT_S = 60
SIGNS = {"good": "✓", "bad": "✗", "off": "·"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: Whether it is as it should be; `off` where it is not set up, which is no fault.
        found: What was seen.
        mend: What to do next; empty where all is well.
    """

    name: str
    state: Literal["good", "bad", "off"]
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
    try:
        async with opened(house.settings):
            started = time.perf_counter()
            pending = await database.run(database.pending)
            took_ms = (time.perf_counter() - started) * 1000
    except LegworkError as error:
        return Check("database", "bad", str(error), "Mend this, and run doctor again.")
    if pending:
        return Check("database", "bad", f"{len(pending)} migrations are pending", "Run: legwork migrate")
    return Check("database", "good", f"answers in {took_ms:.1f} ms, up to date")


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
    if not token:
        mend = "To use Slack, set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET."
        return Check("slack", "off", "not set up", mend)
    if not settings.slack_signing_secret.get_secret_value():
        mend = "Copy it from your app's page under Basic Information."
        return Check("slack", "bad", "SLACK_SIGNING_SECRET is missing", mend)
    try:
        answer = await slack_client(settings).auth_test()
    except SlackApiError as error:
        mend = "Copy the token anew from your app's page under OAuth & Permissions."
        return Check("slack", "bad", f"Slack answers {error.response['error']}", mend)
    return Check("slack", "good", f"{answer['user']} in {answer['team']}")


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


async def _model(house: House) -> Check:
    try:
        models(house.settings).check(house.settings.model)
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
    "sandbox": _sandbox,
    "slack": _slack,
    "clock": _clock,
    "mail": _mail,
    "model": _model,
    "disk": _disk,
}
