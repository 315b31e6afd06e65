"""Commands reach the bot as Slack sends them, and its answers are shown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.practice import PracticeRoom

Serve = Callable[[ASGIApp], Awaitable[str]]
Answer = Callable[[Request], Awaitable[Response]]


class Bot:
    """A far end that keeps what it was sent and answers as it is told."""

    def __init__(self, response: Response) -> None:
        self.body = b""
        self.headers: dict[str, str] = {}
        self.response = response

    async def answer(self, request: Request) -> Response:
        """The endpoint."""
        self.body, self.headers = await request.body(), dict(request.headers)
        return self.response

    @property
    def form(self) -> dict[str, str]:
        """The fields that came."""
        return {
            name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()
        }


async def listening(room: PracticeRoom, serve: Serve, answer: Answer) -> None:
    """Let the room deliver to this endpoint."""
    url = await serve(Starlette(routes=[Route("/slack/events", answer, methods=["POST"])]))
    room.bot_url = f"{url}/slack/events"


async def test_a_command_is_signed_and_complete(room: PracticeRoom, serve: Serve) -> None:
    """Slack's own verifier accepts it, every documented field is there, and three characters are entities."""
    bot = Bot(PlainTextResponse(""))
    await listening(room, serve, bot.answer)
    await room.command("/agent", "assign @coder a < b && c > d\n'quoted'", user="dana", channel="deploys")
    assert SignatureVerifier(room.slack.signing_secret).is_valid_request(bot.body, bot.headers)
    assert bot.form["text"] == "assign @coder a &lt; b &amp;&amp; c &gt; d\n'quoted'"
    assert (bot.form["user_name"], bot.form["channel_name"], bot.form["command"]) == (
        "dana",
        "deploys",
        "/agent",
    )
    assert set(bot.form) == {
        *("token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name"),
        *("command", "text", "api_app_id", "is_enterprise_install", "response_url", "trigger_id"),
    }


async def test_the_real_bolt_takes_it_and_refuses_a_forged_one(room: PracticeRoom, serve: Serve) -> None:
    """An unmodified Bolt app answers the room's delivery; one changed after signing gets 401."""
    app = AsyncApp(
        token=room.slack.bot_token, signing_secret=room.slack.signing_secret, process_before_response=True
    )
    app.client.base_url = room.api_url

    @app.command("/agent")
    async def agent(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"Got {command['text']}")

    handler = AsyncSlackRequestHandler(app)
    await listening(room, serve, handler.handle)
    assert (await room.command("/agent", "list")).status_code == 200
    assert room.slack.ephemerals()[-1].text == "Got list"
    forged = await room.command("/agent", "list", mangle=lambda headers, body: (headers, body + b"&x=1"))
    assert (forged.status_code, forged.error) == (401, "dispatch_failed")


@pytest.mark.parametrize(
    ("response", "shown", "error"),
    [
        (PlainTextResponse("plain"), "plain", ""),
        (JSONResponse({"text": "*json*"}), "*json*", ""),
        (
            JSONResponse({"blocks": [{"type": "hologram"}]}),
            "invalid_command_response",
            "invalid_command_response",
        ),
        (
            JSONResponse({"response_type": "loud", "text": "x"}),
            "invalid_command_response",
            "invalid_command_response",
        ),
        (PlainTextResponse("oops", 500), "dispatch_failed", "dispatch_failed"),
    ],
)
async def test_the_immediate_answer_is_shown_to_the_one_who_asked(
    room: PracticeRoom, serve: Serve, response: Response, shown: str, error: str
) -> None:
    """As it is where it is right, and as Slack's failure where it is not."""
    await listening(room, serve, Bot(response).answer)
    answer = await room.command("/agent", "list")
    [message] = room.slack.ephemerals("alice")
    assert shown in message.text
    assert answer.error == error
    assert room.slack.history() == []


async def test_an_answer_for_the_channel_is_a_message(room: PracticeRoom, serve: Serve) -> None:
    """`in_channel` makes it visible to all; an empty answer shows nothing."""
    bot = Bot(JSONResponse({"response_type": "in_channel", "text": "all of you"}))
    await listening(room, serve, bot.answer)
    assert (await room.command("/agent", "list")).json()["text"] == "all of you"
    bot.response = PlainTextResponse("")
    await room.command("/agent", "list")
    assert [m.text for m in room.slack.history()] == ["all of you"]
    assert room.slack.ephemerals() == []


async def test_slack_waits_three_seconds(room: PracticeRoom, serve: Serve) -> None:
    """A bot that never answers is a timeout that the person is told of; a bot that is away is a failure."""
    never = asyncio.Event()

    async def hang(_request: Request) -> Response:
        await never.wait()
        return PlainTextResponse("")

    await listening(room, serve, hang)
    answer = await room.command("/agent", "list")
    never.set()
    assert (answer.status_code, answer.error) == (0, "operation_timeout")
    assert 2.9 < answer.seconds < 4
    room.bot_url = "http://127.0.0.1:9/slack/events"
    assert (await room.command("/agent", "list")).error == "dispatch_failed"


async def test_a_delivery_can_come_twice(room: PracticeRoom, serve: Serve) -> None:
    """The trigger id is the caller's to repeat, else it is new every time."""
    bot = Bot(PlainTextResponse(""))
    await listening(room, serve, bot.answer)
    seen = []
    for trigger in ("13345224609.738474920.8088930838", "13345224609.738474920.8088930838", None, None):
        await room.command("/agent", "list", trigger_id=trigger)
        seen.append(bot.form["trigger_id"])
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


async def test_a_response_url_answers_five_times(room: PracticeRoom, serve: Serve) -> None:
    """Slack's webhook client posts, replaces and is then used up; a made-up address is none."""
    bot = Bot(PlainTextResponse(""))
    await listening(room, serve, bot.answer)
    await room.command("/agent", "list")
    url = bot.form["response_url"]
    hook = AsyncWebhookClient(url)
    assert (await hook.send(text="one")).body == "ok"
    assert (await hook.send(text="two", replace_original=True)).status_code == 200
    assert [m.text for m in room.slack.ephemerals() if not m.deleted] == ["two"]
    assert (await hook.send(text="", blocks=[{"type": "hologram"}])).status_code == 400
    for text in ("three", "four", "five"):
        assert (await hook.send(text=text, response_type="in_channel")).status_code == 200
    used = await hook.send(text="six")
    assert (used.status_code, "used_url" in used.body) == (404, True)
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"{room.url}/commands/none", json={"text": "x"})).status_code == 404
    assert [m.text for m in room.slack.history()] == ["three", "four", "five"]
