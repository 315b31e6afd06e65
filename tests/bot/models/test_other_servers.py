"""Servers that speak chat completions in ways of their own, and providers that stop an answer."""

import json
from typing import Any

import pytest

from bot.errors import Permanent
from bot.events import Usage
from bot.models.base import Answer
from tests.bot.models.talking import talking, turned
from tests.fakes.models import ModelServer, Reply, fails, says

END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
THOUGHT = {"type": "thinking", "thinking": "", "signature": "c2ln"}
STARTED = {"type": "message_start", "message": {"usage": {"input_tokens": 1_000}}}
NO_THINKING = (
    "Function tools with reasoning_effort are not supported for a in /v1/chat/completions. To use function "
    "tools, use /v1/responses or set reasoning_effort to 'none'."
)


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk of a chat completion."""
    return {"choices": [{"delta": fields, "finish_reason": finish}]}


def piece(command: str, **fields: Any) -> dict[str, Any]:
    """A call that comes whole."""
    return {"function": {"name": "terminal", "arguments": json.dumps({"command": command})}, **fields}


def streamed(*chunks: dict[str, Any]) -> Reply:
    """Chunks or events, as they are sent."""
    lines = (f"event: {one.get('type', 'x')}\ndata: {json.dumps(one)}\n\n" for one in chunks)
    return Reply(raw="".join(lines).encode())


def block(index: int, **fields: Any) -> dict[str, Any]:
    """The beginning of one of Anthropic's blocks, with all that is in it."""
    return {"type": "content_block_start", "index": index, "content_block": fields}


def stopped(why: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The end of one of Anthropic's streams."""
    told = {"type": "message_delta", "delta": {"stop_reason": why}, "usage": {"output_tokens": 5}}
    return told, {"type": "message_stop"}


def used(index: int, **fields: Any) -> dict[str, Any]:
    """A call of Anthropic's."""
    return block(index, type="tool_use", name="terminal", input={"command": "x"}, **fields)


@pytest.mark.parametrize(
    "chunks",
    [
        [delta(tool_calls=[piece("a", index=0, id="x")]), delta(tool_calls=[piece("b", index=0, id="y")])],
        [delta(tool_calls=[piece("a")]), delta(tool_calls=[piece("b")])],
        [delta(tool_calls=[piece("a", id="x"), piece("b", id="y")])],
    ],
    ids=["one index for all", "no names", "no indices"],
)
async def test_calls_that_come_whole_stay_apart(server: ModelServer, chunks: list[dict[str, Any]]) -> None:
    """LiteLLM gives each call the index 0, Ollama gave none: two calls are two."""
    server.script = [streamed(*chunks, END)]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert [call.args for call in turn.calls] == [{"command": "a"}, {"command": "b"}]


async def test_a_call_is_put_together_whatever_is_repeated(server: ModelServer) -> None:
    """The name with every piece, and another id with every piece that has no name."""
    parts = [
        {"index": 0, "id": "x", "function": {"name": "terminal", "arguments": '{"comm'}},
        {"index": 0, "id": "x", "function": {"name": "terminal", "arguments": 'and":'}},
        {"index": 0, "id": "other", "function": {"name": None, "arguments": '"a"}'}},
    ]
    server.script = [streamed(*(delta(tool_calls=[part]) for part in parts), END)]
    async with talking(server) as model:
        (call,) = (await model.turn(1)).calls
    assert (call.tool, call.args) == ("terminal", {"command": "a"})


@pytest.mark.parametrize("finish", ["error", "insufficient_system_resource"])
async def test_an_answer_that_its_server_broke_off_is_no_answer(server: ModelServer, finish: str) -> None:
    """OpenRouter and DeepSeek say so at the end; half an answer is no result."""
    server.script = [streamed(delta(content="Half"), delta(finish)), says("Good.")]
    async with talking(server) as model:
        assert (await model.turn(1)).words == "Good."


async def test_words_in_parts_are_heard(server: ModelServer) -> None:
    """Mistral's thinking models send a list."""
    parts = [{"type": "thinking", "thinking": [{"text": "?"}]}, {"type": "text", "text": "Hm."}]
    server.script = [streamed(delta(content=parts), END)]
    async with talking(server) as model:
        assert (await model.turn(1)).words == "Hm."


async def test_thoughts_go_back_to_a_server_that_sends_them(server: ModelServer) -> None:
    """DeepSeek refuses a history whose calls have lost them."""
    call = delta(tool_calls=[piece("a", id="x")])
    server.script = [streamed(delta(reasoning_content="I "), delta(reasoning_content="think"), call, END)]
    async with talking(server) as model:
        turn = await model.turn(1)
        model.learn([turned(turn, 1), Answer("1.1", ok=True)])
        await model.turn(2)
    assert server.requests[1]["messages"][2]["reasoning_content"] == "I think"


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({}, Usage()),
        ({"prompt_tokens": "x", "completion_tokens": None}, Usage()),
        ({"prompt_tokens": -1_000_000, "completion_tokens": -5}, Usage()),
        ([1], Usage()),
        (
            {"prompt_tokens": 1_000, "prompt_tokens_details": {"cache_write_tokens": 900}},
            Usage(read=1_000, stored=900, usd=0.002),
        ),
    ],
    ids=["nothing", "words", "negative", "list", "cache"],
)
async def test_figures_count_or_are_not_known(server: ModelServer, told: object, usage: Usage) -> None:
    """A turn that nobody counted is not free, and none gives anything back."""
    server.script = [streamed(delta(content="x"), END, {"choices": [], "usage": told})]
    async with talking(server) as model:
        assert (await model.turn(1)).usage == usage


