"""Where letters come in: SMTP (RFC 5321) or LMTP (RFC 2033), by aiosmtpd on the running loop.

A letter is taken for addresses that we made ourselves, and for `postmaster` and `abuse`; nothing is relayed.
What was answered with 250 is on the disk. aiosmtpd has no bounds of its own, so they are here.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.reply_address import ReplyAddresses, redacted
from bot.stream import bell
from handlers.email.mailboxes import house_mailbox, is_served
from storage import database, letters

log = structlog.get_logger()

PIECE_BYTES = 64 * 1024  # of a letter under way: whoever sends this much is not idle
COMMANDS = 1_000  # of one name in one connection
SHOWN_CHARS = 120
TOO_MANY = "421 4.3.2 Too many connections at the moment. Try again later."
IDLE = "421 4.4.2 Nothing came for too long. Connect again."
TOO_MUCH = "421 4.3.4 Far more came than a letter may have. Send less."
ENDING = "421 4.3.2 The server is stopped. Try again later."
BARE = (
    "554 5.6.0 The letter has a line feed or a carriage return alone, by which a second letter could be "
    "hidden in it. End every line with both."
)
LATER = "451 4.3.0 The letter cannot be kept at the moment. Try again later."
UNKNOWN = "550 5.1.1 There is no such address here. Answer a mail of Legwork, to its Reply-To as it stands."


@dataclass(frozen=True, slots=True)
class MailDoor:
    """What the door needs to know.

    Attributes:
        addresses: Knows the reply addresses that we made.
        domain: Whose mail reaches us.
        letter_bytes: The largest letter.
        recipients: Of one letter, at most.
        connections: At a time, at most.
        idle_s: Seconds that a connection may do nothing, and that each piece of a letter may take.
        now: The clock.
    """

    addresses: ReplyAddresses
    domain: str
    letter_bytes: int
    recipients: int
    connections: int
    idle_s: float
    now: Callable[[], datetime]


@contextlib.asynccontextmanager
async def serving_mail(
    door: MailDoor, listener: socket.socket, protocol: Literal["SMTP", "LMTP"] = "SMTP"
) -> AsyncIterator[str]:
    """Take letters while the context lasts.

    Args:
        door: What it knows.
        listener: A listening socket; closed at the end.
        protocol: LMTP is for a mail server of ours that hands letters on.

    Yields:
        The address to reach it: `127.0.0.1:8025`.
    """
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs addresses whole, proofs and all
    loop = asyncio.get_running_loop()
    guests = _Guests(door.connections)
    kind = _Lmtp if protocol == "LMTP" else _Smtp
    server = await loop.create_server(lambda: kind(door, guests), sock=listener)
    try:
        host, port = listener.getsockname()[:2]
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    finally:
        server.close()
        await guests.leave()
        await server.wait_closed()


class _Guests:
    """The connections that are open."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._here: set[_Smtp] = set()

    def enter(self, guest: "_Smtp") -> bool:
        """Let a connection in, if there is room."""
        if len(self._here) >= self._most:
            return False
        self._here.add(guest)
        return True

    def gone(self, guest: "_Smtp") -> None:
        """A connection ended."""
        self._here.discard(guest)

    async def leave(self) -> None:
        """End all; a letter that is being kept is kept first."""
        ending = [guest.end(ENDING) for guest in list(self._here)]
        await asyncio.gather(*filter(None, ending), return_exceptions=True)


