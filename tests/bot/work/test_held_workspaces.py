"""What a claimed run holds beside its task: the workspace, and the sandbox it left running."""

from datetime import timedelta

from bot.events import TaskFinished, ToolFinished
from bot.work import runs
from bot.work.runs import LeftOver
from storage import database, workspaces
from storage import runs as run_rows
from storage import tasks as task_rows
from storage.tables import Runs, Tasks
from tests.fakes.core import LEASE, NOON, Core, after, claimed, held

WORDS = ToolFinished(step=1, call_id="1", ok=True, output="made")
LATE = LEASE.total_seconds() + 0.000001


async def sharing(core: Core) -> tuple[int, int]:
    """Two tasks that work in one workspace."""
    first, second = await core.opens(), await core.opens()
    await database.run(
        lambda: (
            Tasks.update(workspace=Tasks.get_by_id(first).workspace_id).where(Tasks.id == second).execute()
        )
    )
    return first, second


async def test_a_workspace_is_worked_in_by_one(core: Core) -> None:
    """While one run has the workspace the other stays queued; then it has its turn."""
    _, second = await sharing(core)
    claim = await held("w1")
    assert await claimed("w2") is None
    assert (await database.run(task_rows.get, second)).state == "queued"
    other = await core.opens()
    passed = await held("w2")
    assert passed.task_id == other
    await database.run(runs.end, claim, TaskFinished(summary=""), NOON)
    assert (await held("w2")).task_id == second


async def test_a_cancelled_run_holds_the_workspace_until_its_sandbox_is_dead(core: Core) -> None:
    """A cancel frees the workspace only when the worker let go of it."""
    first, second = await sharing(core)
    claim = await held("w1")
    await core.cancels(first)
    assert await claimed("w2") is None
    await database.run(runs.let_go, claim)
    assert (await held("w2")).task_id == second


async def test_a_cancelled_run_of_a_dead_worker_holds_for_its_lease(core: Core) -> None:
    """Where nobody lets go, the lease of the cancelled run does."""
    first, second = await sharing(core)
    await held("w1")
    await core.cancels(first)
    assert await claimed("w2", after(15)) is None
    assert (await held("w2", after(LATE))).task_id == second


async def test_an_expired_run_keeps_its_workspace(core: Core) -> None:
    """A run that waits for its takeover has the workspace to itself: another task may not come between."""
    first, second = await sharing(core)
    await held("w1")
    assert await claimed("w2", after(1000), task_id=second) is None
    assert (await held("w2", after(1000))).task_id == first


async def test_what_was_given_back_is_free_at_once(core: Core) -> None:
    """A worker that goes lets others claim its run without waiting for the lease, its workspace with it."""
    first, second = await sharing(core)
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 7, 8, NOON)
    await database.run(runs.give_back, claim)
    assert not await database.run(runs.holds, claim)
    assert await claimed("w2", task_id=second) is None
    again = await claimed("w2", host="elsewhere")
    assert again is not None
    assert (again.task_id, again.attempt, again.left_over) == (first, 1, None)


async def test_a_run_cancelled_after_it_was_given_back_holds_nothing(core: Core) -> None:
    """A run that nobody works on leaves its workspace when it is cancelled."""
    first, second = await sharing(core)
    await database.run(runs.give_back, await held("w1"))
    await core.cancels(first)
    assert (await held("w2")).task_id == second


async def test_a_cancelled_run_that_is_given_back_frees_the_workspace(core: Core) -> None:
    """A worker that goes after the cancel frees what the run held."""
    first, second = await sharing(core)
    claim = await held("w1")
    await core.cancels(first)
    await database.run(runs.give_back, claim)
    assert (await held("w2")).task_id == second


async def test_a_left_over_sandbox_comes_with_the_takeover(core: Core) -> None:
    """Whoever takes over is told of the sandbox to end, again and again until it is known to be dead."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await database.run(runs.renew, [claim], NOON + LEASE)
    assert (await held("w2", after(LATE))).left_over == LeftOver(4711, 99)
    third = await held("w3", after(LATE * 2))
    assert third.left_over == LeftOver(4711, 99)
    await database.run(runs.start, third, "runbook", after(LATE * 2))
    await database.run(runs.forget_sandbox, third, 4711, 99)
    assert (await held("w4", after(LATE * 4))).left_over is None


async def test_a_sandbox_stays_noted_until_it_is_dead(core: Core) -> None:
    """It lives between calls: neither a commit nor the death of another one strikes it out."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await database.run(runs.commit, claim, [WORDS], NOON)
    await database.run(runs.forget_sandbox, claim, 4711, 98)
    row = await database.run(Runs.get_by_id, claim.run_id)
    assert (row.sandbox_host, row.sandbox_pid, row.sandbox_started) == ("here", 4711, 99)
    await database.run(runs.forget_sandbox, claim, 4711, 99)
    row = await database.run(Runs.get_by_id, claim.run_id)
    assert (row.sandbox_host, row.sandbox_pid, row.sandbox_started) == (None, None, None)


async def test_a_parked_run_keeps_its_sandbox_noted(core: Core) -> None:
    """A worker that dies before it has seen to it leaves it to the next: there at once, elsewhere later."""
    task_id = await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await database.run(runs.park, claim)
    await database.run(run_rows.unpark, task_id)
    much_later = after(LATE + workspaces.ELSEWHERE.total_seconds() + 1)
    assert await claimed("w2", after(1), host="elsewhere") is None
    assert (await held("w2", after(1))).left_over == LeftOver(4711, 99)
    assert await claimed("w3", much_later, host="elsewhere") is not None


async def test_a_sandbox_is_ended_where_it_runs(core: Core) -> None:
    """A run whose sandbox may live on another machine is taken over there, and elsewhere only much later."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    much_later = NOON + LEASE + workspaces.ELSEWHERE
    assert await claimed("w2", much_later, host="elsewhere") is None
    found = await claimed("w2", after(LATE), host="here")
    assert found is not None
    assert found.left_over == LeftOver(4711, 99)
    moment = timedelta(microseconds=1)
    assert await claimed("w3", much_later + timedelta(seconds=LATE) + moment, host="elsewhere") is not None


async def test_a_note_extends_the_lease(core: Core) -> None:
    """To start a sandbox is a sign of life too."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, after(10))
    row = await database.run(Runs.get_by_id, claim.run_id)
    assert row.lease_until == after(10) + timedelta(seconds=15)


async def test_whoever_follows_in_a_workspace_ends_what_was_left_there(core: Core) -> None:
    """The sandbox of a cancelled run whose worker is gone is the next run's to end, be it of another task."""
    first, second = await sharing(core)
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await core.cancels(first)
    follower = await held("w2", after(LATE))
    assert (follower.task_id, follower.left_over) == (second, LeftOver(4711, 99))
    row = await database.run(lambda: Runs.get_by_id(follower.run_id))
    assert (row.sandbox_host, row.sandbox_pid) == ("here", 4711)  # for whoever takes over from this one


async def test_a_sandbox_out_of_reach_is_waited_for(core: Core) -> None:
    """What was left on another machine keeps the workspace until it must be dead."""
    first, second = await sharing(core)
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "elsewhere", 4711, 99, NOON)
    await core.cancels(first)
    assert await claimed("w2", after(LATE)) is None
    late = await held("w2", after(LATE + workspaces.ELSEWHERE.total_seconds() + 1))
    assert late.task_id == second