async def test_a_model_that_may_not_think_and_call_is_asked_not_to_think(server: ModelServer) -> None:
    """Later models of OpenAI say what they want; they are told once for all turns."""
    server.script = [fails(400, NO_THINKING), says("One."), says("Two.")]
    async with talking(server) as model:
        model.learn([turned(await model.turn(1), 1)])
        await model.turn(2)
    assert [one.get("reasoning_effort") for one in server.requests] == [None, "none", "none"]


async def test_a_model_that_cannot_but_think_is_given_up(server: ModelServer) -> None:
    """One that refuses that too is not asked for ever."""
    server.script = [fails(400, NO_THINKING), fails(400, "reasoning_effort does not support 'none'")]
    async with talking(server) as model:
        with pytest.raises(Permanent, match="does not support 'none'"):
            await model.turn(1)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("openai:a", streamed(delta(tool_calls=[piece("rm", id="x")]), delta("content_filter"))),
        ("anthropic:a", streamed(STARTED, used(0, id="x"), *stopped("refusal"))),
    ],
)
async def test_what_a_filter_stopped_is_not_done(server: ModelServer, name: str, reply: Reply) -> None:
    """A call that stood before it may be a half one: nothing is called."""
    server.script = [reply]
    async with talking(server, name) as model:
        turn = await model.turn(1)
    assert (turn.calls, turn.gave_up) == ((), True)


@pytest.mark.parametrize("name", ["openai:a", "anthropic:a"])
async def test_an_answer_of_thoughts_alone_is_no_result(server: ModelServer, name: str) -> None:
    """All that it may write went into thoughts: the task did not succeed."""
    server.script = [says("", finish="length")]
    async with talking(server, name) as model:
        turn = await model.turn(1)
    assert turn.gave_up
    assert "cut off" in turn.words


async def test_a_full_context_cuts_an_answer_too(server: ModelServer) -> None:
    """Anthropic has a word of its own for that."""
    half = block(0, type="text", text="Half")
    server.script = [streamed(STARTED, half, *stopped("model_context_window_exceeded"))]
    async with talking(server, "anthropic:a") as model:
        assert "cut off" in (await model.turn(1)).words


async def test_an_overload_in_mid_answer_passes_and_is_paid_for(server: ModelServer) -> None:
    """The error comes after the status 200; what was counted before it counts."""
    overload = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server.script = [streamed(STARTED, overload), says("Good.", read=100, written=10)]
    async with talking(server, "anthropic:a") as model:
        turn = await model.turn(1)
    assert turn.words == "Good."
    assert turn.usage == Usage(read=1_100, written=10, usd=0.0023)


async def test_calls_without_names_of_their_own_get_some(server: ModelServer) -> None:
    """A server that speaks Anthropic's protocol badly cannot end the run."""
    server.script = [
        streamed(STARTED, used(0), used(1, id=""), used(2, id="x"), used(3, id="x"), *stopped("x"))
    ]
    async with talking(server, "anthropic:a") as model:
        turn = await model.turn(1)
        model.learn([turned(turn, 1), *(Answer(call.id, ok=True) for call in turn.calls)])
        await model.turn(2)
    _, spoken, answered = server.requests[1]["messages"]
    names = [one["id"] for one in spoken["content"]]
    assert [one["tool_use_id"] for one in answered["content"]] == names
    assert len(set(names)) == 4


async def test_thoughts_do_not_go_to_another_model(server: ModelServer) -> None:
    """They are signed for the one that had them: another one of the same provider refuses them."""
    server.script = [
        streamed(STARTED, block(0, **THOUGHT), used(1, id="x"), *stopped("tool_use")),
        fails(401),
    ]
    async with talking(server, "anthropic:a,anthropic:b") as model:
        model.learn([turned(await model.turn(1), 1), Answer("1.1", ok=True)])
        await model.turn(2)
    sent = [[one["type"] for one in request["messages"][1]["content"]] for request in server.requests[1:]]
    assert sent == [["thinking", "tool_use"], ["tool_use"]]


async def test_thoughts_alone_do_not_go_back(server: ModelServer) -> None:
    """A message that ends in thoughts is refused."""
    server.script = [streamed(STARTED, block(0, **THOUGHT), *stopped("end_turn")), says("x")]
    async with talking(server, "anthropic:a") as model:
        model.learn([turned(await model.turn(1), 1)])
        await model.turn(2)
    assert server.requests[1]["messages"][1]["content"] == [{"type": "text", "text": "(nothing)"}]
