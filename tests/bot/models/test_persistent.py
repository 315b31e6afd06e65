"""Patience with models: what is asked again, when, and what comes after."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from bot.errors import Permanent
from bot.models.base import Answer
from bot.models.failures import after
from tests.bot.models.talking import QUICK, talk, talking, turned
from tests.fakes.models import ModelServer, Reply, calls, fails, model_server, says

MAKE = ("terminal", {"command": "make"})


def told(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Who says what in a request."""
    return [(message["role"], message["content"] or "") for message in request["messages"]]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_passing_faults_are_asked_again(server: ModelServer, status: int) -> None:
    """Busy, down or overloaded: the same request is sent again."""
    server.script = [fails(status), fails(status), says("Good.")]
    async with talking(server) as model:
        assert (await model.turn(1)).words == "Good."
    assert len(server.requests) == 3


async def test_the_server_says_when(server: ModelServer) -> None:
    """No request comes before Retry-After is over, and none much later."""
    server.script = [fails(429, headers={"Retry-After": "0.5"}), says("Good.")]
    async with talking(server) as model:
        await model.turn(1)
    first, second = server.at
    assert 0.5 <= second - first < 3


async def test_waits_grow(server: ModelServer) -> None:
    """Without a word of the server each wait is about twice the one before."""
    server.script = [fails(500), fails(500), fails(500), says("x")]
    async with talking(server, patience=replace(QUICK, tries=4, first_s=0.1)) as model:
        await model.turn(1)
    one, two, three = (b - a for a, b in zip(server.at, server.at[1:], strict=False))
    assert 0.07 < one < two < three


async def test_a_server_that_says_at_once_is_not_hammered(server: ModelServer) -> None:
    """Retry-After may make a wait longer, and never shorter."""
    server.script = [fails(500, headers={"Retry-After": "0"}), says("x")]
    async with talking(server, patience=replace(QUICK, first_s=0.2)) as model:
        await model.turn(1)
    first, second = server.at
    assert second - first > 0.1


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2", 2.0),
        ("0.25", 0.25),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("1e9", None),
        ("Fri, 31 Dec 999999999999 23:59:59 GMT", None),
        (format_datetime(datetime.fromtimestamp(1_000_030, UTC), usegmt=True), 30.0),
        (format_datetime(datetime.fromtimestamp(900_000, UTC), usegmt=True), 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(given: str, seconds: float | None) -> None:
    """Seconds or a date, as RFC 9110 has them; anything else is nothing."""
    assert after({"retry-after": given}, now=1_000_000) == seconds


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (fails(401), "it refused the key: an admin can mend OPENAI_API_KEY."),
        (fails(402), "there is no credit left"),
        (fails(403, "not yours"), r"the key may not use it \(.*not yours.*\)"),
        (fails(404), "there is no model a at 127.0.0.1: an admin can name another in LEGWORK_MODEL"),
        (fails(413), "longer than it can read"),
        (fails(422, "tools?"), r"did not take the request, and answered 422 \(.*tools\?"),
        (fails(429, "You exceeded your current quota", code="insufficient_quota"), "no credit left"),
        (fails(429, headers={"Retry-After": "3600"}), "it was asked once, and in the end it answered 429"),
    ],
)
async def test_final_faults_are_sentences(server: ModelServer, reply: Reply, words: str) -> None:
    """What no second try can mend is said at once, with what to do."""
    server.script = [reply]
    async with talking(server) as model:
        with pytest.raises(Permanent, match=words):
            await model.turn(1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("hang", ["head", "middle"])
async def test_a_model_that_falls_silent_is_asked_again(server: ModelServer, hang: str) -> None:
    """No byte for as long as is waited for: the request is given up, and the next one may do."""
    server.script = [says("A long answer that stalls", hang=hang), says("Good.")]
    async with talking(server, patience=replace(QUICK, idle_s=0.3)) as model:
        assert (await model.turn(1)).words == "Good."


async def test_nobody_there() -> None:
    """A server that cannot be reached is asked again, and then named."""
    async with model_server() as gone:
        pass
    async with talking(gone) as model:
        with pytest.raises(
            Permanent, match="openai:a: it was asked 3 times, and in the end it cannot be reached"
        ):
            await model.turn(1)


async def test_the_next_model_goes_on(server: ModelServer) -> None:
    """When the first is given up, the second one has the whole history, and the run stays with it."""
    server.script = [calls(MAKE), fails(401), says("Second."), says("Still.")]
    async with talking(server, "openai:a,openai:b") as model:
        turns = await talk(model, ["ok", "ok"])
    assert [turn.model for turn in turns] == ["openai:a", "openai:b", "openai:b"]
    assert [request["model"] for request in server.requests] == ["a", "a", "b", "b"]
    one, other = (told(request) for request in server.requests[1:3])
    assert one == other


async def test_another_provider_goes_on(server: ModelServer) -> None:
    """The history is told to the next provider in its own form."""
    server.script = [calls(MAKE, words="Hm."), *[fails(500)] * 3, says("Mine.")]
    async with talking(server, "openai:a,anthropic:a") as model:
        turns = await talk(model, ["ok"])
    assert turns[-1].words == "Mine."
    history = server.requests[-1]["messages"]
    assert [message["role"] for message in history] == ["user", "assistant", "user"]
    assert [block["type"] for block in history[1]["content"]] == ["text", "tool_use"]
    assert history[2]["content"][0]["tool_use_id"] == history[1]["content"][1]["id"]


async def test_all_that_fail_are_named(server: ModelServer) -> None:
    """Where none is left, each says why."""
    server.script = [fails(401), fails(404)]
    async with talking(server, "openai:a,openai:b") as model:
        with pytest.raises(Permanent, match=r"openai:a: it refused the key.* openai:b: there is no model b"):
            await model.turn(1)


async def test_a_turn_can_be_cancelled_in_mid_request(server: ModelServer) -> None:
    """Whoever cancels waits for nothing: the connection is closed, and the server sees it."""
    server.script = [says("Never", hang="head")]
    async with talking(server) as model:
        turn = asyncio.create_task(model.turn(1))
        await server.comes_true(lambda: len(server.requests) == 1)
        began = time.monotonic()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert time.monotonic() - began < 1
        await server.comes_true(lambda: server.left == 1)


async def test_a_failed_turn_leaves_the_history_as_it_was(server: ModelServer) -> None:
    """A turn counts once it is recorded; one that is asked for again is asked for with the same history."""
    server.script = [calls(MAKE), fails(500), says("Done.")]
    async with talking(server) as model:
        turn = await model.turn(1)
        model.learn([turned(turn, 1), Answer("1.1", ok=True, text="ok")])
        await model.turn(2)
    assert server.requests[1]["messages"] == server.requests[2]["messages"]