class _Smtp(SMTP):
    """aiosmtpd's protocol with bounds: of connections, of time, and of what is sent."""

    def __init__(self, door: MailDoor, guests: _Guests) -> None:
        super().__init__(
            _Handler(door),
            data_size_limit=door.letter_bytes,
            enable_SMTPUTF8=True,
            hostname=door.domain,
            ident="Legwork",
            timeout=door.idle_s,
            command_call_limit=COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._guests = guests
        self._most_bytes = 2 * door.letter_bytes + PIECE_BYTES
        self._sent_bytes = 0  # since the last command
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or turn it away for now."""
        assert isinstance(transport, asyncio.Transport)
        if self._guests.enter(self):
            super().connection_made(transport)
        else:
            self._turned_away = True
            transport.write(f"{TOO_MANY}\r\n".encode())
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes of a command or of a letter: those of a letter count as life, piece by piece."""
        if self._turned_away:
            return
        pieces = self._sent_bytes // PIECE_BYTES
        self._sent_bytes += len(data)
        if self._sent_bytes > self._most_bytes:
            self.end(TOO_MUCH)
            return
        if self._sent_bytes // PIECE_BYTES > pieces:
            super()._reset_timeout()
        super().data_received(data)

    def eof_received(self) -> bool | None:
        """The client says no more: what it did not wait for is given up."""
        return False if self._turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._guests.gone(self)
        if not self._turned_away:
            super().connection_lost(error)

    def end(self, answer: str) -> asyncio.Task[None] | None:
        """Say a last word and hang up, also on a client that reads nothing; what is still under way."""
        transport = self.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing():
            transport.write(f"{answer}\r\n".encode())
            if transport.get_write_buffer_size():
                transport.abort()
            else:
                transport.close()
        under_way: asyncio.Task[None] | None = self._handler_coroutine
        return under_way

    def _reset_timeout(self, duration: float | None = None) -> None:
        """A valid command came: time and bytes are counted anew."""
        self._sent_bytes = 0
        super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        self.end(IDLE)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802, ARG002  aiosmtpd finds commands by these names
        """There is nothing to log in for."""
        await self.push("502 5.5.1 There is no login here.")


class _Lmtp(LMTP, _Smtp):
    """The same for a mail server of ours: after a letter it gets an answer for each recipient."""

    _owed = 0

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  aiosmtpd finds commands by these names
        """A letter (RFC 2033, section 4.2)."""
        assert self.envelope is not None
        self._owed = 0 if arg else len(self.envelope.rcpt_tos)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._owed = 0

    async def push(self, status: str | bytes) -> None:
        """Say an answer, so often as the letter is owed one."""
        said = status if isinstance(status, bytes) else status.encode()
        if self._owed > 1 and not said.startswith(b"3"):
            said = b"\r\n".join([said] * self._owed)
        await super().push(said)


class _Handler:
    """What aiosmtpd asks; it finds these by their names."""

    def __init__(self, door: MailDoor) -> None:
        self._door = door

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*answers[:-1], "250-PIPELINING", answers[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if not _is_text(sender):
            return "553 5.1.7 The sender is no text in UTF-8."
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= self._door.recipients:
            return (
                f"452 4.5.3 A letter may have {self._door.recipients} recipients. Send it to the rest again."
            )
        try:
            known = house_mailbox(address, self._door.domain) or await self._was_made(address)
        except database.Fault as error:
            log.warning("a recipient cannot be looked up", why=str(error))
            return "451 4.3.0 The address cannot be looked up at the moment. Try again later."
        if not known:
            shown = redacted(address[:SHOWN_CHARS])
            log.info("recipient refused", address=shown, peer=str(session.peer))
            return UNKNOWN
        envelope.rcpt_tos.append(address.lower())
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        ends = content.count(b"\r\n")
        if content.count(b"\n") != ends or content.count(b"\r") != ends:
            log.info("letter with bare line ends refused", peer=str(session.peer))
            return BARE
        try:
            numbers = await database.durably(self._keep, envelope, content)
        except Exception:
            log.exception("letter not kept; it will be sent again")
            return LATER
        log.info("letter kept", letters=numbers, bytes=len(content))
        return "250 2.0.0 It is kept."

    async def handle_exception(self, error: Exception) -> str:
        """A command that was badly made in a way that aiosmtpd did not foresee, or a bug; nothing is lost."""
        log.warning("a command was not understood", error=type(error).__name__)
        return "451 4.3.0 That could not be understood. Try again later."

    async def _was_made(self, address: str) -> bool:
        target = self._door.addresses.read(address)
        return target is not None and await database.look(is_served, target)

    def _keep(self, envelope: Envelope, content: bytes) -> list[int]:
        """One transaction: a row for each recipient, and whoever reads them is woken once it is committed."""
        now, sender = self._door.now(), envelope.mail_from or ""
        recipients = dict.fromkeys(envelope.rcpt_tos)
        kept = [letters.add(content, sender, recipient, now) for recipient in recipients]
        database.after_commit(bell.ring)
        return kept


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
