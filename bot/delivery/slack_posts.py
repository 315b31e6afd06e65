"""Speaking in Slack's channels: posts that take turns, edits, uploads, private notes, and reading back.

Source: https://docs.slack.dev/reference/methods
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.kit import PERSON, Payload
from bot.delivery.outlet import AccessError, alone
from bot.delivery.pace import Pace
from bot.delivery.slack_errors import UnreachableError, answered
from bot.errors import Permanent, Retry

log = structlog.get_logger()

BETWEEN_POSTS_S = 1.1  # where Slack limits a channel: "no more than one message per second per channel"
LONGEST_TURN_S = 10.0
PAGE = 200


class Posts:
    """What the bot says, by channel and thread.

    Everything here raises `AccessError`, `Retry` or `Permanent`, as `slack_errors` tells them apart.

    Args:
        client: Speaks to Slack as the bot.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._turns = Pace()
        self._joined: set[str] = set()

    async def post(
        self,
        where: str,
        message: Payload,
        metadata: dict[str, Any] | None = None,
        still_ours: Callable[[], Awaitable[None]] = alone,
    ) -> str:
        """Post a message.

        Args:
            where: A channel or a person, or a thread as `CHANNEL:TS`.
            message: What.
            metadata: What it is known by afterwards.
            still_ours: Raises where another worker says it by now.

        Returns:
            Its remote id, `CHANNEL:TS`.
        """
        channel, _, thread_ts = where.partition(":")
        async with self._in_turn(channel):
            await still_ours()
            answer = await answered(
                self._client.chat_postMessage(
                    channel=channel,
                    thread_ts=thread_ts or None,
                    metadata=metadata,
                    unfurl_links=False,
                    unfurl_media=False,
                    **message,
                )
            )
        return f"{answer['channel']}:{answer['ts']}"

    async def whisper(self, where: str, person: str, message: Payload) -> None:
        """Say something in a channel, or a thread there, that one person alone is shown."""
        channel, _, thread_ts = where.partition(":")
        async with self._in_turn(channel):
            await answered(
                self._client.chat_postEphemeral(
                    channel=channel, user=person, thread_ts=thread_ts or None, **message
                )
            )

    async def update(self, remote_id: str, message: Payload) -> None:
        """Change a message, if nobody deleted it."""
        channel, _, ts = remote_id.partition(":")
        try:
            await answered(self._client.chat_update(channel=channel, ts=ts, **message))
        except Permanent as error:  # what it would show stands in the thread too
            log.warning("message not updated", message=remote_id, why=str(error))

    async def upload(
        self,
        where: str,
        name: str,
        content: bytes,
        title: str = "",
        comment: str = "",
        still_ours: Callable[[], Awaitable[None]] = alone,
    ) -> str:
        """Share a file (three steps: ask for an address, send it there, share it); its id."""
        channel, _, thread_ts = where.partition(":")
        async with self._in_turn(channel):
            await still_ours()
            answer = await answered(
                self._client.files_upload_v2(
                    channel=channel,
                    thread_ts=thread_ts or None,
                    file=content,
                    filename=name,
                    title=title or name,
                    initial_comment=comment or None,
                )
            )
        return str(answer["files"][0]["id"])

    async def said(self, where: str, oldest: float) -> AsyncIterator[dict[str, Any]]:
        """What was said in a channel or a thread since then, in seconds since 1970, with its metadata."""
        channel, _, thread_ts = where.partition(":")
        cursor = ""
        while True:
            query: dict[str, Any] = {
                "channel": channel,
                "oldest": str(oldest),
                "limit": PAGE,
                "include_all_metadata": True,
            }
            if cursor:
                query["cursor"] = cursor
            if thread_ts:
                page = self._client.conversations_replies(ts=thread_ts, **query)
            else:
                page = self._client.conversations_history(**query)
            answer = await answered(page)
            for message in answer["messages"]:
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    async def place(self, address: str) -> str:
        """The channel behind an address: of a person their direct messages, if the bot may open them."""
        if not PERSON.fullmatch(address):
            return address
        try:
            answer = await answered(self._client.conversations_open(users=address))
        except (Permanent, AccessError) as error:  # what is posted to them gets there all the same
            log.debug("direct messages not opened", person=address, why=str(error))
            return address
        return str(answer["channel"]["id"])

    async def join(self, channel: str) -> None:
        """Become a member of a public channel: elsewhere the bot can neither share nor look up anything."""
        if channel in self._joined or PERSON.fullmatch(channel):
            return
        try:
            await answered(self._client.conversations_join(channel=channel))
        except (Permanent, AccessError) as error:  # a private channel, no scope: the post will tell
            log.debug("channel not joined", channel=channel, why=str(error))
        else:
            self._joined.add(channel)

    @contextlib.asynccontextmanager
    async def _in_turn(self, channel: str) -> AsyncIterator[None]:
        """Where Slack has limited a channel lately, what is said in it takes turns."""
        if (wait_s := self._turns.wait_s(channel)) > LONGEST_TURN_S:
            raise Retry("Others have their turn in this channel first.", wait_s)
        await asyncio.sleep(self._turns.take_turn(channel, BETWEEN_POSTS_S))
        try:
            yield
        except UnreachableError:
            self._joined.discard(channel)
            raise
        except Retry as error:
            if error.after_s is not None:
                self._turns.block(channel, error.after_s)
            raise
