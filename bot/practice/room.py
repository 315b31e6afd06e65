"""The practice room: wires Slack's side, the mailbox and the page into one ASGI application."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware

from bot.practice.changes import Changes
from bot.practice.commands import Commands
from bot.practice.delivered import Delivered
from bot.practice.deliveries import Deliveries, Mangle
from bot.practice.guard import HostGuard, missing
from bot.practice.interactions import Interactions, Submitted
from bot.practice.mailbox import Mailbox
from bot.practice.page_acts import PageActs
from bot.practice.response_urls import ResponseUrls
from bot.practice.site import Site
from bot.practice.slack import SlackSide
from bot.practice.sockets import Sockets
from bot.practice.talk import Said, Talk
from bot.practice.transcript import save_thread
from bot.practice.web_api import WebApi

T = TypeVar("T")


class PracticeRoom:
    """A Slack workspace, a mailbox and a page that shows both, on loopback.

    Serve `app` on a loopback port and set `url`; the bot then runs unmodified with `SLACK_API_URL` =
    `room.api_url`, `SLACK_BOT_TOKEN` = `room.slack.bot_token`, `SLACK_SIGNING_SECRET` =
    `room.slack.signing_secret` (or, for Socket Mode, `SLACK_APP_TOKEN` = `room.slack.app_token`) and, after
    `start_mail`, `LEGWORK_MAIL_URL` = `room.mailbox.url` and `LEGWORK_AUTHSERV_ID` =
    `room.mailbox.authserv_id`.

    Args:
        folder: Where letters (`mail/`), uploaded files (`files/`) and saved threads (`threads/`) lie.
        bot_url: Where the bot takes deliveries, `http://…/slack/events`; may be set later.

    Attributes:
        app: The ASGI application.
        slack: The workspace: people, channels, messages, files and every call that was made.
        mailbox: The letters.
        sockets: The bot's websockets, of Socket Mode.
        deliveries: How the bot is reached; `deliveries.mode` forces one way.
        talk: The events that were sent, and when failed ones are tried again.
    """

    def __init__(self, folder: Path, *, bot_url: str = "") -> None:
        self.changes = Changes()
        self.slack = SlackSide(self.changes, folder)
        self.mailbox = Mailbox(self.changes, folder / "mail")
        self.sockets = Sockets(self.changes)
        self.deliveries = Deliveries(self.slack, self.sockets)
        self.deliveries.bot_url = bot_url
        self.talk = Talk(self.slack, self.deliveries)
        urls = ResponseUrls(self.slack)
        self._commands = Commands(self.slack, self.deliveries, urls)
        self._interactions = Interactions(self.slack, self.deliveries, urls)
        self._token = secrets.token_urlsafe(24)
        acts = PageActs(self._commands, self.talk, self._interactions, self.mailbox)
        site = Site(self.slack, self.mailbox, acts, self._token)
        web_api = WebApi(self.slack, urls, self.sockets, self.talk)
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
    def mail_to(self) -> str:
        """The bot's SMTP server, `HOST:PORT`, which people's letters go to."""
        return self.mailbox.mail_to

    @mail_to.setter
    def mail_to(self, address: str) -> None:
        self.mailbox.mail_to = address

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
        """Close mailbox and sockets and let go of waiting pages; call it before the web server shuts down."""
        self.changes.close()
        await self.talk.close()
        await self.sockets.close()
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
            text: What follows it, as typed; entities, mentions (`<@U…|alice>`) and links are put in here.
            user: Name or id of the person.
            channel: Name or id of the channel; `@Legwork` is the person's direct messages with the bot.
            trigger_id: A delivery's id; two commands with the same one are one delivery that came twice.
            mangle: May change headers and body after they were signed.

        Returns:
            The bot's immediate answer, which the person is shown, too.
        """
        return await self._commands.type(
            command, text, user=user, channel=channel, trigger_id=trigger_id, mangle=mangle
        )

    async def say(
        self,
        text: str,
        *,
        user: str = "alice",
        channel: str = "general",
        thread_ts: str | None = None,
        event_id: str | None = None,
        mangle: Mangle | None = None,
    ) -> Said:
        """Say something: the bot gets a `message`, and an `app_mention` beside it where it is named.

        It hears nothing where it is no member; of direct messages there is no `app_mention`.

        Args:
            text: As typed: `@Legwork` and `@alice` become mentions, addresses links.
            user: Name or id of the person.
            channel: Name or id of the channel; `@Legwork` is the person's direct messages with the bot.
            thread_ts: The root that is answered.
            event_id: The `message` event's id, else a new one.
            mangle: May change headers and body of every delivery after they were signed.

        Raises:
            ApiError: There is no such channel or thread, or the person is not in it.
        """
        return await self.talk.say(
            text, user=user, channel=channel, thread_ts=thread_ts, event_id=event_id, mangle=mangle
        )

    async def edit(self, ts: str, text: str, *, user: str = "alice", channel: str = "general") -> Said:
        """Change what one said: `message_changed`, and `app_mention` once more where the bot is named.

        Raises:
            LookupError: The person said nothing with that timestamp there.
        """
        return await self.talk.edit(ts, text, user=user, channel=channel)

    async def delete(self, ts: str, *, user: str = "alice", channel: str = "general") -> Said:
        """Take back what one said: `message_deleted`; of a root with replies a tombstone stays.

        Raises:
            LookupError: The person said nothing with that timestamp there.
        """
        return await self.talk.delete(ts, user=user, channel=channel)

    async def redeliver(self, event_id: str, *, reason: str = "http_timeout") -> Delivered:
        """Send an event once more, the same with the headers of a retry (over a socket: its fields).

        Args:
            event_id: From a `Said`'s deliveries, or a key of `talk.sent`.
            reason: As in `X-Slack-Retry-Reason`.

        Raises:
            LookupError: No such event was sent.
        """
        return await self.talk.redeliver(event_id, reason)

    async def press(
        self,
        message_ts: str,
        button: str,
        *,
        user: str = "alice",
        channel: str = "general",
        mangle: Mangle | None = None,
    ) -> Delivered:
        """Press a button of a message that the person sees; the bot gets `block_actions`.

        Args:
            message_ts: The message's timestamp.
            button: Its `action_id`, `block_id/action_id`, or label.
            user: Name or id of the person.
            channel: Name or id of the channel; `@Legwork` is the person's direct messages with the bot.
            mangle: May change headers and body after they were signed.

        Raises:
            LookupError: The person sees no such message, or it has no such button, or several.
        """
        return await self._interactions.press(message_ts, button, user=user, channel=channel, mangle=mangle)

    async def submit(
        self,
        values: Mapping[str, str],
        *,
        view_id: str = "",
        user: str = "alice",
        mangle: Mangle | None = None,
    ) -> Submitted:
        """Submit a modal; what the bot answers (errors, update, push, clear) is done.

        Args:
            values: What is entered, by the field's `action_id`, `block_id` or label.
            view_id: Which modal; by default the one on top.
            user: Name or id of the person.
            mangle: May change headers and body after they were signed.

        Raises:
            LookupError: The person has no such modal open, or it has no such field.
        """
        return await self._interactions.submit(values, view_id=view_id, user=user, mangle=mangle)

    async def dismiss(self, *, view_id: str = "", user: str = "alice") -> Delivered | None:
        """Close a modal without submitting it; the bot hears of it where it asked to.

        Raises:
            LookupError: The person has no such modal open.
        """
        return await self._interactions.dismiss(view_id=view_id, user=user)

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
