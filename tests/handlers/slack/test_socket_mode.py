"""Slack's requests over a real websocket: the same listeners, kept up whatever happens to the connection."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bot.app.far_ends import slack_client
from bot.app.house import now, opened
from bot.app.slack import slack
from bot.practice import PracticeRoom
from config.settings import Settings
from handlers.slack.acting import Acting
from handlers.slack.listeners import SlackDoor
from handlers.slack.sockets import SocketDoor
from storage import database
from tests.fakes.team import PATIENCE_S, Team, in_time
from tests.handlers.slack.talk import noted, states, tasks_now

HELLO = "@Legwork assign @coder Say hello"


@pytest.fixture
async def wired(room: PracticeRoom, settings: Settings) -> AsyncIterator[Team]:
    """A team whose bot can be reached over a websocket alone."""
    token = {"slack_app_token": SecretStr(room.slack.app_token), "slack_signing_secret": SecretStr("")}
    settings = settings.model_copy(update=token)
    async with opened(settings) as house, slack(settings) as answer:
        assert answer is None
        await room.wait_for(lambda: room.sockets.connections, PATIENCE_S)
        yield Team(room, house)


async def test_everything_comes_over_the_websocket(wired: Team) -> None:
    """Commands are answered in their ack, mentions and talk act, a redelivery does not."""
    answer = await wired.types("/agent list")
    assert "@coder" in answer.json()["text"]
    said = await wired.room.say(HELLO)
    assert [one.error for one in said.deliveries] == ["", ""]
    await wired.room.say("!cancel", thread_ts=said.ts)
    await wired.room.redeliver(said.deliveries[0].event_id)
    assert await tasks_now() == [("coder", "Say hello")]
    assert await states() == ["cancelled"]
    assert not wired.room.bot_url


async def test_a_refresh_loses_nothing(wired: Team) -> None:
    """When Slack asks for a new connection there is one at once, and requests come over it."""
    first = wired.room.sockets.connections[0]
    await wired.room.sockets.disconnect("refresh_requested")
    await wired.room.wait_for(
        lambda: any(one.number > first.number for one in wired.room.sockets.connections), PATIENCE_S
    )
    await wired.room.wait_for(lambda: first not in wired.room.sockets.connections, PATIENCE_S)
    await wired.room.say("@Legwork list")

    async def answered() -> bool:
        return len(await noted()) == 1

    await in_time(answered)


async def test_a_broken_connection_is_made_anew(room: PracticeRoom, settings: Settings) -> None:
    """A network that breaks without a word, and Slack's refusal of a new address, are got over."""
    client = slack_client(settings)
    async with opened(settings) as house:
        door = SlackDoor(client, "", Acting((), 20_000), now)
        socket = SocketDoor(door.dispatch(), client, room.slack.app_token, ping_s=0.1)
        await socket.start()
        await room.wait_for(lambda: room.sockets.connections, PATIENCE_S)
        room.slack.fail("apps.connections.open", error="internal_error", times=2)
        first = room.sockets.connections[0]
        room.sockets.drop()
        await room.wait_for(
            lambda: any(one.number > first.number for one in room.sockets.connections), PATIENCE_S
        )
        assert "@coder" in (await Team(room, house).types("/agent list")).json()["text"]
        await socket.stop()
        await door.errands.close()
        await room.wait_for(lambda: not room.sockets.connections, PATIENCE_S)


async def test_what_the_database_cannot_take_is_not_acked(wired: Team) -> None:
    """Without an ack Slack sends an event again; then it acts."""
    wired.room.talk.retry_after_s = ()
    await wired.room.say("@Legwork list")
    await database.at_once(lambda: database.proxy.execute_sql("PRAGMA max_page_count = 1"))
    said = await wired.room.say("@Legwork assign @coder " + "x" * 15_000)
    assert "http_timeout" in {one.error for one in said.deliveries}
    await database.at_once(lambda: database.proxy.execute_sql("PRAGMA max_page_count = 1000000"))
    await wired.room.redeliver(said.deliveries[0].event_id)
    assert len(await tasks_now()) == 1


async def test_a_garbled_envelope_ends_nothing(wired: Team) -> None:
    """What cannot be read is passed over, and the next request is answered."""
    socket = wired.room.sockets.connections[0].socket
    for text in ("no json", "{}", '{"type": "events_api", "envelope_id": "1", "payload": 5}', "[1]"):
        await socket.send_str(text)
    await socket.send_str('{"type": "events_api", "envelope_id": "2", "payload": {"event": 5}}')
    assert "@coder" in (await wired.types("/agent list")).json()["text"]
