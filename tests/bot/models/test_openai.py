"""A model behind OpenAI's chat completions: what it is sent, and what is made of its answers."""

import json
from typing import Any

import pytest

from bot.errors import Permanent
from bot.events import UNREADABLE, Call, ModelTurned, Usage
from bot.models.base import Answer, Told
from tests.bot.models.talking import QUICK, roles, talk, talking, turned
from tests.fakes.models import ModelServer, Reply, calls, fails, says

MAKE = ("terminal", {"command": "make"})


async def test_a_conversation_is_sent_in_wire_form(server: ModelServer) -> None:
    """System, task, calls, answers and words stand in the history as the documentation has them."""
    server.script = [calls(MAKE, words="Let me see."), says("It works.")]
    async with talking(server) as model:
        first, last = await talk(model, ["ok"])
    assert [call.args for call in first.calls] == [{"command": "make"}]
    assert (first.words, last.words, last.calls) == ("Let me see.", "It works.", ())
    one, two = server.requests
    assert (one["model"], one["stream"]) == ("a", True)
    assert one["headers"]["authorization"] == "Bearer key"
    assert one["tools"][0]["function"]["name"] == "terminal"
    assert one["messages"] == [
        {"role": "system", "content": "You are @coder."},
        {"role": "user", "content": "T-1: Fix it"},
    ]
    spoken, answered = two["messages"][2:]
    assert spoken["content"] == "Let me see."
    assert spoken["tool_calls"][0]["function"] == {"name": "terminal", "arguments": '{"command":"make"}'}
    assert answered == {"role": "tool", "tool_call_id": spoken["tool_calls"][0]["id"], "content": "ok"}


async def test_a_history_only_grows(server: ModelServer) -> None:
    """Each request begins with the messages of the one before, unchanged, so that caches hit."""
    server.script = [calls(MAKE), calls(MAKE, MAKE), says("Done.")]
    async with talking(server) as model:
        await talk(model, ["one", "two"])
    one, two, three = (request["messages"] for request in server.requests)
    assert two[: len(one)] == one
    assert three[: len(two)] == two
    assert roles(server.requests[2])[2:] == ["assistant", "tool", "assistant", "tool", "tool"]


async def test_calls_are_named_by_step_and_place(server: ModelServer) -> None:
    """Names are ours, so that a server that numbers its calls anew each turn confuses nobody."""
    server.script = [calls(MAKE, MAKE), calls(MAKE)]
    async with talking(server) as model:
        first, second = await talk(model, ["x"])
    assert [call.id for call in (*first.calls, *second.calls)] == ["1.1", "1.2", "2.1"]


async def test_what_people_say_comes_as_a_user(server: ModelServer) -> None:
    """An instruction is a message of its own."""
    server.script = [calls(MAKE), says("Done.")]
    async with talking(server) as model:
        turn = await model.turn(1)
        model.learn([turned(turn, 1), Answer("1.1", ok=True), Told("Hurry", "Mel says: Hurry")])
        await model.turn(2)
    assert server.requests[1]["messages"][-1] == {"role": "user", "content": "Mel says: Hurry"}


async def test_a_new_model_that_learns_the_same_sends_the_same(server: ModelServer) -> None:
    """Whoever takes a run over sends the very bytes that the worker before would have sent."""
    server.script = [calls(MAKE, words="é"), says("One."), says("Two.")]
    async with talking(server) as model:
        turn = await model.turn(1)
        news = [turned(turn, 1), Answer("1.1", ok=False, text="no", exit_code=2), Told("x", "x")]
        model.learn(news)
        await model.turn(2)
    async with talking(server) as another:
        another.learn(news)
        await another.turn(2)
    assert server.requests[1]["messages"] == server.requests[2]["messages"]
    assert server.requests[1]["messages"][-2]["content"] == "no\n[Exit code 2]"


async def test_a_call_that_was_never_answered_is_closed(server: ModelServer) -> None:
    """Providers refuse calls without answers, so there is always one."""
    server.script = [calls(MAKE, MAKE), says("Done.")]
    async with talking(server) as model:
        turn = await model.turn(1)
        model.learn([turned(turn, 1), Answer("1.2", ok=False, interrupted=True)])
        await model.turn(2)
    answers = {m["tool_call_id"]: m["content"] for m in server.requests[1]["messages"] if m["role"] == "tool"}
    interrupted, unknown = answers.values()
    assert interrupted.startswith("[Interrupted")
    assert unknown.startswith("Nothing is known")


