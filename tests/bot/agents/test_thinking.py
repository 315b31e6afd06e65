"""Agents that think: from a task to its end, through a provider's protocol."""

import asyncio

import pytest
from pydantic import Field

from bot import stream
from bot.delivery import blocks
from bot.events import ArtifactSaved, ModelTurned, RunStarted, TaskFinished, WordsCame
from bot.permissions import Effect
from bot.reports import summary
from bot.tools.base import Arguments, Bench, Result
from bot.tools.shelf import SHELF
from storage import database, tasks
from tests.bot.agents.thinking import ended, facts, state, thinking, told
from tests.fakes.models import ModelServer, calls, fails, says
from tests.fakes.team import Team, until


def run(command: str) -> tuple[str, dict[str, str]]:
    return "terminal", {"command": command}


@pytest.mark.parametrize("model", ["openai:a", "anthropic:a"])
async def test_a_task_is_thought_through(desk: Team, server: ModelServer, model: str) -> None:
    """The model sees the task and the tools, and what its commands print; its last words are the result."""
    server.script = [
        calls(run("echo one > a; cat a"), words="I look."),
        calls(run("exit 3"), run("cat a")),
        says("There is *one*.", read=500, cached=400, written=20),
    ]
    async with thinking(desk, server, model):
        await desk.does("agent assign @coder Say what there is")
        shown = await ended(desk)
    assert (shown["state"], shown["outcome"]) == ("done", "There is *one*.")
    assert [step["output"] for step in shown["steps"]] == ["one\n", "", "one\n"]
    last = str(server.requests[2]["messages"])
    assert "T-1, asked by" in last
    assert "Say what there is" in last
    assert "[Exit code 3]" in last
    names = [tool.get("name") or tool["function"]["name"] for tool in server.requests[0]["tools"]]
    assert names == list(SHELF)
    turns = [fact for fact in await facts() if isinstance(fact, ModelTurned)]
    assert [turn.usage.read for turn in turns if turn.usage] == [100, 100, 500]
    assert {turn.model for turn in turns} == {model}


async def test_mistakes_are_told_to_the_model(desk: Team, server: ModelServer) -> None:
    """An unknown tool, wrong arguments and broken ones are answered with what is wrong; the task goes on."""
    server.script = [
        calls(
            ("rm", {}),
            ("terminal", {"cmd": "ls"}),
            ("terminal", '{"command": "ls'),
            ("terminal", '{"command": NaN}'),
        ),
        says("Sorry."),
    ]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        assert (await ended(desk))["state"] == "done"
    unknown, wrong, broken, nan = [text for role, text in told(server) if role == "tool"]
    assert unknown.startswith("There is no tool called rm. There is: terminal")
    assert "command: Field required" in wrong
    assert "cmd: Extra inputs are not permitted" in wrong
    assert broken == "The arguments of terminal cannot be read: they are to be one JSON object."
    assert "command: Input should be a valid string" in nan


class LookArguments(Arguments):
    """Arguments of `look`."""

    at: str = Field(min_length=1)


class Look:
    """Look at something, together with another one who looks."""

    name = "look"
    arguments = LookArguments
    default: Effect = "allow"

    def __init__(self) -> None:
        self.both = asyncio.Barrier(2)

    def does(self, args: LookArguments) -> str:
        """Where it looks."""
        return f"look at {args.at}"

    def subjects(self, args: LookArguments) -> tuple[str, ...]:
        """Where it looks."""
        return (args.at,)

    def from_text(self, text: str) -> LookArguments:
        """Where it is to look."""
        return LookArguments(at=text)

    def reads(self, args: LookArguments) -> bool:  # noqa: ARG002  all of them do
        """It changes nothing."""
        return True

    async def run(self, args: LookArguments, bench: Bench) -> Result:  # noqa: ARG002  it needs none
        """Wait for the other one."""
        await asyncio.wait_for(self.both.wait(), 10)
        return Result(ok=True, output=f"seen {args.at}")


