"""A task as a Slack thread: a root message, one progress message that changes in place, the result, the PDF.

What is posted carries `metadata` with the task and the event it tells of; after a crash the thread is looked
through before anything is posted again. Source: https://docs.slack.dev/reference/methods
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.artifacts import Artifacts
from bot.delivery import blocks
from bot.delivery.outlet import Letter, Message, Sent
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
SHORT_WORK_S = 1.0
CLOCK_SKEW_S = 60
PAGE = 200
TOO_MANY = 429
SERVER_ERROR = 500
PASSING = {
    "ratelimited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    # A token that does not work is for an admin to mend; nothing is lost until then.
    "invalid_auth",
    "not_authed",
    "token_expired",
    "token_revoked",
    "account_inactive",
}


THREAD_GONE = {"thread_not_found", "cannot_reply_to_message"}
UNREACHABLE = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"}


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
        self._edited: dict[str, float] = {}

    def plan(self, events: Sequence[Event], cursor: int) -> list[Message]:
        """Root, progress, result and report, each where the log has come to it."""
        begun = next((e.seq for e in events if isinstance(e.fact, RunStarted)), None)
        messages: list[Message] = []
        moved = 0  # the newest event that only the progress message tells of
        for event in events[cursor:]:
            if isinstance(event.fact, TaskOpened):
                messages.append(Message(event.seq, "root", event.seq))
            elif isinstance(event.fact, TaskFinished | TaskFailed | TaskCancelled):
                messages.append(Message(event.seq, "result", event.seq))
                moved = 0
            elif isinstance(event.fact, ArtifactSaved) and event.fact.purpose == "report":
                messages.append(Message(event.seq, "report", event.seq))
            elif not isinstance(event.fact, ReportFailed):
                moved = event.seq
        if moved and begun and begun > cursor:
            messages.append(Message(begun, "progress", moved))
        elif moved and begun:
            messages.append(Message(moved, "progress", moved, edits="progress"))
        return messages

    def wait_s(self, letter: Letter) -> float:
        """Progress shows only of work that lasts, and changes at most once a second."""
        if letter.message.part != "progress":
            return 0
        if letter.message.edits:
            return self._edit_wait_s(letter.earlier["progress"])
        return SHORT_WORK_S - (self._now() - letter.event.at).total_seconds()

    async def send(self, letter: Letter) -> Sent:
        """Post or upload, unless an earlier try did; beside the thread if somebody deleted it."""
        try:
            return await self._send(letter)
        except _ThreadGoneError:
            channel = letter.to.thread.partition(":")[0]
            return await self._send(replace(letter, to=replace(letter.to, thread=channel)))

    async def _send(self, letter: Letter) -> Sent:
        found = await self._find(letter) if letter.since else None
        if letter.message.part == "root":
            remote_id = found or await self._open_thread(letter)
        elif letter.message.part == "report":
            remote_id = found or await self._upload(letter)
        else:
            thread = letter.to.thread or letter.to.address
            view = blocks.progress if letter.message.part == "progress" else blocks.result
            remote_id = found or await self._post(letter, thread, view(letter.report))
        if letter.message.part == "result":
            await self._conclude(letter)
        return Sent(remote_id)

    async def edit(self, letter: Letter) -> None:
        """Show the newest progress."""
        await self._update(letter.earlier["progress"], blocks.progress(letter.report))

    async def _open_thread(self, letter: Letter) -> str:
        """Post the root; where the bot may not write, write to whoever asked and say how to mend it."""
        to = letter.to
        try:
            return await self._post(letter, to.address, blocks.root(letter.report))
        except _UnreachableError:
            if not to.fallback:
                raise
        return await self._post(letter, to.fallback, blocks.root(letter.report, astray=to.address))

    async def _conclude(self, letter: Letter) -> None:
        """Let the messages above the result show how it ended."""
        if progress := letter.earlier.get("progress"):
            await asyncio.sleep(max(self._edit_wait_s(progress), 0))
            await self._update(progress, blocks.progress(letter.report))
            self._edited.pop(progress, None)
        if ":" in letter.to.thread:
            astray = "" if letter.to.thread.startswith(letter.to.address) else letter.to.address
            await self._update(letter.to.thread, blocks.root(letter.report, astray))

    def _edit_wait_s(self, remote_id: str) -> float:
        last = self._edited.get(remote_id)
        return 0 if last is None else last + BETWEEN_EDITS_S - time.monotonic()

    async def _post(self, letter: Letter, where: str, payload: blocks.Payload) -> str:
        channel, _, thread_ts = where.partition(":")
        answer = await self._call(
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
            self._edited[remote_id] = time.monotonic()
        return remote_id

    async def _update(self, remote_id: str, payload: blocks.Payload) -> None:
        channel, _, ts = remote_id.partition(":")
        self._edited[remote_id] = time.monotonic()
        try:
            await self._call(self._client.chat_update(channel=channel, ts=ts, **payload))
        except Permanent as error:  # somebody deleted it: what it would show stands in the thread too
            log.warning("message not updated", message=remote_id, why=str(error))

    async def _upload(self, letter: Letter) -> str:
        """Share a kept file in the thread (three steps: ask for an address, send it there, share it)."""
        saved = _saved(letter)
        channel, _, thread_ts = (letter.to.thread or letter.to.address).partition(":")
        content = await asyncio.to_thread(self._artifacts.read, letter.report.key, saved)
        answer = await self._call(
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
                answer = await self._call(page)
            except _UnreachableError:
                return None
            for message in answer["messages"]:
                if remote_id := _match(message, letter):
                    return remote_id if remote_id != message["ts"] else f"{channel}:{remote_id}"
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return None

    async def _call(self, call: Awaitable[Any]) -> Any:
        """Await an answer, and say what went wrong in the house's words.

        Raises:
            Retry: Slack is busy or out of reach.
            Permanent: Slack refuses for good.
        """
        try:
            return await call
        except SlackApiError as error:
            raise _told_apart(error) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            unsure = not isinstance(error, aiohttp.ClientConnectorError)
            raise Retry(
                f"Slack cannot be reached: {error or type(error).__name__}.", unsure=unsure
            ) from error


class _UnreachableError(Permanent):
    """The bot cannot write in this channel."""


class _ThreadGoneError(Permanent):
    """The thread's first message was deleted."""


def _told_apart(error: SlackApiError) -> Retry | Permanent:
    code = str(error.response.get("error", ""))
    status = error.response.status_code
    if status == TOO_MANY or code == "ratelimited":
        return Retry("Slack limits the rate.", float(error.response.headers.get("Retry-After", 1)))
    if status >= SERVER_ERROR or code in PASSING:
        return Retry(f"Slack answers {code or status}.", unsure=status >= SERVER_ERROR)
    if code in UNREACHABLE:
        return _UnreachableError(f"Slack answers {code}: invite the bot to the channel.")
    if code in THREAD_GONE:
        return _ThreadGoneError(f"Slack answers {code}: the thread was deleted.")
    return Permanent(f"Slack answers {code}.")


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
