"""Where letters come in: SMTP (RFC 5321) or LMTP (RFC 2033), by aiosmtpd on the running loop.

A letter is taken for addresses that we made ourselves, and for `postmaster` and `abuse`; nothing is relayed.
aiosmtpd has no bounds of its own, so they are here.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from typing import Literal

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

from handlers.email.allowance import Allowance
from handlers.email.reception import MailDoor, Reception

__all__ = ["MailDoor", "serving_mail"]

PIECE_BYTES = 64 * 1024  # of a letter under way: whoever sends this much is not idle
COMMANDS = 1_000  # of one name in one connection
TOO_MANY = "421 4.3.2 Too many connections at the moment. Try again later."
IDLE = "421 4.4.2 Nothing came for too long. Connect again."
TOO_MUCH = "421 4.3.4 Far more came than a letter may have. Send less."
ENDING = "421 4.3.2 The server is stopped. Try again later."


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
    guests = _Guests(door.connections, Allowance(door.house_letters_per_hour))
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
    """The connections that are open, and what they share."""

    def __init__(self, most: int, to_house: Allowance) -> None:
        self.to_house = to_house
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
            Reception(door, guests.to_house),
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
