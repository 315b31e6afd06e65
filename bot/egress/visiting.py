"""One connection through the proxy, from its request to its end."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from socket import socket

import h11

from bot.egress.asking import Asked, read_asked
from bot.egress.hello import ALERT, Hello, read_hello
from bot.egress.hosts import Host, shown
from bot.egress.relaying import CHUNK, Ends, Traffic, Way, opened, pump
from bot.egress.rules import Rules
from bot.egress.terms import Connection, Outcome, ProxyLimits
from bot.errors import Refused, Retry, UserMistake

_LINGER_S = 1.0
_BAD, _FORBIDDEN, _TOO_SLOW, _NOT_REACHED = 400, 403, 408, 502
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Visit:
    """A client's one request.

    Args:
        rules: Where it may go.
        limits: How long it may take.
        spend: Told of bytes before they go; raises `Refused` where they are too many.
    """

    def __init__(self, rules: Rules, limits: ProxyLimits, spend: Callable[[int], None]) -> None:
        self._rules = rules
        self._limits = limits
        self._traffic = Traffic(spend, limits.idle_s)
        self._begun = asyncio.get_running_loop().time()
        self._asked: Asked | None = None
        self._address = ""
        self._outcome: Outcome | None = None
        self._why = ""
        self._told: Connection | None = None

    def obey(self, rules: Rules) -> bool:
        """Go on by other rules; False where they do not let it."""
        self._rules = rules
        if (
            self._asked is None
            or self._outcome == "refused"
            or rules.still_allow(self._asked.host, self._asked.port)
        ):
            return True
        self._why = "The host was taken away from the agent meanwhile, so the connection was closed."
        return False

    async def hold(self, client: socket) -> None:
        """Serve the client to its end; it is closed then.

        Args:
            client: Connected; whoever holds its other end is not trusted.
        """
        with contextlib.suppress(OSError):  # it went away, which is its right
            async with opened(client, line=self._limits.head_bytes) as near:
                await self._serve(near)

    def news(self) -> Connection | None:
        """What there is to tell of it that was not told before; None where there is nothing."""
        if self._outcome is None:
            return None
        now = Connection(
            host=f"{self._asked.host}" if self._asked else "",
            port=self._asked.port if self._asked else 0,
            address=self._address,
            sent=self._traffic.sent,
            received=self._traffic.received,
            seconds=asyncio.get_running_loop().time() - self._begun,
            outcome=self._outcome,
            why=self._why,
        )
        before, self._told = self._told, now
        if before is None:
            return now
        if now == replace(before, seconds=now.seconds):
            return None
        return replace(
            now,
            sent=now.sent - before.sent,
            received=now.received - before.received,
            seconds=now.seconds - before.seconds,
        )

    async def _serve(self, near: Ends) -> None:
        try:
            async with asyncio.timeout(self._limits.head_s):
                self._asked = asked = await read_asked(near.reader)
            if asked is None:
                return
            self._outcome, self._why = "failed", "The host had not answered yet when it ended."
            end, address = await self._rules.connect(asked.host, asked.port)
        except Refused as no:
            await self._refuse(near, _FORBIDDEN, str(no))
        except UserMistake as mistake:
            await self._refuse(near, _BAD, str(mistake))
        except TimeoutError:
            await self._refuse(near, _TOO_SLOW, "The request did not come in time; send it at once.")
        except Retry as fault:
            await self._refuse(near, _NOT_REACHED, str(fault), outcome="failed")
        else:
            self._address, self._outcome, self._why = str(address), "allowed", ""
            async with opened(end) as far:
                await (self._forward(asked, near, far) if asked.url else self._tunnel(asked.host, near, far))

    async def _tunnel(self, host: Host, near: Ends, far: Ends) -> None:
        near.writer.write(_ESTABLISHED)
        try:
            async with asyncio.timeout(self._limits.head_s):
                hello = await read_hello(near.reader)
            _check(hello, host)
        except (Refused, TimeoutError) as no:
            self._outcome = "refused"
            self._why = str(no) or "The first message of TLS did not come in time."
            await self._dismiss(near, ALERT)
            return

        async def up() -> None:
            self._traffic.up(len(hello.data))
            far.writer.write(hello.data)
            await pump(near.reader, far.writer, self._traffic.up)

        await self._relay(up(), near, far)

    async def _forward(self, asked: Asked, near: Ends, far: Ends) -> None:
        async def send(data: bytes) -> None:
            self._traffic.up(len(data))
            far.writer.write(data)
            await far.writer.drain()

        async def up() -> None:
            await asked.pass_on(near.reader, send)
            # What follows a request is never sent; but where nothing follows, nobody waits for the answer.
            if not await near.reader.read(1):
                raise ConnectionResetError

        await self._relay(up(), near, far, until_answered=True)

    async def _relay(self, up: Way, near: Ends, far: Ends, *, until_answered: bool = False) -> None:
        down = pump(far.reader, near.writer, self._traffic.down)
        try:
            await self._traffic.relay(up, down, until_answered=until_answered)
        except* TimeoutError:
            self._why = f"Nothing went for {self._limits.idle_s:g} s, so the connection was closed."
        except* Refused as no:
            self._why = str(no.exceptions[0])
        except* h11.RemoteProtocolError:
            self._why = "The request's body was malformed or broke off."
        except* OSError:
            pass  # one end closed while the other still spoke, as programs do that have what they wanted
        else:
            return
        near.writer.transport.abort()
        far.writer.transport.abort()

    async def _refuse(self, near: Ends, status: int, why: str, *, outcome: Outcome = "refused") -> None:
        self._outcome, self._why = outcome, why
        await self._dismiss(near, _answer(status, why))

    async def _dismiss(self, near: Ends, answer: bytes) -> None:
        """Say a last word, and let the client read it: closing at once could cut it off with a reset."""
        near.writer.write(answer)
        near.writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await near.reader.read(CHUNK):
                    pass


def _check(hello: Hello, host: Host) -> None:
    wanted = "" if host.address else host.name  # an address is never announced, RFC 6066 §3
    if hello.name == wanted:
        return
    announced = shown(hello.name) if hello.name else "no server"
    raise Refused(f"CONNECT asked for {host}, but TLS names {announced}; both must be the same.")


def _answer(status: int, why: str) -> bytes:
    # Most programs show a tunnel's refusal by its reason phrase alone, so the sentence stands there too.
    body = f"{why}\n".encode()
    phrase = why.encode("ascii", "replace").decode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
