"""Socket Mode: Slack's requests over a websocket that we open, for those who cannot be reached from outside.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncBoltRequest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from handlers.slack.requests import UNREADABLE, Dispatch

log = structlog.get_logger()


@dataclass(slots=True)
class SocketDoor:
    """Takes Slack's requests over websockets, and hands them to the listeners that HTTP has.

    Attributes:
        dispatch: Answers a request.
        client: Asks Slack for the websocket's address.
        app_token: Lets it.
        ping_s: Seconds between two looks whether the websocket is alive, and before another try to connect.
    """

    dispatch: Dispatch
    client: AsyncWebClient
    app_token: str
    ping_s: float = 5.0
    _socket: SocketModeClient | None = None
    _connecting: asyncio.Task[None] | None = None
    _busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Begin to connect; from then on the connection is kept up, and nobody waits for it."""
        socket = SocketModeClient(self.app_token, web_client=self.client, ping_interval=self.ping_s)
        socket.proxy = self.client.proxy  # else it takes the environment's, on loopback too
        socket.socket_mode_request_listeners.append(self._take)
        self._connecting = asyncio.create_task(socket.connect())  # type: ignore[no-untyped-call]  # slack_sdk
        self._socket = socket

    async def stop(self) -> None:
        """Hang up once what is under way was answered."""
        if self._socket is None or self._connecting is None:
            return
        self._connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._connecting
        await asyncio.gather(*self._busy, return_exceptions=True)
        socket = self._socket
        await socket.close()  # type: ignore[no-untyped-call]  # slack_sdk
        loops = (socket.message_processor, socket.current_session_monitor, socket.message_receiver)
        await asyncio.gather(*filter(None, loops), return_exceptions=True)

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one request; without an answer Slack sends an event again."""
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            wanted = _read(request)
            if wanted is not None:
                response = await self.dispatch(wanted)
                await send_async_response(client, request, response, time.time())
        finally:
            self._busy.discard(task)


def _read(request: SocketModeRequest) -> AsyncBoltRequest | None:
    """The request as Bolt has it; None where it cannot be read."""
    try:
        headers = build_headers(request)
        return AsyncBoltRequest(mode="socket_mode", body=request.payload, headers=headers)
    except UNREADABLE as error:
        log.warning("Slack's request cannot be read", why=type(error).__name__)
        return None
