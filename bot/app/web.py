"""The HTTP side, and Slack's websocket."""

import contextlib
from collections.abc import AsyncIterator

import structlog

from bot.app.house import House
from bot.app.listening import bind, serving
from bot.app.slack import slack
from handlers.http import server
from storage import database

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def web(house: House) -> AsyncIterator[str]:
    """Slack's requests, by HTTP or a websocket, and health checks. Yields the address of the HTTP side."""
    settings = house.settings
    async with contextlib.AsyncExitStack() as stack:
        answer = await stack.enter_async_context(slack(settings))
        if not settings.http:
            yield ""
            return
        app = server.build(answer, _ready)
        address = await stack.enter_async_context(serving(app, bind(settings.http)))
        log.info("listening", http=address, slack=bool(answer), socket_mode=settings.socket_mode)
        yield address


async def _ready() -> bool:
    try:
        return not await database.run(database.pending)
    except Exception:  # noqa: BLE001  whatever is wrong, the answer is that it is not ready
        return False