async def test_calls_that_only_read_are_made_together(
    desk: Team, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that wait for each other both end; each answer goes to its own call."""
    monkeypatch.setitem(SHELF, "look", Look())
    server.script = [calls(("look", {"at": "a"}), ("look", {"at": "b"})), says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Look")
        shown = await ended(desk)
    assert sorted(step["output"] for step in shown["steps"]) == ["seen a", "seen b"]
    asked = server.requests[1]["messages"][2]["tool_calls"]
    answers = {m["tool_call_id"]: m["content"] for m in server.requests[1]["messages"] if m["role"] == "tool"}
    assert [answers[call["id"]] for call in asked] == ["seen a", "seen b"]


async def test_a_rule_about_one_of_them_holds(
    desk: Team, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one of several calls may not be made, they are made one by one, and that one is refused."""
    look = Look()
    look.both = asyncio.Barrier(1)
    monkeypatch.setitem(SHELF, "look", look)
    await desk.does("agent tools deny coder look b")
    server.script = [calls(("look", {"at": "a"}), ("look", {"at": "b"})), says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Look")
        shown = await ended(desk)
    assert [step["state"] for step in shown["steps"]] == ["ok", "refused"]


async def test_an_agent_that_repeats_itself_is_told_once_and_then_ended(
    desk: Team, server: ModelServer
) -> None:
    """Three times the same call with the same result: it is told; once more, and the task fails with that."""
    server.script = [calls(run("cat missing"))] * 10
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        shown = await ended(desk)
    assert shown["state"] == "failed"
    assert shown["outcome"].startswith("The agent made the same call 4 times with the same result")
    assert len(server.requests) == 4
    warnings = [text for _, text in told(server) if "the same call with the same result 3 times" in text]
    assert len(warnings) == 1


async def test_the_same_call_with_other_results_is_no_loop(desk: Team, server: ModelServer) -> None:
    """What changes, or is done again after something else, is work."""
    again = calls(run("date +%N"))
    other = calls(run("echo same"))
    server.script = [again] * 5 + [other, other, calls(run("true")), other, other, says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        assert (await ended(desk))["state"] == "done"


@pytest.mark.parametrize(
    ("budget", "changes", "why"),
    [
        ("2steps", {}, "The task took the 2 turns of its model that it may take."),
        ("", {"max_steps": 2}, "The task took the 2 turns of its model that it may take."),
        ("5steps", {"max_steps": 2}, "The task took the 2 turns of its model that it may take."),
        ("", {"max_tokens": 200}, "The task has used 220 tokens, and may use 200."),
        ("0.0003usd", {"model": "openai:gpt-5-mini"}, "The task has cost $0."),
        ("1usd", {}, "The task may cost $1.00, and nobody knows what openai:a costs."),
    ],
)
async def test_limits_end_a_task_with_a_sentence(
    desk: Team, server: ModelServer, budget: str, changes: dict[str, object], why: str
) -> None:
    """Whatever runs out is named, and what is allowed; no request comes after that."""
    server.script = [calls(run(f"echo {n}"), read=100, written=10) for n in range(9)]
    if "gpt" in str(changes):
        server.script = [calls(run(f"echo {n}"), read=400, written=100) for n in range(9)]
    option = f"--budget {budget} " if budget else ""
    async with thinking(desk, server, **{"model": "openai:a", **changes}):  # type: ignore[arg-type]  # any of them
        await desk.does(f"agent assign @coder {option}Try")
        shown = await ended(desk)
    assert shown["state"] == "failed"
    assert shown["outcome"].startswith(why)
    assert len(server.requests) <= 2


async def test_a_task_may_take_so_long(desk: Team, server: ModelServer) -> None:
    """The time of a budget ends a turn in mid-request too."""
    server.script = [says("Never", hang="head")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder --budget 1s Try")
        shown = await ended(desk)
        await server.comes_true(lambda: server.left == 1)
    assert shown["outcome"].startswith("The task was worked on for the 1 s that it may take.")


async def test_what_people_say_meanwhile_is_seen_by_the_next_turn(desk: Team, server: ModelServer) -> None:
    """It comes after the turn that did not know of it, with who says it and by which door."""
    server.script = [calls(run("echo a")), says("I am done.", hang="middle"), says("In red, then.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Paint it")
        await server.comes_true(lambda: len(server.requests) == 2)
        await desk.does("task say T-1 Make it red")
        server.gate.set()
        shown = await ended(desk)
    assert shown["outcome"] == "In red, then."
    spoken, said = told(server)[-2:]
    assert spoken == ("assistant", "I am done.")
    assert said == ("user", "operator, on the command line tells you:\n\nMake it red")


async def test_words_are_shown_while_they_come(desk: Team, server: ModelServer) -> None:
    """A turn that takes its time leaves what it says so far in the log, and is whole in the end."""
    server.script = [says("A long answer " * 20, hang="middle")]
    async with thinking(desk, server, model_words_seconds=0.01):
        await desk.does("agent assign @coder Talk")

        async def spoke() -> bool:
            return any(isinstance(fact, WordsCame) for fact in await facts())

        await desk.comes_true(spoke)
        events = await database.run(lambda: stream.replay(tasks.get(1).stream_id))
        assert "A long" in str(blocks.progress(summary.read("T-1", events)))
        server.gate.set()
        shown = await ended(desk)
    assert shown["outcome"].split() == ["A", "long", "answer"] * 20
    events = await database.run(lambda: stream.replay(tasks.get(1).stream_id))
    assert not summary.read("T-1", events).saying


async def test_a_cancel_ends_the_request(desk: Team, server: ModelServer) -> None:
    """The provider sees that nobody waits any more."""
    server.script = [says("Never", hang="middle")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        await server.comes_true(lambda: len(server.requests) == 1)
        await desk.does("task cancel T-1")
        await server.comes_true(lambda: server.left == 1)
    assert await state(desk) == "cancelled"


async def test_a_provider_that_refuses_ends_the_task_with_why(desk: Team, server: ModelServer) -> None:
    """A person reads what to mend."""
    server.script = [fails(401)]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        shown = await ended(desk)
    assert "openai:a: it refused the key: an admin can mend OPENAI_API_KEY." in shown["outcome"]


async def test_without_a_key_a_task_says_so(desk: Team, server: ModelServer) -> None:
    """Nothing is sent anywhere."""
    async with thinking(desk, server, openai_base_url=""):
        await desk.does("agent assign @coder Try")
        shown = await ended(desk)
    assert "it has no key: an admin can set OPENAI_API_KEY" in shown["outcome"]


async def test_what_is_said_while_it_finishes_is_heeded_first(desk: Team, server: ModelServer) -> None:
    """The call that would end the task says that it did not; files are handed over once, with the end."""
    write = "mkdir -p outbox; echo paint >> outbox/list; touch started; until [ -e go ]; do sleep 0.02; done"
    finish = ("finish", {"summary": "It is painted."})
    server.script = [calls(run(write), finish), calls(finish)]
    folder = desk.house.workspaces.path("t-1")
    async with thinking(desk, server):
        await desk.does("agent assign @coder Paint it")
        await until((folder / "started").exists)
        await desk.does("task say T-1 Make it red")
        (folder / "go").touch()
        shown = await ended(desk)
    assert (shown["state"], shown["outcome"]) == ("done", "It is painted.")
    _, unread, said = told(server)[-3:]
    assert unread[1].startswith("The task is not finished: people said something meanwhile")
    assert said == ("user", "operator, on the command line tells you:\n\nMake it red")
    known = await facts()
    handed_over = [fact for fact in known if isinstance(fact, ArtifactSaved) and fact.name == "list"]
    assert len(handed_over) == 1
    end = next(place for place, fact in enumerate(known) if isinstance(fact, TaskFinished))
    assert known.index(handed_over[0]) < end


async def test_a_reassigned_task_is_known_to_the_next_agent(desk: Team, server: ModelServer) -> None:
    """Another agent with another provider's model goes on with all that was done."""
    await desk.does("agent edit analyst --model anthropic:a")
    server.script = [calls(run("echo one"), words="I look."), says("Never", hang="head"), says("Mine.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        await server.comes_true(lambda: len(server.requests) == 2)
        await desk.does("task assign T-1 @analyst")
        shown = await ended(desk)
    assert shown["outcome"] == "Mine."
    assert "You are @analyst" in server.requests[-1]["system"]
    history = server.requests[-1]["messages"]
    assert history[1]["content"][0] == {"type": "text", "text": "I look."}
    assert history[2]["content"][0]["content"] == "one"


async def test_a_runbook_needs_no_model_where_there_is_one(desk: Team, server: ModelServer) -> None:
    """A provider that refuses everybody is not asked, though the worker and the agent have its models."""
    server.script = [fails(401)] * 9
    await desk.does("agent edit coder --model openai:b")
    async with thinking(desk, server):
        await desk.does("agent run workspace-report")
        shown = await ended(desk)
    assert shown["state"] == "done"
    assert [fact.model for fact in await facts() if isinstance(fact, RunStarted)] == ["runbook"]
    assert server.requests == []


async def test_the_log_has_the_whole_story(desk: Team, server: ModelServer) -> None:
    """Each step is a turn and its calls; the last turn stands before the end."""
    server.script = [calls(run("true")), says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        await ended(desk)
    kinds = [fact.kind for fact in await facts()]
    wanted = [
        "TaskOpened",
        "RunStarted",
        "ModelTurned",
        "ToolStarted",
        "ToolFinished",
        "ModelTurned",
        "TaskFinished",
    ]
    assert kinds[: len(wanted)] == wanted
