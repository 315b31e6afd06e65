"""The proxy of one sandbox: the only way out, and only to where the rules let it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Never

from bot.egress.rules import Rules
from bot.egress.terms import ProxyLimits, Report
from bot.egress.visiting import Visit
from bot.errors import Refused

_PAUSE_S = 0.1


class Proxy:
    """What serves a listener; see `serving`."""

    def __init__(self, listener: socket.socket, rules: Rules, report: Report, limits: ProxyLimits) -> None:
        self._rules = rules
        self._report = report
        self._listener = listener
        self._limits = limits
        self._left = limits.total_bytes
        self._slots = asyncio.Semaphore(limits.connections)
        self._visits: dict[Visit, asyncio.Task[None]] = {}

    def obey(self, rules: Rules) -> None:
        """Let connections go where these rules let them; one that is open to anywhere else is closed."""
        self._rules = rules
        for visit, task in self._visits.items():
            if not visit.obey(rules):
                task.cancel()

    def take_stock(self) -> None:
        """Report now what the open connections have carried so far; the rest will be told at their end."""
        for visit in self._visits:
            self._tell(visit)

    async def serve(self) -> Never:
        """Take connections until it is cancelled; then all of them are closed."""
        async with asyncio.TaskGroup() as visits:
            while True:
                await (
                    self._slots.acquire()
                )  # the others wait in the kernel's queue, which costs the bot nothing
                client = await self._accepted()
                visit = Visit(self._rules, self._limits, self._spend)
                self._visits[visit] = task = visits.create_task(visit.hold(client))
                task.add_done_callback(partial(self._free, client, visit))

    async def _accepted(self) -> socket.socket:
        while True:
            await _readable(self._listener)
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                continue
            except OSError:  # out of descriptors, or the client went away
                await asyncio.sleep(_PAUSE_S)
                continue
            client.settimeout(0)
            return client

    def _tell(self, visit: Visit) -> None:
        if news := visit.news():
            self._report(news)

    def _free(self, client: socket.socket, visit: Visit, _: asyncio.Task[None]) -> None:
        client.close()  # a visit that was cancelled before it began has not done so
        self._slots.release()
        del self._visits[visit]
        self._tell(visit)

    def _spend(self, size: int) -> None:
        if size > self._left:
            raise Refused(
                f"All connections together have passed their limit of {self._limits.total_bytes} bytes."
            )
        self._left -= size


@contextlib.asynccontextmanager
async def serving(
    listener: socket.socket, rules: Rules, report: Report, limits: ProxyLimits | None = None
) -> AsyncIterator[Proxy]:
    """Serve a listener for as long as the block runs; then every connection is closed.

    Args:
        listener: Listens already, perhaps in another network namespace. It stays the caller's, who may
            close it at any time. No stranger may hold it, for they could make it block this process. Whatever
            connects to it is not trusted.
        rules: Where connections may go.
        report: Told of each connection at its end, refused ones included; the last ones as the block ends.
        limits: How much they may use together.

    Raises:
        OSError: It does not listen.
    """
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise OSError("The proxy was given a socket that does not listen.")
    with listener.dup() as own:  # so that it may be closed meanwhile
        own.settimeout(0)
        proxy = Proxy(own, rules, report, limits or ProxyLimits())
        serves = asyncio.create_task(proxy.serve())
        try:
            yield proxy
        finally:
            serves.cancel()
            await asyncio.wait([serves])
    if not serves.cancelled():
        serves.result()


async def _readable(end: socket.socket) -> None:
    # Not loop.sock_accept: cancelled as it ends, it loses the connection that it has just accepted.
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(end, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(end)
