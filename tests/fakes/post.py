"""The core behind its mail door: letters go in by real SMTP, and are settled by the real intake."""

import asyncio
import contextlib
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import make_msgid
from typing import Any

from bot.app.listening import bind
from bot.reply_address import ReplyAddresses
from handlers.email.intake import Intake, Rules
from handlers.email.server import MailDoor, serving_mail
from storage import database
from storage.tables import Letters, Notices, Subscriptions
from tests.fakes.core import KEYRING, NOON, Core

DOMAIN = "legwork.example"
SERVER = "mx.legwork.example"
PATIENCE_S = 20.0
ADDRESSES = ReplyAddresses(KEYRING.all("reply address"), DOMAIN)
DOOR = MailDoor(
    addresses=ADDRESSES,
    domain=DOMAIN,
    letter_bytes=1 << 20,
    recipients=5,
    connections=20,
    idle_s=30,
    now=lambda: NOON,
)
RULES = Rules(
    domain=DOMAIN,
    authserv_id=SERVER,
    admins=("U0ADA", "root@example.org"),
    letters_per_hour=60,
    max_chars=20_000,
    ask_for=timedelta(days=14),
)


@contextlib.asynccontextmanager
async def posted(core: Core, **changes: Any) -> AsyncIterator["Post"]:
    """The core with a door on a free port; changes are those of `DOOR`."""
    async with serving_mail(replace(DOOR, **changes), bind("127.0.0.1:0")) as address:
        yield Post(core, address)


@dataclass
class Post:
    """A mail door, and what lies behind it.

    Attributes:
        core: The database and its people.
        address: Where the door listens.
        now: The time, as the intake sees it.
        rules: Those of the intake.
    """

    core: Core
    address: str
    now: datetime = NOON
    rules: Rules = RULES

    def client(self) -> smtplib.SMTP:
        """A connection to the door; it blocks, and so is used in a thread."""
        host, _, port = self.address.rpartition(":")
        return smtplib.SMTP(host, int(port), local_hostname="client.example", timeout=PATIENCE_S)

    async def task(self, *notify: str) -> tuple[int, str]:
        """A task that Dana hears of, and others; its number, and her reply address."""
        task_id = await self.core.opens(notify=("dana@example.org", *notify))
        return task_id, await self.reply_address(task_id)

    async def reply_address(self, task_id: int, address: str = "dana@example.org") -> str:
        """Where someone who hears of a task answers."""
        return ADDRESSES.task(task_id, await self.heard(task_id, address))

    async def heard(self, task_id: int, address: str = "dana@example.org") -> int:
        """The subscription of someone who hears of a task."""
        wanted = (Subscriptions.task == task_id) & (Subscriptions.address == address)
        return await database.run(lambda: int(Subscriptions.get(wanted).id))

    async def send(self, letter: bytes, *to: str, sender: str = "dana@example.org") -> None:
        """Hand a letter in, as a mail server does."""

        def hand_in() -> None:
            with self.client() as client:
                client.sendmail(sender, list(to), letter)

        await asyncio.to_thread(hand_in)

    async def settle(self, intake: Intake | None = None) -> None:
        """Let an intake, a new one unless told, read until nothing is new."""
        reading = asyncio.create_task((intake or self.intake()).drive())
        try:
            await until(_settled)
            assert not reading.done()
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    def intake(self) -> Intake:
        """One as the bot has it."""
        return Intake(ADDRESSES, self.rules, lambda: self.now)

    async def says(self, text: str, to: str, **changes: Any) -> None:
        """Someone, Dana unless told, answers by mail, and the letter is settled."""
        await self.send(letter(text, **changes), to)
        await self.settle()


def letter(
    text: str,
    sender: str = "Dana <dana@example.org>",
    dmarc: str | None = "pass",
    **headers: str,
) -> bytes:
    """A letter as it reaches the door behind a mail server that checks DMARC.

    Args:
        text: What is written.
        sender: The From.
        dmarc: The verdict that the server stamps; None stamps nothing.
        **headers: More of them, or others; `_` stands for `-`, and an empty one is left out.
    """
    fields = {
        "From": sender,
        "Subject": "Re: [T-1] Say hello",
        "Message-ID": make_msgid(domain="client.example"),
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    if dmarc:
        domain = sender.rpartition("@")[2].strip(">")
        fields = {"Authentication-Results": f"{SERVER}; dmarc={dmarc} header.from={domain}", **fields}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    return f"{head}\n{text}\n".replace("\n", "\r\n").encode()


async def until(predicate: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another task or thread brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not await predicate():  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0.005)


async def _settled() -> bool:
    return await database.run(lambda: not Letters.select().where(Letters.state == "new").exists())


async def kept() -> list[Letters]:
    """The letters as they lie in the database."""
    return await database.run(lambda: list(Letters.select().order_by(Letters.id)))


async def noticed() -> list[Notices]:
    """What is to be said to people beside their tasks."""
    return await database.run(lambda: list(Notices.select().order_by(Notices.id)))
