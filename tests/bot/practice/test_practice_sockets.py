"""Socket Mode: the same deliveries over websockets that the bot opens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncSay
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.practice import PracticeRoom
from tests.bot.practice.far_end import FarEnd

PATIENCE_S = 10.0


class Socket:
    """A bot's websocket, as plain as it can be."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        """The next message."""
        return dict(json.loads((await self.socket.receive(PATIENCE_S)).data))

    async def acknowledge(self, envelope: dict[str, Any], **fields: Any) -> None:
        """Say that an envelope arrived."""
        await self.socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"], **fields}))


class Sockets:
    """Opens websockets."""

    def __init__(self, room: PracticeRoom, session: aiohttp.ClientSession) -> None:
        self.room = room
        self.session = session

    async def ticket(self) -> str:
        """An address from `apps.connections.open`."""
        client = AsyncWebClient(self.room.slack.app_token, base_url=self.room.api_url)
        return str((await client.apps_connections_open(app_token=self.room.slack.app_token))["url"])

    async def open(self) -> Socket:
        """A connection that said hello."""
        made = Socket(await self.session.ws_connect(await self.ticket()))
        assert (await made.next())["type"] == "hello"
        return made


@pytest.fixture
async def sockets(room: PracticeRoom) -> AsyncIterator[Sockets]:
    """Opens websockets and closes them; what failed is tried again by hand alone."""
    room.talk.retry_after_s = ()
    async with aiohttp.ClientSession() as session:
        yield Sockets(room, session)


async def test_the_address_is_good_once(sockets: Sockets) -> None:
    """A ticket opens one connection, which is greeted; used or made up it opens none."""
    url = await sockets.ticket()
    assert url.startswith("ws://127.0.0.1:")
    hello = await Socket(await sockets.session.ws_connect(url)).next()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": "A0LEGWORK"}
    for wrong in (url, url.partition("?")[0]):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await sockets.session.ws_connect(wrong)


