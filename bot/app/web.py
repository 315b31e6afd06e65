"""The HTTP side."""

import contextlib
from collections.abc import AsyncIterator

import structlog

from bot.app.house import House, now
from bot.app.listening import bind, serving
from handlers.http import server
from handlers.slack.listeners import SlackDoor
from storage import database

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def web(house: House) -> AsyncIterator[str]:
    """The HTTP side: Slack's requests and health checks. Yields its address."""
    settings = house.settings
    secret = settings.slack_signing_secret.get_secret_value()
    slack = None
    if secret:
        door = SlackDoor(
            bot_token=settings.slack_bot_token.get_secret_value(),
            signing_secret=secret,
            admins=settings.admins,
            max_chars=settings.max_command_chars,
            now=now,
        )
        slack = door.requests().answer
    app = server.build(slack, _ready)
    async with serving(app, bind(settings.http)) as address:
        log.info("listening", http=address, slack=bool(slack))
        yield address


async def _ready() -> bool:
    try:
        return not await database.run(database.pending)
    except Exception:  # noqa: BLE001  whatever is wrong, the answer is that it is not ready
        return False
