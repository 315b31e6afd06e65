"""What people say in channels, and the events that the bot gets for it.

Source: https://docs.slack.dev/apis/events-api (retries: at once, after a minute, after five).
"""

import asyncio
from dataclasses import dataclass, field

from bot.practice import chat, events
from bot.practice.delivered import Delivered
from bot.practice.deliveries import Deliveries, Mangle
from bot.practice.entities import in_message
from bot.practice.model import ApiError, Channel, Json, Message, User
from bot.practice.slack import BOT_USER, SlackSide


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said, changed or took back.

    Attributes:
        ts: The message's timestamp, which is also its id.
        channel: Id of the channel.
        deliveries: What came of each event: the message, then the mention; empty where the bot hears nothing.
    """

    ts: str
    channel: str
    deliveries: tuple[Delivered, ...]


@dataclass(slots=True)
class Sent:
    """One event and what came of each try."""

    payload: Json
    tries: list[Delivered] = field(default_factory=list)


class Talk:
    """Says things and tells the bot.

    Attributes:
        retry_after_s: When Slack tries again what failed, in seconds after the try before; what is due at
            once is waited for.
        own_messages: Whether the bot gets its own posts as events, too, as it does with real Slack where it
            is subscribed to `message.channels`.
        sent: Every event, by id.
    """

    def __init__(self, slack: SlackSide, deliveries: Deliveries) -> None:
        self.retry_after_s: tuple[float, ...] = (0.0, 60.0, 300.0)
        self.own_messages = False
        self.sent: dict[str, Sent] = {}
        self._slack = slack
        self._deliveries = deliveries
        self._later: set[asyncio.Task[None]] = set()

    async def say(
        self,
        text: str,
        *,
        user: str,
        channel: str,
        thread_ts: str | None,
        event_id: str | None,
        mangle: Mangle | None,
    ) -> Said:
        """Say something; see `PracticeRoom.say`."""
        who = self._slack.user(user)
        where = self._slack.place(channel, who)
        if where.is_archived:
            raise ApiError("is_archived")
        if not text.strip():
            raise ApiError("no_text")
        root = chat.root_of(self._slack, where, thread_ts) if thread_ts else ""
        ts = self._slack.clock.next()
        encoded = in_message(self._slack, text)
        message = self._slack.add(Message(ts, where.id, who.id, encoded, thread_ts=root))
        wanted = [events.envelope(events.said(self._slack, message), event_id)]
        if where.type != "im" and events.mentions_bot(message):
            wanted.append(events.envelope(events.mention(self._slack, message)))
        return await self._tell(where, ts, wanted, mangle)

    async def edit(self, ts: str, text: str, *, user: str, channel: str) -> Said:
        """Change what one said; see `PracticeRoom.edit`."""
        where, message = self._own(ts, self._slack.user(user), channel)
        previous = events.inner(self._slack, message)
        message.text, message.edited_ts = in_message(self._slack, text), self._slack.clock.next()
        self._slack.touch(message)
        at = self._slack.clock.next()
        wanted = [events.envelope(events.changed(self._slack, message, previous, at))]
        if where.type != "im" and events.mentions_bot(message):
            wanted.append(events.envelope(events.mention(self._slack, message)))
        return await self._tell(where, ts, wanted)

    async def delete(self, ts: str, *, user: str, channel: str) -> Said:
        """Take back what one said; see `PracticeRoom.delete`."""
        where, message = self._own(ts, self._slack.user(user), channel)
        previous = events.inner(self._slack, message)
        message.deleted = True
        self._slack.touch(message)
        event = events.deleted(self._slack, message, previous, self._slack.clock.next())
        return await self._tell(where, ts, [events.envelope(event)])

    async def redeliver(self, event_id: str, reason: str) -> Delivered:
        """Send an event once more; see `PracticeRoom.redeliver`."""
        if event_id not in self.sent:
            raise LookupError(f"No event {event_id} was sent; a `Said` tells its deliveries' ids.")
        return await self._try(self.sent[event_id], reason)

    def echo(self, channel: str, ts: str) -> None:
        """Tell the bot of its own post, in a while; nothing where that is off."""
        message = self._slack.message(channel, ts)
        if not self.own_messages or message is None:
            return
        where = self._slack.channels[channel]
        envelope = events.envelope(events.said(self._slack, message))
        self._keep(asyncio.create_task(self._told(where, ts, [envelope])))

    async def close(self) -> None:
        """Forget what was to be tried again later."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _told(self, where: Channel, ts: str, wanted: list[Json]) -> None:
        await self._tell(where, ts, wanted)

    async def _tell(self, where: Channel, ts: str, wanted: list[Json], mangle: Mangle | None = None) -> Said:
        """Send events at the same time, as Slack does: their order is nobody's promise."""
        if BOT_USER not in where.members or not self._deliveries.reachable:
            return Said(ts, where.id, ())
        made = [Sent(payload) for payload in wanted]
        self.sent |= {str(one.payload["event_id"]): one for one in made}
        await asyncio.gather(*(self._first(one, mangle) for one in made))
        return Said(ts, where.id, tuple(one.tries[-1] for one in made))

    async def _first(self, sent: Sent, mangle: Mangle | None) -> None:
        """The first try, and those that are due at once; the others come later."""
        answer = await self._try(sent, "", mangle)
        for index, seconds in enumerate(self.retry_after_s):
            if not answer.error or answer.headers.get("x-slack-no-retry") == "1":
                return
            if seconds:
                self._keep(asyncio.create_task(self._again(sent, self.retry_after_s[index:])))
                return
            answer = await self._try(sent, answer.error, mangle)

    async def _again(self, sent: Sent, delays: tuple[float, ...]) -> None:
        for seconds in delays:
            await asyncio.sleep(seconds)
            if not (await self._try(sent, sent.tries[-1].error)).error:
                return

    async def _try(self, sent: Sent, reason: str, mangle: Mangle | None = None) -> Delivered:
        answer = await self._deliveries.event(
            sent.payload, attempt=len(sent.tries), reason=reason, mangle=mangle
        )
        sent.tries.append(answer)
        self._slack.changes.note()
        return answer

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _own(self, ts: str, user: User, channel: str) -> tuple[Channel, Message]:
        where = self._slack.place(channel, user)
        message = self._slack.message(where.id, ts)
        if message is None or message.user != user.id:
            raise LookupError(f"{user.name} said nothing at {ts} in {where.name}; give the ts of a `Said`.")
        return where, message