async def test_each_token_is_for_its_own_methods(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """The app's token opens connections and nothing else, the bot's everything but that."""
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await slack.api_call("apps.connections.open")
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await AsyncWebClient(room.slack.app_token, base_url=room.api_url).auth_test()
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await AsyncWebClient("xapp-wrong", base_url=room.api_url).api_call("apps.connections.open")


async def test_deliveries_go_over_a_socket_while_there_is_one(
    room: PracticeRoom, sockets: Sockets, far_end: FarEnd
) -> None:
    """Events, commands and buttons in their envelopes; without a connection over HTTP again."""
    bot = await sockets.open()
    saying = asyncio.create_task(room.say("hello"))
    envelope = await bot.next()
    assert envelope["type"] == "events_api"
    assert (envelope["retry_attempt"], envelope["accepts_response_payload"]) == (0, False)
    assert envelope["payload"]["event"]["text"] == "hello"
    await bot.acknowledge(envelope, payload={"text": "dropped"})
    assert (await saying).deliveries[0].error == ""
    assert room.sockets.ignored == [{"text": "dropped"}]

    typing = asyncio.create_task(room.command("/agent", "list"))
    envelope = await bot.next()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert (envelope["payload"]["command"], envelope["payload"]["text"]) == ("/agent", "list")
    await bot.acknowledge(envelope, payload={"text": "None yet."})
    assert (await typing).json() == {"text": "None yet."}
    assert room.slack.ephemerals()[-1].text == "None yet."

    await bot.socket.close()
    await room.wait_for(lambda: not room.sockets.connections, PATIENCE_S)
    await room.say("again")
    assert [event["text"] for event in far_end.events] == ["again"]


async def test_each_envelope_goes_over_one_connection(room: PracticeRoom, sockets: Sockets) -> None:
    """In turn: two connections share four events."""
    bots = [await sockets.open(), await sockets.open()]

    async def serve(bot: Socket) -> None:
        for _ in range(2):
            await bot.acknowledge(await bot.next())

    serving = asyncio.gather(*map(serve, bots))
    for index in range(4):
        assert (await room.say(str(index))).deliveries[0].error == ""
    await serving
    assert [len(connection.envelopes) for connection in room.sockets.connections] == [2, 2]


async def test_what_is_not_acknowledged_comes_over_another(room: PracticeRoom, sockets: Sockets) -> None:
    """After three seconds, with the number and the reason of the retry; a late acknowledgement is none."""
    room.talk.retry_after_s = (0.0,)
    bots = [await sockets.open(), await sockets.open()]
    saying = asyncio.create_task(room.say("hello"))
    reading = [asyncio.create_task(bot.next()) for bot in bots]
    await asyncio.wait(reading)
    slow, quick = sorted((task.result() for task in reading), key=lambda one: int(one["retry_attempt"]))
    assert (quick["retry_attempt"], quick["retry_reason"]) == (1, "timeout")
    assert quick["payload"] == slow["payload"]
    assert quick["envelope_id"] != slow["envelope_id"]
    later = bots[[task.result() for task in reading].index(quick)]
    await later.acknowledge(slow)
    await later.acknowledge(quick)
    assert (await saying).deliveries[0].attempts == 2
    assert len(room.sockets.strays) == 1


async def test_an_unanswered_command_is_told_to_the_person(room: PracticeRoom, sockets: Sockets) -> None:
    """A timeout after three seconds; a connection that breaks, or none at all, is a failure at once."""
    bot = await sockets.open()
    answer = await room.command("/agent", "list")
    assert answer.error == "operation_timeout"
    assert 2.9 < answer.seconds < 4
    await bot.socket.send_str("no json")
    typing = asyncio.create_task(room.command("/agent", "list"))
    await bot.next()
    await bot.next()
    room.sockets.drop()
    assert (await typing).error == "dispatch_failed"
    assert room.sockets.strays == ["no json"]
    room.deliveries.mode = "socket"
    assert (await room.command("/agent", "list")).error == "dispatch_failed"


async def test_slack_says_goodbye(room: PracticeRoom, sockets: Sockets) -> None:
    """A warning leaves the connection open, a refresh closes it."""
    bot = await sockets.open()
    await room.sockets.disconnect("warning")
    assert await bot.next() == {
        "type": "disconnect",
        "reason": "warning",
        "debug_info": {"host": "applink-practice"},
    }
    leaving = asyncio.create_task(room.sockets.disconnect())
    assert (await bot.next())["reason"] == "refresh_requested"
    assert (await bot.socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
    await leaving
    await room.wait_for(lambda: not room.sockets.connections, PATIENCE_S)


async def test_the_real_bolt_works_over_a_socket(room: PracticeRoom) -> None:
    """Unmodified, it connects, answers a command and a mention, and comes back after a refresh."""
    app = AsyncApp(token=room.slack.bot_token, signing_secret=None, process_before_response=True)
    app.client.base_url = room.api_url

    @app.command("/agent")
    async def agent(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"Got {command['text']}")

    @app.event("app_mention")
    async def mentioned(say: AsyncSay, event: dict[str, Any]) -> None:
        await say("Here.", thread_ts=event["ts"])

    @app.event("message")
    async def message() -> None:
        pass

    handler = AsyncSocketModeHandler(
        app, room.slack.app_token, web_client=AsyncWebClient(base_url=room.api_url)
    )
    await handler.connect_async()
    try:
        await room.wait_for(lambda: room.sockets.connections, PATIENCE_S)
        assert (await room.command("/agent", "list")).error == ""
        assert room.slack.ephemerals()[-1].text == "Got list"
        said = await room.say("@Legwork hello")
        assert [one.error for one in said.deliveries] == ["", ""]
        assert [m.text for m in room.slack.thread("general", said.ts)][1:] == ["Here."]
        first = room.sockets.connections[0]
        await room.sockets.disconnect()
        await room.wait_for(
            lambda: room.sockets.connections and room.sockets.connections[0] is not first, PATIENCE_S
        )
        assert (await room.command("/agent", "show")).error == ""
    finally:
        await handler.close_async()
