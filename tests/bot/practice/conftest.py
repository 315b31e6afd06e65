"""A practice room on a real loopback port, and clients for it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

from bot.practice import PracticeRoom
from tests.bot.practice.far_end import FarEnd

Serve = Callable[[ASGIApp], Awaitable[str]]


class QuietServer(uvicorn.Server):
    """uvicorn within a test's loop: signals stay with pytest."""

    async def run_on(self, listening: socket.socket) -> None:
        """Serve until `should_exit`; unlike `serve`, without taking over the signals."""
        await self._serve([listening])


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free loopback port; gives its address.

    The socket listens already, so a request waits in its queue until the server takes it.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = QuietServer(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
    task = asyncio.create_task(server.run_on(listening))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)
        listening.close()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[PracticeRoom]:
    """A room that is served, with its mailbox open."""
    made = PracticeRoom(tmp_path)
    async with served(made.app) as url:
        made.url = url
        await made.start_mail()
        yield made
        await made.close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves further applications, such as a bot that answers commands."""
    open_servers = []

    async def start(app: ASGIApp) -> str:
        server = served(app)
        url = await server.__aenter__()
        open_servers.append(server)
        return url

    yield start
    for server in open_servers:
        await server.__aexit__(None, None, None)


@pytest.fixture
async def far_end(room: PracticeRoom, serve: Serve) -> FarEnd:
    """A bot that the room delivers to over HTTP; what failed is tried again by hand alone."""
    bot = FarEnd()
    room.bot_url = f"{await serve(bot.app)}/slack/events"
    room.talk.retry_after_s = ()
    return bot


@pytest.fixture
def slack(room: PracticeRoom) -> AsyncWebClient:
    """Slack's own client, pointed at the room; it does not retry by itself."""
    return AsyncWebClient(room.slack.bot_token, base_url=room.api_url, timeout=5, retry_handlers=[])


@pytest.fixture
async def browser(room: PracticeRoom) -> AsyncIterator[httpx.AsyncClient]:
    """A client that stands on the page."""
    async with httpx.AsyncClient(base_url=room.page_url, headers={"Origin": room.url}) as client:
        yield client
