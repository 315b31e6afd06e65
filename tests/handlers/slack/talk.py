"""What tests of Slack's events look at: what was said, what was answered, what came of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from bot import stream
from bot.events import InstructionGiven
from bot.practice.deliveries import sign
from storage import database
from storage.tables import Inbox, Messages, Notices, Tasks
from tests.fakes.team import Team

T = TypeVar("T")


@dataclass(frozen=True)
class Noted:
    """A notice as a test compares it."""

    text: str
    channel: str
    thread: str
    only_for: str


async def rows(read: Callable[[], T]) -> T:
    """What a function reads."""
    return await database.run(read)


async def noted() -> list[Noted]:
    """What the bot has to say, oldest first."""

    def read() -> list[Noted]:
        return [
            Noted(one.text, one.address, one.thread, one.only_for)
            for one in Notices.select().order_by(Notices.id)
        ]

    return await rows(read)


async def tasks_now() -> list[tuple[str, str]]:
    """Agent and text of each task."""
    return await rows(lambda: [(one.agent.name, one.text) for one in Tasks.select().order_by(Tasks.id)])


async def states() -> list[str]:
    """The state of each task."""
    return await rows(lambda: [one.state for one in Tasks.select().order_by(Tasks.id)])


async def kept() -> list[tuple[str, str]]:
    """Author and text of each message that is kept."""
    return await rows(lambda: [(one.author, one.text) for one in Messages.select().order_by(Messages.id)])


async def told(task_id: int = 1) -> list[str]:
    """What the agent of a task was told since it was opened."""

    def read() -> list[str]:
        log = stream.replay(Tasks.get_by_id(task_id).stream_id)
        return [event.fact.text for event in log if isinstance(event.fact, InstructionGiven)]

    return await rows(read)


async def effects() -> tuple[int, int, int, int]:
    """How much there is of what an event could have caused."""
    return await rows(
        lambda: (
            Tasks.select().count(),
            Messages.select().count(),
            Notices.select().count(),
            Inbox.select().count(),
        )
    )


async def post(team: Team, body: bytes, kind: str = "application/json", **headers: str) -> tuple[int, str]:
    """Status and body of the bot's answer to a signed request."""
    signed = sign(team.room.slack.signing_secret, body, time.time())
    async with (
        aiohttp.ClientSession() as client,
        client.post(
            team.room.bot_url, data=body, headers={"Content-Type": kind, **signed, **headers}
        ) as answer,
    ):
        return answer.status, await answer.text()


def event(event_id: str = "Ev1", bot: str = "U0LEGWORK", **fields: Any) -> bytes:
    """An event as Slack wraps it; a message of alice's in #general unless told."""
    inner = {"type": "message", "channel": "C0GENERAL", "channel_type": "channel", "user": "U0ALICE"}
    inner |= {"ts": "1700000000.000100", "text": "<@U0LEGWORK> list", **fields}
    body = {
        "type": "event_callback",
        "event_id": event_id,
        "team_id": "T0PRACTICE",
        "authorizations": [{"user_id": bot, "is_bot": True, "team_id": "T0PRACTICE"}],
        "event": inner,
    }
    return json.dumps(body).encode()
