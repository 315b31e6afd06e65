"""A model behind Anthropic's messages."""

import json

import pytest

from bot.errors import Permanent
from bot.events import UNREADABLE, Usage
from bot.models.base import Answer, Told
from tests.bot.models.talking import talk, talking, turned
from tests.fakes.models import ModelServer, Reply, calls, fails, says

MAKE = ("terminal", {"command": "make"})


async def test_a_conversation_is_sent_in_wire_form(server: ModelServer) -> None:
    """Turns alternate, results come first in theirs, and the model's own blocks come back as it sent them."""
    server.script = [calls(MAKE, MAKE, words="Let me see."), says("It works.")]
    async with talking(server, "anthropic:a") as model:
        turn = await model.turn(1)
        news = [turned(turn, 1), Told("Hurry", "Mel says: Hurry")]
        model.learn([*news, *(Answer(call.id, ok=False, text="no") for call in turn.calls)])
        last = await model.turn(2)
    assert last.words == "It works."
    one, two = server.requests
    assert (one["model"], one["system"], one["stream"]) == ("a", "You are @coder.", True)
    assert one["headers"]["authorization"] == "Bearer key"
    assert one["tools"][0]["input_schema"]["type"] == "object"
    first, spoken, answered = two["messages"]
    assert first == {"role": "user", "content": [{"type": "text", "text": "T-1: Fix it"}]}
    assert [block["type"] for block in spoken["content"]] == ["text", "tool_use", "tool_use"]
    assert [block["type"] for block in answered["content"]] == ["tool_result", "tool_result", "text"]
    results = answered["content"][:2]
    assert [block["tool_use_id"] for block in results] == [block["id"] for block in spoken["content"][1:]]
    assert all(block["is_error"] for block in results)


async def test_usage_counts_what_the_cache_gave(server: ModelServer) -> None:
    """All that was read counts, cached or not; the end of the stream has the last word."""
    server.script = [says("x", read=1_000, cached=600, written=50)]
    async with talking(server, "anthropic:a") as model:
        turn = await model.turn(1)
    assert turn.usage == Usage(read=1_000, cached=600, written=50, usd=0.0019)


async def test_broken_arguments_are_kept_as_text(server: ModelServer) -> None:
    """The turn stands, and goes back as an object."""
    server.script = [calls(("terminal", '{"command": ')), says("x")]
    async with talking(server, "anthropic:a") as model:
        first, _ = await talk(model, ["wrong"])
    assert first.calls[0].args == {UNREADABLE: '{"command": '}
    assert server.requests[1]["messages"][1]["content"][0]["input"] == {UNREADABLE: '{"command": '}


async def test_thoughts_go_back_as_they_came(server: ModelServer) -> None:
    """The provider wants its own thoughts back, signed, before the calls that came of them."""
    blocks = [
        ({"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", "Hm, "),
        (
            {"type": "tool_use", "id": "toolu_1", "name": "terminal", "input": {}},
            "input_json_delta",
            "partial_json",
            "{}",
        ),
    ]
    events: list[dict[str, object]] = [{"type": "message_start", "message": {"usage": {}}}]
    for index, (block, kind, name, text) in enumerate(blocks):
        delta = {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: text}}
        events += [{"type": "content_block_start", "index": index, "content_block": block}, delta]
    signature = {"type": "signature_delta", "signature": "c2ln"}
    events.append({"type": "content_block_delta", "index": 0, "delta": signature})
    events += [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]
    sent = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    server.script = [Reply(raw="".join(sent).encode()), says("x")]
    async with talking(server, "anthropic:a") as model:
        await talk(model, ["ok"])
    thought, used = server.requests[1]["messages"][1]["content"]
    assert thought == {"type": "thinking", "thinking": "Hm, ", "signature": "c2ln"}
    assert used == {"type": "tool_use", "id": "toolu_1", "name": "terminal", "input": {}}


@pytest.mark.parametrize(
    "reply", [says("A long answer", cut=True), Reply(raw=b"event: message_start\ndata: [\n\n"), fails(529)]
)
async def test_faults_are_asked_again(server: ModelServer, reply: Reply) -> None:
    """What broke off, garbage and an overload may pass."""
    server.script = [reply, says("Good.")]
    async with talking(server, "anthropic:a") as model:
        assert (await model.turn(1)).words == "Good."


async def test_a_refused_key_is_named(server: ModelServer) -> None:
    """The setting is that of this provider."""
    server.script = [fails(401)]
    async with talking(server, "anthropic:a") as model:
        with pytest.raises(Permanent, match="ANTHROPIC_API_KEY"):
            await model.turn(1)


async def test_a_cut_answer_says_so(server: ModelServer) -> None:
    """People are told that it is not the whole answer."""
    server.script = [says("Half an ans", finish="length")]
    async with talking(server, "anthropic:a") as model:
        assert "(The answer was cut off" in (await model.turn(1)).words
