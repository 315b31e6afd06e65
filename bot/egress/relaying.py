"""Bytes between two ends: with back-pressure, counted, and both ends closed whatever happens."""

import asyncio
import contextlib
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import Any, NamedTuple

CHUNK = 64 * 1024
_FLUSH_S = 5.0

Way = Coroutine[Any, Any, None]


class Ends(NamedTuple):
    """A connection's two directions."""

    reader: StreamReader
    writer: StreamWriter


class Traffic:
    """What one connection has carried.

    Args:
        spend: Told the size of whatever is about to go; raises where that is too much.
        idle_s: Seconds that may pass without a byte in either direction.
    """

    def __init__(self, spend: Callable[[int], None], idle_s: float) -> None:
        self.sent = 0
        self.received = 0
        self._spend = spend
        self._idle_s = idle_s
        self._idle: asyncio.Timeout | None = None

    def up(self, size: int) -> None:
        """So many bytes go to the far end."""
        self._goes(size)
        self.sent += size

    def down(self, size: int) -> None:
        """So many bytes go to the near end."""
        self._goes(size)
        self.received += size

    async def relay(self, up: Way, down: Way, *, until_answered: bool = False) -> None:
        """Run both directions until both have ended.

        Args:
            up: Passes on what the near end sends, and calls `Traffic.up`.
            down: The same for the far end.
            until_answered: The end of `down` ends `up` too.

        Raises:
            TimeoutError: No byte went for too long.
            ExceptionGroup: What either of them raised.
        """
        async with asyncio.timeout(self._idle_s) as self._idle, asyncio.TaskGroup() as both:
            sending = both.create_task(up)
            await down
            if until_answered:
                sending.cancel()

    def _goes(self, size: int) -> None:
        self._spend(size)
        if self._idle and not self._idle.expired():
            self._idle.reschedule(asyncio.get_running_loop().time() + self._idle_s)


@contextlib.asynccontextmanager
async def opened(
    end: socket, *, tls: ssl.SSLContext | None = None, name: str | None = None, line: int = CHUNK
) -> AsyncIterator[Ends]:
    """A connected socket as streams, closed at the end: what was written still goes out, if it goes in time.

    Args:
        end: Connected, and not blocking.
        tls: Speaks TLS with it, as its client.
        name: Which server that shall be.
        line: Bytes that may be read up to a separator.

    Raises:
        OSError: The far end and TLS did not agree.
    """
    try:
        end.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # asyncio leaves it off for sockets that it did not make
        ends = Ends(*await asyncio.open_connection(sock=end, ssl=tls, server_hostname=name, limit=line))
    except BaseException:
        end.close()
        raise
    try:
        yield ends
        ends.writer.close()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_FLUSH_S):
                await ends.writer.wait_closed()
    finally:
        ends.writer.transport.abort()


async def pump(reader: StreamReader, writer: StreamWriter, count: Callable[[int], None]) -> None:
    """Pass on what comes, then that it ended; `count` is told each chunk's size before it goes."""
    while data := await reader.read(CHUNK):
        count(len(data))
        writer.write(data)
        await writer.drain()
    writer.write_eof()
