"""The practice room: wires Slack's side, the mailbox and the page into one ASGI application."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware

from bot.practice.changes import Changes
from bot.practice.deliveries import Delivered, Deliveries, Mangle
from bot.practice.guard import HostGuard, missing
from bot.practice.mailbox import Mailbox
from bot.practice.site import Site
from bot.practice.slack import SlackSide
from bot.practice.transcript import save_thread
from bot.practice.web_api import WebApi

T = TypeVar("T")


class PracticeRoom:
    """A Slack workspace, a mailbox and a page that shows both, on loopback.

    Serve `app` on a loopback port and set `url`; the bot then runs unmodified with `SLACK_API_URL` =
    `room.api_url`, `SLACK_BOT_TOKEN` = `room.slack.bot_token`, `SLACK_SIGNING_SECRET` =
    `room.slack.signing_secret` and, after `start_mail`, `LEGWORK_MAIL_URL` = `room.mailbox.url`.

    Args:
        folder: Where letters (`mail/`), uploaded files (`files/`) and saved threads (`threads/`) lie.
        bot_url: Where the bot takes deliveries, `http://…/slack/events`; may be set later.

    Attributes:
        app: The ASGI application.
        slack: The workspace: people, channels, messages, files and every call that was made.
        mailbox: The letters.
    """

    def __init__(self, folder: Path, *, bot_url: str = "") -> None:
        self.changes = Changes()
        self.slack = SlackSide(self.changes, folder)
        self.mailbox = Mailbox(self.changes, folder / "mail")
        self.deliveries = Deliveries(self.slack)
        self.deliveries.bot_url = bot_url
        self._token = secrets.token_urlsafe(24)
        site = Site(self.slack, self.mailbox, self.deliveries, self._token)
        web_api = WebApi(self.slack, self.deliveries)
        self.app = Starlette(
            routes=[*web_api.routes, *site.routes],
            middleware=[Middleware(HostGuard, url=lambda: self.url)],
            exception_handlers={404: missing},
        )

    @property
    def url(self) -> str:
        """The room's own public address, such as `http://127.0.0.1:8090`; set it once the port is known."""
        return self.slack.url

    @url.setter
    def url(self, url: str) -> None:
        self.slack.url = url.rstrip("/")

    @property
    def bot_url(self) -> str:
        """Where the bot takes deliveries."""
        return self.deliveries.bot_url

    @bot_url.setter
    def bot_url(self, url: str) -> None:
        self.deliveries.bot_url = url

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` must be."""
        return f"{self.url}/api/"

    @property
    def page_url(self) -> str:
        """The page's address, with its token: whoever knows it may act as anyone here."""
        return f"{self.url}/{self._token}/"

    async def start_mail(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Open the mailbox.

        Args:
            host: The address to listen on.
            port: 0 for any that is free; `mailbox.url` tells which.
        """
        await self.mailbox.start(host, port)

    async def close(self) -> None:
        """Close the mailbox and let go of waiting pages; call it before the web server shuts down."""
        self.changes.close()
        await self.mailbox.stop()

    async def command(
        self,
        command: str,
        text: str,
        *,
        user: str = "alice",
        channel: str = "general",
        trigger_id: str | None = None,
        mangle: Mangle | None = None,
    ) -> Delivered:
        """Type a slash command as a person would: signed and sent exactly as Slack sends it.

        Args:
            command: With its slash.
            text: What follows it, as typed; Slack's entities are put in here.
            user: Name or id of the person.
            channel: Name or id of the channel.
            trigger_id: A delivery's id; two commands with the same one are one delivery that came twice.
            mangle: May change headers and body after they were signed.

        Returns:
            The bot's immediate answer, which the person is shown, too.
        """
        return await self.deliveries.command(
            command, text, user=user, channel=channel, trigger_id=trigger_id, mangle=mangle
        )

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float) -> T:
        """Wait until something holds in the room; asked again after every change.

        Args:
            predicate: Called without arguments; anything truthy ends the wait.
            timeout_s: Seconds to wait at most.

        Returns:
            What the predicate returned.

        Raises:
            TimeoutError: It did not hold in time.
        """
        return await self.changes.wait_for(predicate, timeout_s)

    def save_thread(self, channel: str, thread_ts: str) -> Path:
        """Write one thread as a self-contained HTML file; see `transcript.save_thread`."""
        return save_thread(self.slack, channel, thread_ts)
