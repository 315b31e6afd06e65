"""Socket Mode: deliveries over websockets that the bot opens.

Sources: https://docs.slack.dev/apis/events-api/using-socket-mode and
https://docs.slack.dev/reference/methods/apps.connections.open. aiohttp serves it on a port of its own, opened
when it is first asked for: the room's web server need not speak websocket.
"""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

from bot.practice.changes import Changes
from bot.practice.delivered import PATIENCE_S, Delivered
from bot.practice.model import Json
from bot.practice.slack import APP_ID

Kind = Literal["events_api", "slash_commands", "interactive"]
Reason = Literal["warning", "refresh_requested", "link_disabled"]
TICKET_S = 30.0


@dataclass(eq=False, slots=True)
class Connection:
    """One websocket of the bot.

    Attributes:
        number: Counted from 1.
        envelopes: What was sent over it, in order.
    """

    number: int
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    envelopes: list[Json] = field(default_factory=list)
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)


class Sockets:
    """The bot's websockets; each envelope goes over one of them, in turn.

    Attributes:
        connections: Those that are open, oldest first.
        strays: What the bot sent that acknowledges nothing: no JSON, or an unknown or an answered envelope.
        ignored: Payloads of acknowledgements to envelopes that accept none, which Slack drops.
    """

    def __init__(self, changes: Changes) -> None:
        self.connections: list[Connection] = []
        self.strays: list[str] = []
        self.ignored: list[Json] = []
        self._changes = changes
        self._tickets: dict[str, float] = {}
        self._count = 0
        self._turn = 0
        self._runner: web.AppRunner | None = None
        self._address = ""
        self._opening = asyncio.Lock()

    async def url(self) -> str:
        """A `ws://` address that is good for one connection, within 30 s."""
        async with self._opening:
            if self._runner is None:
                await self._listen()
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = time.monotonic()
        return f"{self._address}/link/?ticket={ticket}&app_id={APP_ID}"

    async def send(
        self, kind: Kind, payload: Json, *, answerable: bool, attempt: int = 0, reason: str = ""
    ) -> Delivered:
        """Send one envelope over the next connection and wait for its acknowledgement as long as Slack does.

        Args:
            kind: What it carries.
            payload: The same object that an HTTP delivery would hold.
            answerable: Whether the acknowledgement may carry an answer.
            attempt: How often it was tried before.
            reason: Why the last try failed.
        """
        started = time.monotonic()
        if not self.connections:
            return Delivered(0, "", 0.0, error="connection_failed")
        self._turn += 1
        connection = self.connections[self._turn % len(self.connections)]
        id_ = str(uuid.uuid4())
        envelope: Json = {
            "envelope_id": id_,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": answerable,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[id_] = acknowledged
        connection.envelopes.append(envelope)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await connection.socket.send_str(json.dumps(envelope))
                answer = await acknowledged
        except TimeoutError:
            return Delivered(0, "", time.monotonic() - started, error="http_timeout")
        except ConnectionError as error:
            return Delivered(0, str(error), time.monotonic() - started, error="connection_failed")
        finally:
            connection.waiting.pop(id_, None)
        if answer and not answerable:
            self.ignored.append(answer)
            answer = {}
        text = json.dumps(answer) if answer else ""
        return Delivered(200, text, time.monotonic() - started, {"content-type": "application/json"})

    async def disconnect(self, reason: Reason = "refresh_requested") -> None:
        """Tell every connection to go; after anything but a warning Slack closes it, too.

        Args:
            reason: `warning` comes some 10 s ahead, `refresh_requested` at the end, `link_disabled` when an
                admin turned Socket Mode off.
        """
        say = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-practice"}}
        for connection in list(self.connections):
            await connection.socket.send_str(json.dumps(say))
            if reason != "warning":
                await connection.socket.close()

    def drop(self) -> None:
        """Break every connection without a word, as a network does."""
        for connection in list(self.connections):
            connection.transport.abort()

    async def close(self) -> None:
        """Close all connections and the port."""
        for connection in list(self.connections):
            await connection.socket.close(code=aiohttp.WSCloseCode.GOING_AWAY, drain=False)
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_get("/link/", self._serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._runner, self._address = runner, f"ws://127.0.0.1:{runner.addresses[0][1]}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        made = self._tickets.pop(request.query.get("ticket", ""), None)
        if made is None or time.monotonic() - made > TICKET_S:
            return web.Response(status=403, text="This ticket is not known or was used; ask for a new one.")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._count += 1
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(self._count, socket, request.transport)
        self.connections.append(connection)
        await socket.send_str(json.dumps(self._hello()))
        self._changes.note()
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledge(connection, message.data)
        finally:
            self.connections.remove(connection)
            for waiting in connection.waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError("The bot's connection ended."))
            self._changes.note()
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "applink-practice",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": APP_ID},
        }

    def _acknowledge(self, connection: Connection, text: str) -> None:
        try:
            said = json.loads(text)
            waiting = connection.waiting.get(str(said["envelope_id"]))
        except (ValueError, KeyError, TypeError):
            waiting = None
        if waiting is None or waiting.done():
            self.strays.append(text)
            return
        payload = said.get("payload")
        waiting.set_result(payload if isinstance(payload, dict) else {})