@pytest.mark.parametrize(
    "given",
    ['{"command": "make"', "not json", "[1]", '"x"', "null", "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60],
    ids=["cut", "words", "list", "string", "null", "endless", "deep"],
)
async def test_arguments_that_are_no_object_are_kept_as_text(server: ModelServer, given: str) -> None:
    """The turn stands, the loop can answer it, and the next request holds arguments that are JSON."""
    server.script = [calls(("terminal", given)), says("Sorry.")]
    async with talking(server) as model:
        first, _ = await talk(model, ["wrong"])
    assert first.calls[0].args == {UNREADABLE: given}
    sent = server.requests[1]["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {UNREADABLE: given}


@pytest.mark.parametrize(
    ("given", "harmless"),
    [
        ('{"n": NaN}', {"n": None}),
        ('{"n": [1e999, -Infinity]}', {"n": [None, None]}),
        (r'{"s": "a\ud800b"}', {"s": "a\ufffdb"}),
        (r'{"\udfff": 1}', {"\ufffd": 1}),
        (r'{"s": "\ud83d\ude00"}', {"s": "\U0001f600"}),
        ("", {}),
    ],
)
async def test_what_json_cannot_hold_is_made_harmless(
    server: ModelServer, given: str, harmless: dict[str, Any]
) -> None:
    """No number that is none, and no half of a surrogate pair, gets into events or requests."""
    server.script = [calls(("terminal", given)), says("x")]
    async with talking(server) as model:
        first, _ = await talk(model, ["x"])
    assert first.calls[0].args == harmless
    turned(first, 1).model_dump_json()


async def test_usage_is_priced(server: ModelServer) -> None:
    """Tokens come from the answer; the money from the table, cached tokens at their own price."""
    server.script = [says("x", read=1_000, cached=600, written=50)]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert turn.usage == Usage(read=1_000, cached=600, written=50, usd=0.0019)


async def test_a_model_without_a_price_has_unknown_costs(server: ModelServer) -> None:
    """No price is no zero."""
    server.script = [says("x")]
    async with talking(server, "openai:unknown") as model:
        turn = await model.turn(1)
    assert turn.usage == Usage(read=100, written=10, usd=None)


async def test_words_are_heard_while_they_come(server: ModelServer) -> None:
    """Whoever listens hears the words grow."""
    heard: list[str] = []

    async def hear(pieces: Any) -> None:
        heard.append("".join(pieces))

    server.script = [says("One two three four five six.")]
    async with talking(server) as model:
        await model.turn(1, hear)
    assert heard[0] == "One two thre"
    assert heard[-1] == "One two three four five six."


async def test_a_server_that_does_not_stream_is_understood(server: ModelServer) -> None:
    """Some servers answer at once whatever they are asked for."""
    server.script = [calls(MAKE, whole=True, words="Hm.")]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert (turn.words, turn.calls) == ("Hm.", (Call(id="1.1", tool="terminal", args={"command": "make"}),))


async def test_calls_without_an_index_stay_apart(server: ModelServer) -> None:
    """Servers that leave the index out send each call whole; two of them are two."""
    function = {"name": "terminal", "arguments": '{"command":"a"}'}
    pieces = [{"id": name, "function": function} for name in ("x", "y")]
    chunks = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    server.script = [Reply(raw=b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks))]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert len(turn.calls) == 2


async def test_names_that_repeat_are_told_apart(server: ModelServer) -> None:
    """Calls of one turn under one name, or none, get names of their own on the wire."""
    function = {"name": "terminal", "arguments": "{}"}
    pieces = [{"index": index, "id": name, "function": function} for index, name in enumerate(("x", "x", ""))]
    chunk = {"choices": [{"delta": {"tool_calls": pieces}, "finish_reason": "tool_calls"}]}
    server.script = [Reply(raw=b"data: " + json.dumps(chunk).encode() + b"\n\n"), says("x")]
    async with talking(server) as model:
        await talk(model, ["ok"])
    answers = [m["tool_call_id"] for m in server.requests[1]["messages"] if m["role"] == "tool"]
    assert len(set(answers)) == 3
    assert answers[0] == "x"


async def test_a_tool_that_cannot_be_named_goes_back_as_unknown(server: ModelServer) -> None:
    """A name that a model made up is told to the loop as it is, and to the provider as it accepts it."""
    server.script = [calls(("rm -rf /", {})), says("x")]
    async with talking(server) as model:
        first, _ = await talk(model, ["no"])
    assert first.calls[0].tool == "rm -rf /"
    assert server.requests[1]["messages"][2]["tool_calls"][0]["function"]["name"] == "unknown"


@pytest.mark.parametrize(
    ("reply", "words", "gave_up"),
    [
        (says("Half an ans", finish="length"), "Half an ans\n\n(The answer was cut off", False),
        (says("", finish="content_filter"), "The provider's filter", True),
    ],
)
async def test_an_answer_that_was_stopped_says_so(
    server: ModelServer, reply: Reply, words: str, *, gave_up: bool
) -> None:
    """People are told that it is not the whole answer."""
    server.script = [reply]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert turn.words.startswith(words)
    assert turn.gave_up is gave_up


async def test_another_providers_turns_are_projected(server: ModelServer) -> None:
    """What another model said and called stands in this one's form."""
    server.script = [says("x")]
    call = Call(id="4.1", tool="terminal", args={"command": "make"})
    theirs = ModelTurned(step=4, words="Hm.", calls=(call,), model="anthropic:b", wire={"role": "assistant"})
    async with talking(server) as model:
        model.learn([theirs, Answer("4.1", ok=True, text="ok")])
        await model.turn(5)
    spoken, answered = server.requests[0]["messages"][2:]
    assert (spoken["role"], spoken["content"]) == ("assistant", "Hm.")
    assert spoken["tool_calls"][0]["function"] == {"name": "terminal", "arguments": '{"command":"make"}'}
    assert answered["tool_call_id"] == spoken["tool_calls"][0]["id"]


async def test_a_server_that_cannot_count_is_not_asked_to(server: ModelServer) -> None:
    """One that refuses the word for it is asked without, from then on."""
    refusal = fails(422, "body.stream_options: Extra inputs are not permitted")
    server.script = [refusal, calls(MAKE), says("Done.")]
    async with talking(server) as model:
        await talk(model, ["ok"])
    assert ["stream_options" in request for request in server.requests] == [True, False, False]


async def test_a_model_that_never_stops_is_stopped(server: ModelServer) -> None:
    """A million characters are no answer."""
    chunk = {"choices": [{"delta": {"content": "again and again " * 1_000}}]}
    server.script = [Reply(raw=(b"data: " + json.dumps(chunk).encode() + b"\n\n") * 100), says("Good.")]
    async with talking(server) as model:
        assert (await model.turn(1)).words == "Good."


GARBAGE = {
    "html": Reply(raw=b"<html>busy</html>"),
    "broken": Reply(raw=b"data: {\n\n"),
    "list": Reply(raw=b"data: [1]\n\n"),
    "null": Reply(raw=b'data: {"choices":[null]}\n\ndata: [DONE]\n\n'),
    "types": Reply(raw=b'data: {"choices":[{"delta":{"tool_calls":[5]}}]}\n\n'),
    "bytes": Reply(raw=b"data: \xff\xfe\n\n"),
    "nothing": Reply(raw=b""),
    "cut": says("A long answer that never ends", cut=True),
    "error": Reply(raw=b'data: {"error":{"message":"overloaded"}}\n\n'),
}


@pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_asked_for_again(server: ModelServer, reply: Reply) -> None:
    """What cannot be read, or broke off, leaves no trace: the turn is asked for again."""
    server.script = [reply, says("Good.")]
    async with talking(server) as model:
        turn = await model.turn(1)
    assert turn.words == "Good."
    assert server.requests[0]["messages"] == server.requests[1]["messages"]


@pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_without_end_is_a_sentence(server: ModelServer, reply: Reply) -> None:
    """After as many tries as are allowed it is given up, and that is said."""
    server.script = [reply] * 3
    async with talking(server) as model:
        with pytest.raises(
            Permanent, match=r"No model could go on\. openai:a: it was asked 3 times, and in the"
        ):
            await model.turn(1)


async def test_the_context_can_be_too_long(server: ModelServer) -> None:
    """Said in words, and not asked for again."""
    server.script = [fails(400, "maximum context length is 10", code="context_length_exceeded")]
    async with talking(server, patience=QUICK) as model:
        with pytest.raises(Permanent, match=r"longer than it can read\. Assign what is left as a new task"):
            await model.turn(1)
    assert len(server.requests) == 1
