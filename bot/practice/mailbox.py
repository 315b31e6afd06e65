"""The mailbox: an SMTP server on the room's event loop that keeps every letter (RFC 5321, by aiosmtpd)."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.errors import LegworkError
from bot.practice.changes import Changes
from bot.practice.letter import Letter
from bot.practice.letters import parse
from bot.practice.outgoing import Dmarc, Sent, SmtpAnswer, compose_new, compose_reply, dressed, stamp, submit

Stage = Literal["CONNECT", "MAIL", "RCPT", "DATA"]


@dataclass(slots=True)
class MailFault:
    """One arranged failure; see `Mailbox.fail`."""

    at: Stage
    reply: str
    times: int
    acted: bool
    hang: bool


class Mailbox:
    """Takes letters for anybody.

    Attributes:
        letters: All that arrived, in order.
        url: `smtp://HOST:PORT` once it was started; it stays the same while the mailbox is down.
        mail_to: The bot's SMTP server, `HOST:PORT`, which people's letters go to.
        authserv_id: The name under which letters to the bot are stamped (`LEGWORK_AUTHSERV_ID`).
        sent: What people wrote to the bot, in order.
    """

    def __init__(self, changes: Changes, folder: Path) -> None:
        self.letters: list[Letter] = []
        self.url = ""
        self.mail_to = ""
        self.authserv_id = "practice.example"
        self.sent: list[Sent] = []
        self._changes = changes
        self._folder = folder
        self._address: tuple[str, int] = ("127.0.0.1", 0)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self._faults: list[MailFault] = []

    async def start(self, host: str = "", port: int = 0) -> None:
        """Listen; a mailbox that was stopped comes up at its old address.

        Args:
            host: The address to listen on; by default the last one, first 127.0.0.1.
            port: 0 picks the last one, first any that is free.
        """
        loop = asyncio.get_running_loop()
        host, port = host or self._address[0], port or self._address[1]
        self._server = await loop.create_server(lambda: _Protocol(self, loop), host, port)
        self._address = (host, self._server.sockets[0].getsockname()[1])
        self.url = f"smtp://{host}:{self._address[1]}"

    async def stop(self) -> None:
        """Go down: break every connection and refuse new ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for transport in list(self._open):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        await server.wait_closed()

    def fail(
        self,
        at: Stage,
        *,
        code: int = 451,
        text: str = "4.3.0 Try again later",
        times: int = 1,
        acted: bool = False,
        hang: bool = False,
    ) -> None:
        """Arrange that the next letters are refused.

        Args:
            at: Where: a refused connection (`CONNECT`) is simply closed.
            code: The SMTP reply code, 4xx for now, 5xx for good.
            text: The rest of the reply line.
            times: How often.
            acted: Of `DATA`: keep the letter and answer with the failure all the same.
            hang: Of `DATA`: never answer.
        """
        self._faults.append(MailFault(at, f"{code} {text}", times, acted, hang))

    def take_fault(self, at: Stage) -> MailFault | None:
        """The fault that this command meets, if any; it is used up by one."""
        for fault in self._faults:
            if fault.at == at:
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Note a connection, so that `stop` can break it."""
        self._open.add(transport)

    def ended(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection."""
        self._open.discard(transport)

    def keep(self, sender: str, recipients: list[str], raw: bytes) -> Letter:
        """Put a letter into the box and onto the disk."""
        number = len(self.letters) + 1
        parsed = parse(raw)
        slug = re.sub(r"[^a-z0-9]+", "-", parsed.header("Subject").lower())[:48].strip("-") or "letter"
        path = self._folder / f"{number:03d}-{slug}.eml"
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        letter = Letter(
            number, datetime.now(UTC), sender, tuple(recipients), raw, parsed, path, self._changes.version + 1
        )
        self.letters.append(letter)
        self._changes.note()
        return letter

    async def reply(
        self,
        letter: Letter,
        text: str,
        *,
        sender: str | None = None,
        html: str | None = None,
        quote: bool = True,
        headers: Mapping[str, str] | None = None,
        to: str | None = None,
        dmarc: Dmarc = "pass",
    ) -> SmtpAnswer:
        """Answer a letter as a mail program does, through a server that says who it is from.

        Args:
            letter: What is answered.
            text: What is written above the quotation.
            sender: Who writes, an address with or without a name; by default whom the letter reached.
            html: The same as HTML, for a letter of two parts.
            quote: Whether the letter is quoted below.
            headers: Instead of those made; an empty value takes one away.
            to: The recipient; by default where the letter wants its answers.
            dmarc: What the server found; None stamps nothing.

        Returns:
            What the bot's server said in the end, a refusal included.
        """
        author = letter.recipients[0] if sender is None else sender
        whom = to or letter.reply_to
        raw = dressed(compose_reply(letter, text, author, whom, html=html, quote=quote), headers)
        sent = await self._send(raw, author, whom, dmarc, text=text, answers=letter.number)
        return sent.answer

    async def write(
        self,
        to: str,
        subject: str,
        text: str,
        *,
        sender: str = "Dana Diaz <dana@example.org>",
        html: str | None = None,
        headers: Mapping[str, str] | None = None,
        dmarc: Dmarc = "pass",
    ) -> SmtpAnswer:
        """Write a new letter to the bot; see `reply`."""
        raw = dressed(compose_new(sender, to, subject, text, html=html), headers)
        return (await self._send(raw, sender, to, dmarc, text=text)).answer

    async def post(self, raw: bytes, *, sender: str, to: str, dmarc: Dmarc = None) -> SmtpAnswer:
        """Send any bytes to the bot, however badly made; see `reply`."""
        return (await self._send(raw, sender, to, dmarc)).answer

    async def _send(
        self, raw: bytes, sender: str, to: str, dmarc: Dmarc, *, text: str = "", answers: int = 0
    ) -> Sent:
        host, _, port = self.mail_to.rpartition(":")
        if not host:
            raise LegworkError("Tell the room where the bot takes mail: set `room.mail_to` to HOST:PORT.")
        raw = stamp(raw, self.authserv_id, dmarc)
        whose, whom = (parseaddr(address)[1] for address in (sender, to))
        answer = await asyncio.to_thread(submit, host, int(port), whose, whom, raw)
        sent = Sent(datetime.now(UTC), whose, whom, parse(raw).header("Subject"), text, raw, answer, answers)
        self.sent.append(sent)
        self._changes.note()
        return sent


class _Protocol(SMTP):
    """aiosmtpd's protocol that meets arranged faults and tells the mailbox of its connection."""

    def __init__(self, mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_Handler(mailbox), hostname="practice.example", enable_SMTPUTF8=True, loop=loop)
        self._mailbox = mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._mailbox.opened(transport)
        if self._mailbox.take_fault("CONNECT") and isinstance(transport, asyncio.Transport):
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._mailbox.ended(self.transport)
        with contextlib.suppress(AssertionError):  # aiosmtpd asserts a task that a broken start never made
            super().connection_lost(error)


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_MAIL(  # noqa: N802  aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._mailbox.take_fault("MAIL"):
            return fault.reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  the same
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if fault := self._mailbox.take_fault("RCPT"):
            return fault.reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  the same
        fault = self._mailbox.take_fault("DATA")
        if fault and not fault.acted:
            return fault.reply
        raw = envelope.original_content or b""
        self._mailbox.keep(envelope.mail_from or "", envelope.rcpt_tos, raw)
        if fault and fault.hang:
            await asyncio.Event().wait()  # until the other side gives up
        return fault.reply if fault else "250 2.0.0 OK"
