"""Slack's side of the practice room: the workspace and what happens in it."""

import secrets
import time
from pathlib import Path
from typing import Literal

from bot.practice.changes import Changes
from bot.practice.faults import Fault, Faults
from bot.practice.model import ApiCall, ApiError, Channel, Clock, File, Json, Message, User, View
from bot.practice.triggers import Triggers

TEAM_ID = "T0PRACTICE"
APP_ID = "A0LEGWORK"
BOT_ID = "B0LEGWORK"
BOT_USER = "U0LEGWORK"

_PEOPLE = (
    User("U0ALICE", "alice", "Alice Ames", "alice@practice.example"),
    User("U0BOB", "bob", "Bob Brandt", "bob@practice.example"),
    User("U0DANA", "dana", "Dana Diaz", "dana@practice.example", is_admin=True),
    User(BOT_USER, "legwork", "Legwork", "", is_bot=True),
)
_CHANNELS = (
    ("C0GENERAL", "general", "Company-wide talk, and work for agents"),
    ("C0DEPLOYS", "deploys", "What goes out, and what broke"),
)


class SlackSide:
    """A workspace with three people, a bot and two channels.

    Attributes:
        url: The room's own public address, without a slash at the end; set once the port is known.
        signing_secret: What deliveries are signed with (`SLACK_SIGNING_SECRET`).
        bot_token: What calls must bear (`SLACK_BOT_TOKEN`).
        app_token: What `apps.connections.open` must bear (`SLACK_APP_TOKEN`).
        users, channels, files: By id.
        public_write: Whether the bot may post in public channels that it is no member of, as with the scope
            `chat:write.public`; files and reading need a member all the same.
        messages: Everything ever said, in order, deleted ones and what only the page shows included.
        calls: Every call of the Web API, in order.
        views: Every modal that was opened, in order, closed ones included.
        triggers: The trigger ids that were handed out.
    """

    def __init__(self, changes: Changes, folder: Path) -> None:
        self.changes = changes
        self.folder = folder
        self.url = ""
        self.signing_secret = secrets.token_hex(16)
        self.bot_token = f"xoxb-practice-{secrets.token_hex(16)}"
        self.app_token = f"xapp-1-{APP_ID}-{secrets.token_hex(16)}"
        self.users = {
            person.id: User(
                person.id, person.name, person.real_name, person.email, person.is_admin, person.is_bot
            )
            for person in _PEOPLE
        }
        self.channels = {id_: Channel(id_, name, topic, set(self.users)) for id_, name, topic in _CHANNELS}
        self.files: dict[str, File] = {}
        self.public_write = False
        self.messages: list[Message] = []
        self.calls: list[ApiCall] = []
        self.views: list[View] = []
        self.triggers = Triggers()
        self.faults = Faults()
        self.clock = Clock()
        self._by_ts: dict[tuple[str, str], Message] = {}

    def user(self, name: str) -> User:
        """A person by name or id.

        Raises:
            ApiError: `user_not_found`.
        """
        for user in self.users.values():
            if name in (user.id, user.name):
                return user
        raise ApiError("user_not_found")

    def channel(self, name: str) -> Channel:
        """A channel by id, name or `#name`.

        Raises:
            ApiError: `channel_not_found`.
        """
        for channel in self.channels.values():
            if name in (channel.id, channel.name, f"#{channel.name}"):
                return channel
        raise ApiError("channel_not_found")

    def direct(self, user: User) -> Channel:
        """The direct messages between the bot and a person, opened now if they were not."""
        id_ = f"D{user.id[1:]}"
        if id_ not in self.channels:
            topic = "Direct messages with Legwork"
            self.channels[id_] = Channel(id_, user.name, topic, {user.id, BOT_USER}, type="im")
        return self.channels[id_]

    def place(self, name: str, user: User) -> Channel:
        """Where a person speaks: a channel, or with `@Legwork` their direct messages with the bot.

        Raises:
            ApiError: `channel_not_found`, or `not_in_channel` where the person is no member.
        """
        found = self.direct(user) if name.lower() == "@legwork" else self.channel(name)
        if user.id not in found.members:
            raise ApiError("not_in_channel")
        return found

    def views_of(self, user: str = "alice") -> list[View]:
        """The modals that a person has open, the one on top last."""
        return [view for view in self.views if view.is_open and view.user == self.user(user).id]

    def shown(self, channel: str, ts: str, user: str) -> Message | None:
        """A message that this person sees, ephemeral ones included."""
        found = self._by_ts.get((channel, ts))
        return found if found and not found.deleted and found.only_for in ("", user) else None

    def message(self, channel: str, ts: str) -> Message | None:
        """A message that Slack's API knows: neither deleted nor ephemeral."""
        found = self._by_ts.get((channel, ts))
        return found if found and found.kind == "message" and not found.deleted else None

    def history(self, channel: str = "general") -> list[Message]:
        """The messages at the top level of a channel, oldest first."""
        return [m for m in self._living(channel) if not m.thread_ts]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """A thread's root and its replies, oldest first."""
        return [m for m in self._living(channel) if ts in (m.ts, m.thread_ts)]

    def ephemerals(self, user: str = "alice") -> list[Message]:
        """What only this person sees, oldest first."""
        return [m for m in self.messages if m.kind == "ephemeral" and m.only_for == self.user(user).id]

    def add(self, message: Message) -> Message:
        """Put a message into its channel."""
        self.messages.append(message)
        self._by_ts[message.channel, message.ts] = message
        self.touch(message)
        return message

    def touch(self, message: Message) -> None:
        """Note that a message changed; a reply changes what its root shows, too."""
        message.version = self.changes.note()
        if root := self._by_ts.get((message.channel, message.thread_ts)):
            root.version = message.version

    def say_privately(
        self, user: str, channel: str, text: str, blocks: list[Json] | None = None, thread_ts: str = ""
    ) -> Message:
        """Show an ephemeral message to one person."""
        return self.add(
            Message(
                ts=self.clock.next(),
                channel=channel,
                user=BOT_USER,
                text=text,
                blocks=blocks or [],
                thread_ts=thread_ts,
                kind="ephemeral",
                only_for=user,
            )
        )

    def record(self, method: str, arguments: Json, error: str = "") -> None:
        """Keep a call that came in."""
        known = {name: value for name, value in arguments.items() if name != "token"}
        self.calls.append(ApiCall(method, known, time.monotonic(), ok=not error, error=error))
        self.changes.note()

    def calls_of(self, method: str) -> list[ApiCall]:
        """The calls of one method, in order."""
        return [call for call in self.calls if call.method == method]

    def fail(
        self,
        method: str,
        *,
        error: str = "",
        status: int = 0,
        retry_after: int | None = None,
        how: Literal["answer", "hang", "close"] = "answer",
        acted: bool = False,
        times: int = 1,
    ) -> None:
        """Arrange that the next calls of a method go wrong.

        Args:
            method: A Web API method, `upload`, `download`, `response_url`, or `*` for any.
            error: Slack's error name in the answer; `ratelimited` comes with HTTP 429.
            status: HTTP status; by default 429 for `ratelimited`, 200 for another error, else 500.
            retry_after: Seconds in a Retry-After header.
            how: `answer` with the error, `hang` until the caller gives up, or `close` the connection halfway.
            acted: Whether Slack does what it was asked before the answer goes wrong.
            times: How many calls meet the fault.
        """
        if not status:
            status = 429 if error == "ratelimited" else 200 if error else 500
        self.faults.add(method, Fault(error, status, retry_after, how, acted, times))

    def _living(self, channel: str) -> list[Message]:
        id_ = self.channel(channel).id
        return [m for m in self.messages if m.channel == id_ and m.kind == "message" and not m.deleted]
