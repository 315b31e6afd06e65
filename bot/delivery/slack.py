"""A task as a Slack thread: a root, progress that changes in place, what people are asked, result and PDF.

What is posted carries `metadata` with the task and the event it tells of; after a crash the thread is looked
through before anything is posted again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.artifacts import Artifacts
from bot.delivery import blocks, kit, slack_plan
from bot.delivery.kit import CHANNEL, PERSON
from bot.delivery.outlet import Attachment, Letter, Message, Recipient, Sent
from bot.delivery.pace import Pace
from bot.delivery.slack_errors import ThreadGoneError, UnreachableError
from bot.delivery.slack_plan import ASKED, FILE, PROGRESS, REPORT, ROOT
from bot.delivery.slack_posts import Posts
from bot.delivery.slack_view import view
from bot.errors import Permanent
from bot.events import ArtifactSaved, Event
from storage import database, subscriptions
from storage.tables import Notices

EVENT_TYPE = "legwork_event"
BETWEEN_EDITS_S = 1.0
SHORT_WORK_S = 1.0
CLOCK_SKEW_S = 60


class SlackOutlet:
    """Tells the people of a Slack channel, or one person.

    Args:
        client: Speaks to Slack as the bot.
        artifacts: Where the reports are.
        now: The clock.
    """

    name = "slack"

    def __init__(self, client: AsyncWebClient, artifacts: Artifacts, now: Callable[[], datetime]) -> None:
        self._posts = Posts(client)
        self._artifacts = artifacts
        self._now = now
        self._edits = Pace()

    def plan(self, events: Sequence[Event], cursor: int, to: Recipient) -> list[Message]:
        """See `slack_plan.plan`."""
        return slack_plan.plan(events, cursor, to.cadence)

    def wait_s(self, letter: Letter) -> float:
        """Progress shows only of work that lasts, and changes at most once a second."""
        message = letter.message
        if message.edits:
            return max(self._edits.wait_s(letter.earlier.get(part, "")) for part in message.edits)
        if message.part.startswith(PROGRESS):
            return SHORT_WORK_S - (self._now() - letter.event.at).total_seconds()
        return 0

    async def send(self, letter: Letter) -> Sent:
        """Post or upload, unless an earlier try did; beside the thread if somebody deleted it."""
        try:
            remote_id = await self._send(letter)
        except ThreadGoneError:
            channel = letter.to.thread.partition(":")[0]
            remote_id = await self._send(replace(letter, to=replace(letter.to, thread=channel)))
        return Sent(remote_id, begins_thread=letter.message.part != REPORT)

    async def _send(self, letter: Letter) -> str:
        part = letter.message.part
        if part == ROOT:
            await self._posts.join(letter.to.address)
        where = letter.to.thread or await self._posts.place(letter.to.address)
        if letter.since and (found := await self._find(letter, where)):
            return found
        if part in (REPORT, FILE):
            return await self._upload(letter, where)
        if part == ROOT:
            return await self._open_thread(letter, where)
        message = view(letter, part, await _home(letter, part))
        remote_id = await self._posts.post(where, message, _metadata(letter), letter.still_ours)
        if part.startswith(PROGRESS):
            self._edits.block(remote_id, BETWEEN_EDITS_S)
        return remote_id

    async def edit(self, letter: Letter) -> None:
        """Let the messages that were sent show how the task stands now."""
        for part in letter.message.edits:
            if remote_id := letter.earlier.get(part):
                if part.startswith(PROGRESS):
                    self._edits.block(remote_id, BETWEEN_EDITS_S)
                await self._posts.update(remote_id, view(letter, part, await _home(letter, part)))

    async def say(self, notice: Notices, attachment: Attachment | None) -> None:
        """Say something once; what one person alone is to see, and its place cannot show, goes to them."""
        message = kit.note(notice.text)
        where = f"{notice.address}:{notice.thread}" if notice.thread else notice.address
        if attachment:
            if notice.only_for or not notice.thread:  # a file needs a conversation, also for one person
                where = await self._posts.place(notice.only_for or notice.address)
            await self._posts.upload(where, attachment.name, attachment.content, comment=message["text"])
        elif notice.only_for:
            try:
                await self._posts.whisper(where, notice.only_for, message)
            except Permanent:  # they are not in the channel, or the bot is not
                await self._posts.post(notice.only_for, message)
        else:
            try:
                await self._posts.post(where, message, _known_by(notice=notice.id))
            except ThreadGoneError:
                await self._posts.post(notice.address, message, _known_by(notice=notice.id))

    async def _open_thread(self, letter: Letter, where: str) -> str:
        """Post the root; where the bot may not write, write to whoever asked and say how to mend it."""
        to, known = letter.to, _metadata(letter)
        try:
            return await self._posts.post(where, blocks.root(letter.report), known, letter.still_ours)
        except UnreachableError:
            if not to.fallback:
                raise
        astray = blocks.root(letter.report, astray=to.address)
        return await self._posts.post(to.fallback, astray, known, letter.still_ours)

    async def _upload(self, letter: Letter, where: str) -> str:
        saved = _saved(letter)
        content = await asyncio.to_thread(self._artifacts.read, letter.report.key, saved)
        title = f"{letter.report.key} {saved.purpose}"
        return await self._posts.upload(where, saved.name, content, title, still_ours=letter.still_ours)

    async def _find(self, letter: Letter, where: str) -> str | None:
        """What an earlier try sent, by its metadata, or of an upload by its name."""
        channel = where.partition(":")[0]
        oldest = (letter.since or self._now()).timestamp() - CLOCK_SKEW_S
        try:
            async for message in self._posts.said(where, oldest):
                if remote_id := _match(message, letter):
                    return remote_id if remote_id != message["ts"] else f"{channel}:{remote_id}"
        except UnreachableError:
            return None
        return None


async def _home(letter: Letter, part: str) -> str:
    """The channel where the task's own thread is, for one who is asked outside of it; empty for others."""
    if not (part.startswith(ASKED) and PERSON.fullmatch(letter.to.address)):
        return ""
    return await database.insist(_channel, letter.to.id)


def _channel(subscription_id: int) -> str:
    discussion = subscriptions.get(subscription_id).task.discussion
    if discussion is None or discussion.door != "slack" or not CHANNEL.fullmatch(discussion.place):
        return ""
    return str(discussion.place)


def _metadata(letter: Letter) -> dict[str, Any]:
    message = letter.message
    return _known_by(task=letter.report.key, seq=message.seq, part=message.part)


def _known_by(**payload: str | int) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _match(message: dict[str, Any], letter: Letter) -> str | None:
    """The remote id of this message, if it is the one that the letter would send."""
    if letter.message.part in (REPORT, FILE):  # of an earlier ending there may be one of the same name
        known = letter.earlier.values()
        files = (f for f in message.get("files") or () if f.get("name") == _saved(letter).name)
        return next((str(f["id"]) for f in files if str(f["id"]) not in known), None)
    return str(message["ts"]) if message.get("metadata") == _metadata(letter) else None


def _saved(letter: Letter) -> ArtifactSaved:
    assert isinstance(letter.event.fact, ArtifactSaved)
    return letter.event.fact
