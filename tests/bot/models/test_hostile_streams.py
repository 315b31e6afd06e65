"""What a provider streams is hostile: whatever comes, a turn is made of it, or it is asked again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Permanent, Retry
from bot.models import anthropic, openai
from bot.models.base import Answer, Brief, Turn, silently
from bot.models.completion import Completion
from bot.models.conversation import Conversation
from bot.models.failures import failures_as_ours
from tests.bot.models.talking import talking, turned
from tests.fakes.models import ModelServer, Reply, says

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def either(*good: Any) -> st.SearchStrategy[Any]:
    """Something that belongs there, or anything."""
    return st.sampled_from(good) | JSON


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object that has some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


FUNCTION = some(name=either("terminal", "", None), arguments=either('{"a":1}', "{", "", {"a": 1}))
PIECE = some(index=either(0, 1, None), id=either("x", "y", "", None), function=FUNCTION | JSON, type=JSON)
DELTA = some(
    content=either("Hm.", None, [{"type": "text", "text": "Hm."}]),
    refusal=either("No.", None),
    reasoning_content=either("Hm, ", None),
    reasoning_details=JSON,
    tool_calls=st.lists(PIECE, max_size=3) | JSON,
)
USAGE = some(
    prompt_tokens=either(10, -10, 1.5),
    completion_tokens=either(10, -10),
    prompt_tokens_details=some(cached_tokens=JSON, cache_write_tokens=JSON) | JSON,
)
FINISH = either("stop", "length", "tool_calls", "content_filter", "error", None)
CHUNK = some(
    choices=st.lists(some(delta=DELTA | JSON, finish_reason=FINISH, message=DELTA), max_size=2) | JSON,
    usage=USAGE | JSON,
    error=JSON,
)
BLOCK = some(
    type=either("text", "tool_use", "thinking"),
    text=either("Hm."),
    id=either("toolu_1", ""),
    name=either("terminal"),
    input=either({}, {"a": 1}),
)
BLOCK_DELTA = some(
    type=either("text_delta", "input_json_delta", "thinking_delta", "signature_delta"),
    text=either("Hm."),
    partial_json=either('{"a":', "1}"),
    thinking=either("Hm."),
    signature=either("c2ln"),
    stop_reason=either("end_turn", "max_tokens", "tool_use", "refusal"),
)
KINDS = ("message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop")
COUNTED = some(input_tokens=either(10, -10), output_tokens=either(10), cache_read_input_tokens=JSON)
EVENT = some(
    type=either(*KINDS),
    index=either(0, 1),
    content_block=BLOCK | JSON,
    delta=BLOCK_DELTA | JSON,
    message=some(usage=COUNTED | JSON) | JSON,
    usage=COUNTED | JSON,
)


def holds(turn: Turn, history: Conversation) -> None:
    """A turn that can be recorded, and a history of it that a provider takes."""
    fact = turned(turn, 1)
    assert type(fact).model_validate_json(fact.model_dump_json()) == fact
    assert turn.usage is None or min(turn.usage.read, turn.usage.written, turn.usage.cached) >= 0
    history.learn([fact, *(Answer(call.id, ok=True, text="ok") for call in turn.calls)])
    spoken, *answers = json.loads(history.messages())[1:]
    if "tool_calls" in spoken:
        names = [call["id"] for call in spoken["tool_calls"]]
        assert [answer["tool_call_id"] for answer in answers] == names
    elif isinstance(spoken["content"], list):
        names = [block["id"] for block in spoken["content"] if block["type"] == "tool_use"]
        results = [block for answer in answers for block in answer["content"]]
        assert [result["tool_use_id"] for result in results] == names
        assert spoken["content"][-1]["type"] in ("text", "tool_use")
    else:
        names = []
    assert len(names) == len(set(names)) == len(turn.calls)
    assert all(isinstance(name, str) and name for name in names)


@given(st.lists(CHUNK, max_size=4))
def test_chat_completions(chunks: list[Any]) -> None:
    """Any chunks become a turn that can be kept and sent back, or a try that is made again."""

    async def stream() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    answer = Completion()
    try:
        with failures_as_ours(openai_sdk, "openai:a", answer.usage):
            asyncio.run(answer.read(stream(), silently))
            turn = answer.turn("openai:a", 1)
    except (Retry, Permanent):
        return
    holds(turn, openai._History("openai:a", Brief(text="x")))


@given(st.lists(EVENT, max_size=6))
def test_messages(events: list[Any]) -> None:
    """The same of Anthropic's events."""
    answer = anthropic._Answer()
    try:
        with failures_as_ours(anthropic_sdk, "anthropic:a", answer.usage):
            for event in [*events, {"type": "message_stop"}]:
                answer.take(event)
            turn = answer.turn("anthropic:a", 1)
    except (Retry, Permanent):
        return
    holds(turn, anthropic._History("anthropic:a", Brief(text="x")))


@pytest.mark.parametrize("name", ["openai:a", "anthropic:a"])
@pytest.mark.parametrize(
    "raw",
    [b"data: " + b"[" * 100_000 + b"\n\n", b"data: " + b"1" * 10_000 + b"\n\n", b"event: x\ndata: 1e999\n\n"],
    ids=["deep", "long number", "no number"],
)
async def test_json_that_no_parser_likes(server: ModelServer, name: str, raw: bytes) -> None:
    """What makes the parser itself give up is asked for again too."""
    server.script = [Reply(raw=raw), says("Good.")]
    async with talking(server, name) as model:
        assert (await model.turn(1)).words == "Good."
