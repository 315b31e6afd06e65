"""A task that rests: after the call that is under way, and until somebody lets it go on, with any worker."""

from bot.events import TaskPaused, TaskResumed, ToolFinished
from storage import database
from storage.tables import Runs
from tests.bot.agents.thinking import ended, facts, state, thinking
from tests.fakes.models import ModelServer, calls, says
from tests.fakes.team import Team, until

WAITS = ("terminal", {"command": "touch started; until [ -e go ]; do sleep 0.02; done; echo went"})
NEXT = ("terminal", {"command": "echo next"})


async def at_rest(team: Team) -> None:
    """Wait until no worker has the task."""

    async def free() -> bool:
        return await database.run(lambda: Runs.get(Runs.open).token is None)

    await team.comes_true(free)


async def test_a_paused_task_ends_its_call_and_no_more(desk: Team, server: ModelServer) -> None:
    """The call under way ends and is recorded; nothing else begins until the task is resumed."""
    server.script = [calls(WAITS, NEXT), says("Done.")]
    folder = desk.house.workspaces.path("t-1")
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        await until((folder / "started").exists)
        assert (await desk.does("task pause T-1")).ok
        (folder / "go").touch()
        await at_rest(desk)
        assert await state(desk) == "paused"
        assert sum(isinstance(fact, ToolFinished) for fact in await facts()) == 1
        assert len(server.requests) == 1
    async with thinking(desk, server):  # another worker
        await desk.does("task resume T-1")
        shown = await ended(desk)
    assert shown["state"] == "done"
    assert [step["output"] for step in shown["steps"]] == ["went\n", "next\n"]
    assert [step["attempts"] for step in shown["steps"]] == [1, 1]


async def test_a_task_that_is_paused_in_mid_request_keeps_the_turn(desk: Team, server: ModelServer) -> None:
    """What the model said is kept, its call waits, and the model is not asked for it again."""
    server.script = [calls(NEXT, words="I will.", hang="middle"), says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")
        await server.comes_true(lambda: len(server.requests) == 1)
        await desk.does("task pause T-1")
        server.gate.set()
        await at_rest(desk)
        assert len(server.requests) == 1
        await desk.does("task resume T-1")
        shown = await ended(desk)
    assert (shown["state"], len(server.requests)) == ("done", 2)


async def test_a_task_that_waits_for_a_worker_can_be_paused(desk: Team, server: ModelServer) -> None:
    """No worker takes it until it is resumed."""
    await desk.does("agent assign @coder Try")
    await desk.does("task pause T-1")
    await desk.does("agent assign @coder Another")
    async with thinking(desk, server):
        await ended(desk, 2)
        assert await state(desk) == "paused"
        await desk.does("task resume T-1")
        assert (await ended(desk))["state"] == "done"


async def test_an_answer_to_a_paused_task_counts_when_it_is_resumed(desk: Team, server: ModelServer) -> None:
    """A question can be answered meanwhile; the task goes on with that, and not before."""
    server.script = [calls(("ask", {"question": "Which?"})), says("The red one.")]
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")

        async def asked() -> bool:
            return await state(desk) == "waiting"

        await desk.comes_true(asked)
        await desk.does("task pause T-1")
        assert (await desk.does("task say T-1 red")).data["answered"]
        assert not (await desk.does("task say T-1 or blue")).data["answered"]
        assert await state(desk) == "paused"
        await desk.does("task resume T-1")
        shown = await ended(desk)
    assert shown["outcome"] == "The red one."
    assert "operator, on the command line, answers:\nred" in str(
        server.requests[-1]["messages"][3]["content"]
    )


async def test_a_task_that_waits_for_an_approval_waits_on(desk: Team, server: ModelServer) -> None:
    """Resumed without an answer it waits as before; an approval that was given meanwhile counts."""
    server.script = [calls(("terminal", {"command": "git push"})), says("Done.")]  # which is asked about
    async with thinking(desk, server):
        await desk.does("agent assign @coder Try")

        async def waits() -> bool:
            return await state(desk) == "waiting"

        await desk.comes_true(waits)
        await desk.does("task pause T-1")
        assert (await desk.does("task resume T-1")).data["state"] == "waiting"
        await desk.does("task pause T-1")
        assert (await desk.does("task approve A-1")).ok
        assert await state(desk) == "paused"
        assert (await desk.does("task resume T-1")).data["state"] == "queued"
        assert (await ended(desk))["state"] == "done"


async def test_pausing_has_its_sentences(desk: Team) -> None:
    """What cannot be paused or resumed says how it stands."""
    await desk.does("agent assign @coder Try")
    assert (await desk.does("task resume T-1")).text == "T-1 is not paused: it is queued."
    await desk.does("task pause T-1")
    assert "T-1 is paused already" in (await desk.does("task pause T-1")).text
    assert (await desk.does("task list")).data["tasks"][0]["state"] == "paused"
    await desk.does("task cancel T-1")
    assert (await desk.does("task pause T-1")).text == "T-1 is over: it is cancelled."
    kinds = [type(fact) for fact in await facts()]
    assert kinds.count(TaskPaused) == 1
    assert TaskResumed not in kinds


async def test_the_thread_shows_that_a_task_is_paused(team: Team) -> None:
    """The first message of the thread says so."""
    await team.does("agent pause coder")
    await team.assigned_in_slack("Try")
    await team.does("task pause T-1")
    await team.room.wait_for(lambda: team.threads() and "paused" in str(team.threads()[0][0].blocks), 20)
    assert (await team.does("task show T-1")).data["state"] == "paused"


async def test_a_paused_task_rests_on_with_another_agent(desk: Team, server: ModelServer) -> None:
    """Whoever gives it away is told so, and what lets it go on."""
    server.script = [says("Done.")]
    async with thinking(desk, server):
        await desk.does("agent pause coder")
        await desk.does("agent assign @coder Try")
        await desk.does("task pause T-1")
        given = await desk.does("task assign T-1 @analyst")
        assert given.text == "⏸️ @analyst has **T-1**, which is paused. Let it go on with: `task resume T-1`"
        assert await state(desk) == "paused"
        await desk.does("task resume T-1")
        assert (await ended(desk))["agent"] == "analyst"
