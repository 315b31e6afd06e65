"""Faults that tests arrange: what a far end does on its bad days."""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.practice.changes import Changes


@dataclass(slots=True)
class Fault:
    """One arranged failure; see `SlackSide.fail`."""

    error: str
    status: int
    retry_after: int | None
    how: Literal["answer", "hang", "close"]
    acted: bool
    times: int

    def response(self, changes: Changes) -> Response:
        """What the caller gets instead of a true answer."""
        if self.how == "hang":
            return Hang(changes)
        if self.how == "close":
            return CutOff()
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.error:
            body: dict[str, Any] = {"ok": False, "error": self.error}
            return JSONResponse(body, self.status, headers)
        return PlainTextResponse("upstream connect error", self.status, headers)


class Faults:
    """The faults that wait for their call, per method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, list[Fault]] = defaultdict(list)

    def add(self, method: str, fault: Fault) -> None:
        """Let the next `fault.times` calls of the method (`*`: of any) meet the fault."""
        self._waiting[method].append(fault)

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, if any; it is used up by one."""
        for name in (method, "*"):
            for fault in self._waiting[name]:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting[name].remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Forget all arranged faults."""
        self._waiting.clear()


class Hang(Response):
    """An answer that never comes: ends when the caller gives up or the room closes."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's shape
        """Answer nothing until there is nobody left to answer."""

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async def closed() -> None:
            with contextlib.suppress(TimeoutError):
                await self._changes.wait_for(lambda: self._changes.closed, 3600)

        waiting = {asyncio.ensure_future(gone()), asyncio.ensure_future(closed())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


class CutOff(Response):
    """A connection that breaks in the middle of the answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's shape
        """Promise a body and send none."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4096")]})
