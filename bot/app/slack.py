"""Slack's door, as the settings have it: over HTTP, over a websocket, or both."""

import contextlib
from collections.abc import AsyncIterator

from bot.app.far_ends import slack_client
from bot.app.house import now
from config.settings import Settings
from handlers.http.server import SlackAnswer
from handlers.slack.acting import Acting
from handlers.slack.listeners import SlackDoor
from handlers.slack.sockets import SocketDoor


@contextlib.asynccontextmanager
async def slack(settings: Settings) -> AsyncIterator[SlackAnswer | None]:
    """Open Slack's door while the context lasts.

    Yields:
        What answers Slack's HTTP requests; None where no signing secret proves that they are Slack's.
    """
    secret = settings.slack_signing_secret.get_secret_value()
    app_token = settings.slack_app_token.get_secret_value()
    if not (secret or app_token):
        yield None
        return
    client = slack_client(settings)
    acting = Acting(settings.admins, settings.max_command_chars)
    door = SlackDoor(client, secret, acting, now)
    dispatch = door.dispatch()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(door.errands.close)
        if app_token:
            socket = SocketDoor(dispatch, client, app_token)
            await socket.start()
            stack.push_async_callback(socket.stop)
        yield door.requests(dispatch).answer if secret else None
