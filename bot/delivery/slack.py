"""A task as a Slack thread: a root message, one progress message that changes in place, the result, the PDF.

What is posted carries `metadata` with the task and the event it tells of; after a crash the thread is looked
through before anything is posted again. Source: https://docs.slack.dev/reference/methods
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.artifacts import Artifacts
from bot.delivery import blocks
from bot.delivery.outlet import AccessError, Letter, Message, Sent
from bot.delivery.pace import Pace
from bot.delivery.slack_errors import ThreadGoneError, UnreachableError, answered
from bot.errors import Permanent, Retry
from bot.events import (
    ArtifactSaved,
    Event,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
)

log = structlog.get_logger()

EVENT_TYPE = "legwork_event"
BETWEEN_EDITS_S = 1.0
BETWEEN_POSTS_S = 1.1  # where Slack limits a channel: "no more than one message per second per channel"
LONGEST_TURN_S = 10.0
SHORT_WORK_S = 1.0
CLOCK_SKEW_S = 60
PAGE = 200


class SlackOutlet:
    """Tells the people of a Slack channel.

    Args:
        client: Speaks to Slack as the bot.
        artifacts: Where the reports are.
        now: The clock.
    """

    name = "slack"

    def __init__(self, client: AsyncWebClient, artifacts: Artifacts, now: Callable[[], datetime]) -> None:
        self._client = client
        self._artifacts = artifacts
        self._now = now
        self._edits = Pace()
        self._posts = Pace()
        self._joined: set[str] = set()

    def plan(self, events: Sequence[Event], cursor: int) -> list[Message]:
        """Root, progress, result and report, each where the log has come to it.

        Once the result is there, the messages above it are changed to show how the task ended.
        """
        begun = next((e.seq for e in events if isinstance(e.fact, RunStarted)), None)
        messages: list[Message] = []
        moved = 0  # the newest event that only the progress message tells of
        for event in events[cursor:]:
            if isinstance(event.fact, TaskOpened):
                messages.append(Message(event.seq, "root", event.seq))
            elif isinstance(event.fact, TaskFinished | TaskFailed | TaskCancelled):
                messages.append(Message(event.seq, "result", event.seq - 1))
                messages.append(Message(event.seq, "ending", event.seq, edits="root"))
                moved = 0
            elif isinstance(event.fact, ArtifactSaved) and event.fact.purpose == "report":
                messages.append(Message(event.seq, "report", event.seq))
            elif isinstance(event.fact, ReportFailed):
                messages.append(Message(event.seq, "no report", event.seq))
            else:
                moved = event.seq
        if moved and begun and begun > cursor:
            messages.append(Message(begun, "progress", moved))
        elif moved and begun:
            messages.append(Message(moved, "progress", moved, edits="progress"))
        return messages

    def wait_s(self, letter: Letter) -> float:
        """Progress shows only of work that lasts, and changes at most once a second."""
        if letter.message.edits:
            return self._edits.wait_s(letter.earlier.get("progress", ""))
        if letter.message.part == "progress":
            return SHORT_WORK_S - (self._now() - letter.event.at).total_seconds()
        return 0

    async def send(self, letter: Letter) -> Sent:
        """Post or upload, unless an earlier try did; beside the thread if somebody deleted it."""
        try:
            return await self._send(letter)
        except ThreadGoneError:
            channel = letter.to.thread.partition(":")[0]
            return await self._send(replace(letter, to=replace(letter.to, thread=channel)))

    async def _send(self, letter: Letter) -> Sent:
        part = letter.message.part
        if part == "root":
            await self._join(letter.to.address)
        found = await self._find(letter) if letter.since else None
        if part == "root":
            return Sent(found or await self._open_thread(letter))
        if part == "report":
            return Sent(found or await self._upload(letter))
        thread = letter.to.thread or letter.to.address
        return Sent(found or await self._post(letter, thread, _view(letter)))

    async def edit(self, letter: Letter) -> None:
        """Show the newest progress, and at the end in the root how the task ended."""
        if progress := letter.earlier.get("progress"):
            self._edits.block(progress, BETWEEN_EDITS_S)
            await self._update(progress, blocks.progress(letter.report))
        if letter.message.part == "ending":
            root = letter.earlier["root"]
            astray = "" if root.startswith(letter.to.address) else letter.to.address
            await self._update(root, blocks.root(letter.report, astray))

    async def _join(self, channel: str) -> None:
        """Become a member of a public channel: elsewhere the bot can neither share nor look up anything."""
        if channel in self._joined:
            return
        try:
            await answered(self._client.conversations_join(channel=channel))
        except (Permanent, AccessError) as error:  # a private channel, a person, no scope: the post will tell
            log.debug("channel not joined", channel=channel, why=str(error))
        else:
            self._joined.add(channel)

    async def _open_thread(self, letter: Letter) -> str:
        """Post the root; where the bot may not write, write to whoever asked and say how to mend it."""
        to = letter.to
        try:
            return await self._post(letter, to.address, blocks.root(letter.report))
        except UnreachableError:
            self._joined.discard(to.address)
            if not to.fallback:
                raise
        return await self._post(letter, to.fallback, blocks.root(letter.report, astray=to.address))

    @contextlib.asynccontextmanager
    async def _in_turn(self, channel: str) -> AsyncIterator[None]:
        """Where Slack has limited a channel lately, what is said in it takes turns."""
        if (wait_s := self._posts.wait_s(channel)) > LONGEST_TURN_S:
            raise Retry("Others have their turn in this channel first.", wait_s)
        await asyncio.sleep(self._posts.take_turn(channel, BETWEEN_POSTS_S))
        try:
            yield
        except Retry as error:
            if error.after_s is not None:
                self._posts.block(channel, error.after_s)
            raise

    async def _post(self, letter: Letter, where: str, payload: blocks.Payload) -> str:
        channel, _, thread_ts = where.partition(":")
        async with self._in_turn(channel):
            answer = await answered(
                self._client.chat_postMessage(
                    channel=channel,
                    thread_ts=thread_ts or None,
                    metadata=_metadata(letter),
                    unfurl_links=False,
                    unfurl_media=False,
                    **payload,
                )
            )
        remote_id = f"{answer['channel']}:{answer['ts']}"
        if letter.message.part == "progress":
            self._edits.block(remote_id, BETWEEN_EDITS_S)
        return remote_id

    async def _update(self, remote_id: str, payload: blocks.Payload) -> None:
        channel, _, ts = remote_id.partition(":")
        try:
            await answered(self._client.chat_update(channel=channel, ts=ts, **payload))
        except Permanent as error:  # somebody deleted it: what it would show stands in the thread too
            log.warning("message not updated", message=remote_id, why=str(error))

    async def _upload(self, letter: Letter) -> str:
        """Share a kept file in the thread (three steps: ask for an address, send it there, share it)."""
        saved = _saved(letter)
        channel, _, thread_ts = (letter.to.thread or letter.to.address).partition(":")
        content = await asyncio.to_thread(self._artifacts.read, letter.report.key, saved)
        async with self._in_turn(channel):
            answer = await answered(
                self._client.files_upload_v2(
                    channel=channel,
                    thread_ts=thread_ts or None,
                    file=content,
                    filename=saved.name,
                    title=f"{letter.report.key} report",
                )
            )
        return str(answer["files"][0]["id"])

    async def _find(self, letter: Letter) -> str | None:
        """What an earlier try sent, by its metadata, or of an upload by its name."""
        channel, _, thread_ts = (letter.to.thread or letter.to.address).partition(":")
        oldest = str((letter.since or self._now()).timestamp() - CLOCK_SKEW_S)
        cursor = ""
        while True:
            query: dict[str, Any] = {
                "channel": channel,
                "oldest": oldest,
                "limit": PAGE,
                "include_all_metadata": True,
            }
            if cursor:
                query["cursor"] = cursor
            if thread_ts:
                page = self._client.conversations_replies(ts=thread_ts, **query)
            else:
                page = self._client.conversations_history(**query)
            try:
                answer = await answered(page)
            except UnreachableError:
                return None
            for message in answer["messages"]:
                if remote_id := _match(message, letter):
                    return remote_id if remote_id != message["ts"] else f"{channel}:{remote_id}"
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return None


def _view(letter: Letter) -> blocks.Payload:
    """What a reply in the thread says."""
    if isinstance(letter.event.fact, ReportFailed):
        return blocks.no_report(letter.report, letter.event.fact.why)
    return (
        blocks.progress(letter.report) if letter.message.part == "progress" else blocks.result(letter.report)
    )


def _metadata(letter: Letter) -> dict[str, Any]:
    message = letter.message
    payload = {"task": letter.report.key, "seq": message.seq, "part": message.part}
    return {"event_type": EVENT_TYPE, "event_payload": payload}


def _match(message: dict[str, Any], letter: Letter) -> str | None:
    """The remote id of this message, if it is the one that the letter would send."""
    if letter.message.part == "report":
        files = (f for f in message.get("files") or () if f.get("name") == _saved(letter).name)
        return next((str(f["id"]) for f in files), None)
    return str(message["ts"]) if message.get("metadata") == _metadata(letter) else None


def _saved(letter: Letter) -> ArtifactSaved:
    assert isinstance(letter.event.fact, ArtifactSaved)
    return letter.event.fact
