"""Claims with a lease: one worker acts on a task, whatever dies or freezes."""

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import stream
from bot.events import (
    Call,
    RunStarted,
    TaskFailed,
    TaskFinished,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from bot.work import runs, tasks
from bot.work.runs import Claim, LeaseLostError, LeftOver
from storage import database
from storage import runs as run_rows
from storage import tasks as task_rows
from storage.tables import Runs, Tasks, Workspaces
from tests.fakes.core import CLI, LEASE, NOON, Core, after

REPOSITORY = Path(__file__).parents[3]
CALL = Call(id="1", tool="terminal", args={"command": "make"})
WORDS = ToolFinished(step=1, call_id="1", ok=True, output="made")
LATE = LEASE.total_seconds() + 0.000001

CLAIMING = """
import asyncio, sys
from datetime import timedelta
from bot.work import runs
from storage import database
from tests.fakes.core import LEASE, NOON

async def main():
    claimed = []
    while claim := await database.run(runs.claim, sys.argv[2], "here", LEASE, NOON):
        claimed.append(claim.task_id)
    print(*claimed)

database.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
database.close()
"""


async def claimed(
    worker: str = "w1", now: datetime = NOON, host: str = "here", task_id: int | None = None
) -> Claim | None:
    return await database.run(runs.claim, worker, host, LEASE, now, task_id)


async def held(worker: str = "w1", now: datetime = NOON) -> Claim:
    claim = await claimed(worker, now)
    assert claim is not None
    return claim


async def facts(core: Core, task_id: int) -> list[str]:
    assert core
    events = await database.run(lambda: stream.replay(Tasks.get_by_id(task_id).stream_id))
    return [event.fact.kind for event in events]


async def cancelled(core: Core, task_id: int, now: datetime = NOON) -> None:
    await database.run(lambda: tasks.cancel(tasks.find(tasks.key(task_id), core.mel, CLI), core.mel, now))


async def test_processes_share_the_work_and_no_task_twice(core: Core) -> None:
    """Workers that claim at once divide the tasks among them: each is claimed by exactly one."""
    numbers = [await core.opens() for _ in range(12)]
    pipe = asyncio.subprocess.PIPE
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CLAIMING,
            f"sqlite:///{core.path}",
            f"w{n}",
            cwd=REPOSITORY,
            stdin=pipe,
            stdout=pipe,
        )
        for n in range(2)
    ]
    for worker in workers:
        assert worker.stdout
        assert await worker.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(worker.communicate(b"\n") for worker in workers))
    assert sorted(int(number) for out, _ in answers for number in out.split()) == numbers
    assert await claimed("late") is None


async def test_a_claim_knows_its_task(core: Core) -> None:
    """What a worker needs of the task comes with the claim; the oldest task is first."""
    first = await core.opens("Say hello")
    await core.opens("later")
    claim = await held()
    assert (claim.task_id, claim.key, claim.text, claim.agent) == (first, f"T-{first}", "Say hello", "coder")
    assert (claim.workspace, claim.model, claim.attempt, claim.worker) == (f"t-{first}", "", 1, "w1")
    assert claim.left_over is None
    assert claim.lease == LEASE


async def test_one_task_can_be_asked_for(core: Core) -> None:
    """A worker that wants one task claims that one and no other."""
    await core.opens()
    second = await core.opens()
    claim = await claimed(task_id=second)
    assert claim is not None
    assert claim.task_id == second
    assert await claimed("w2", task_id=second) is None


async def test_a_claim_holds_until_its_lease_is_over(core: Core) -> None:
    """Nobody takes over a run whose lease is not over; a sign of life extends it."""
    await core.opens()
    claim = await held()
    assert await claimed("w2", after(15)) is None
    await database.run(runs.renew, claim, after(15))
    assert await claimed("w2", after(30)) is None
    await database.run(runs.commit, claim, [WORDS], after(30))
    assert await claimed("w2", after(45)) is None
    assert await claimed("w2", after(45.000001)) is not None


async def test_a_takeover_counts_and_has_a_token_of_its_own(core: Core) -> None:
    """An expired lease is taken over with the next attempt and a new token; the old one is worth nothing."""
    task_id = await core.opens()
    old = await held("w1")
    new = await held("w2", after(LATE))
    assert (new.run_id, new.attempt, new.worker) == (old.run_id, 2, "w2")
    assert new.token != old.token
    assert not await database.run(runs.holds, old)
    assert await database.run(runs.holds, new)
    before = await facts(core, task_id)
    for act in (
        lambda: runs.start(old, "runbook", after(16)),
        lambda: runs.commit(old, [WORDS], after(16)),
        lambda: runs.renew(old, after(16)),
        lambda: runs.note_sandbox(old, "here", 7, 8, after(16)),
        lambda: runs.end(old, TaskFinished(summary="mine"), after(16)),
    ):
        with pytest.raises(LeaseLostError):
            await database.run(act)
    await database.run(runs.give_back, old)
    await database.run(runs.let_go, old)
    assert await facts(core, task_id) == before
    assert await database.run(runs.holds, new)
    row = await database.run(lambda: Workspaces.get(Workspaces.name == new.workspace))
    assert row.held_by == new.run_id


async def test_two_takeovers_at_once(core: Core) -> None:
    """Of two that found the same expired run, one gets it."""
    await core.opens()
    await held("w1")

    def both() -> list[bool]:
        found = run_rows.claimable(after(LATE), "here", 5)
        again = run_rows.claimable(after(LATE), "here", 5)
        until = after(60)
        return [run_rows.claim(row, "w", after(LATE), until) is not None for row in (found[0], again[0])]

    assert await database.run(both) == [True, False]


async def test_a_cancelled_run_is_over_for_its_worker(core: Core) -> None:
    """After a cancel the claim cannot be renewed, nothing more is recorded, and nobody can claim the run."""
    task_id = await core.opens()
    claim = await held()
    await cancelled(core, task_id)
    assert not await database.run(runs.holds, claim)
    for act in (
        lambda: runs.renew(claim, NOON),
        lambda: runs.commit(claim, [WORDS], NOON),
        lambda: runs.end(claim, TaskFinished(summary="done anyway"), NOON),
    ):
        with pytest.raises(LeaseLostError):
            await database.run(act)
    assert await claimed("w2", after(1000)) is None
    assert await facts(core, task_id) == ["TaskOpened", "TaskCancelled"]
    assert (await database.run(task_rows.get, task_id)).state == "cancelled"


async def test_start_tells_what_never_ended(core: Core) -> None:
    """On takeover a call that began and never ended is recorded as interrupted, before the new start."""
    task_id = await core.opens()
    first = await held()
    events = await database.run(runs.start, first, "runbook", NOON)
    assert [event.fact.kind for event in events] == ["TaskOpened", "RunStarted"]
    assert (await database.run(task_rows.get, task_id)).state == "running"
    second_call = CALL.model_copy(update={"id": "2"})
    begun = [ToolStarted(step=1, call=CALL, does="make"), WORDS]
    await database.run(runs.commit, first, begun, NOON)
    await database.run(runs.commit, first, [ToolStarted(step=2, call=second_call, does="make")], NOON)
    second = await held("w2", after(LATE))
    events = await database.run(runs.start, second, "runbook", after(16))
    assert [event.fact for event in events[-2:]] == [
        ToolInterrupted(step=2, call_id="2"),
        RunStarted(attempt=2, worker="w2", model="runbook"),
    ]
    assert [event.seq for event in events] == list(range(1, 8))
    third = await held("w3", after(16 + LATE))
    events = await database.run(runs.start, third, "runbook", after(40))
    assert [event.fact.kind for event in events[-2:]] == ["RunStarted", "RunStarted"]


@pytest.mark.parametrize(
    ("fact", "state"),
    [(TaskFinished(summary="Done."), "done"), (TaskFailed(reason="No."), "failed")],
)
async def test_the_end_frees_everything(core: Core, fact: TaskFinished | TaskFailed, state: str) -> None:
    """A task that ended owes its report, holds no workspace, and is claimed no more."""
    task_id = await core.opens()
    claim = await held()
    await database.run(runs.start, claim, "runbook", NOON)
    await database.run(runs.end, claim, fact, after(9))
    task = await database.run(task_rows.get, task_id)
    assert (task.state, task.ended_at, task.report_due) == (state, after(9), True)
    assert await facts(core, task_id) == ["TaskOpened", "RunStarted", fact.kind]
    assert await database.run(lambda: [w.held_by for w in Workspaces.select()]) == [None]
    assert await claimed("w2", after(1000)) is None
    with pytest.raises(LeaseLostError):
        await database.run(runs.commit, claim, [WORDS], after(10))


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
    await cancelled(core, first)
    assert await claimed("w2") is None
    await database.run(runs.let_go, claim)
    assert (await held("w2")).task_id == second


async def test_a_cancelled_run_of_a_dead_worker_holds_for_its_lease(core: Core) -> None:
    """Where nobody lets go, the lease of the cancelled run does."""
    first, second = await sharing(core)
    await held("w1")
    await cancelled(core, first)
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
    assert (again.task_id, again.attempt, again.left_over) == (first, 2, None)


async def test_a_run_cancelled_after_it_was_given_back_holds_nothing(core: Core) -> None:
    """A run that nobody works on leaves its workspace when it is cancelled."""
    first, second = await sharing(core)
    await database.run(runs.give_back, await held("w1"))
    await cancelled(core, first)
    assert (await held("w2")).task_id == second


async def test_a_cancelled_run_that_is_given_back_frees_the_workspace(core: Core) -> None:
    """A worker that goes after the cancel frees what the run held."""
    first, second = await sharing(core)
    claim = await held("w1")
    await cancelled(core, first)
    await database.run(runs.give_back, claim)
    assert (await held("w2")).task_id == second


async def test_a_left_over_sandbox_comes_with_the_takeover(core: Core) -> None:
    """Whoever takes over is told of the sandbox to end, again and again until a commit proves it is over."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await database.run(runs.renew, claim, NOON)
    assert (await held("w2", after(LATE))).left_over == LeftOver(4711, 99)
    third = await held("w3", after(LATE * 2))
    assert third.left_over == LeftOver(4711, 99)
    await database.run(runs.start, third, "runbook", after(LATE * 2))
    assert (await held("w4", after(LATE * 4))).left_over is None


async def test_a_commit_says_that_no_sandbox_runs(core: Core) -> None:
    """What a call ends with is committed when its sandbox is dead."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    await database.run(runs.commit, claim, [WORDS], NOON)
    row = await database.run(Runs.get_by_id, claim.run_id)
    assert (row.sandbox_host, row.sandbox_pid, row.sandbox_started) == (None, None, None)


async def test_a_sandbox_is_ended_where_it_runs(core: Core) -> None:
    """A run whose sandbox may live on another machine is taken over there, and nowhere else."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, NOON)
    assert await claimed("w2", after(1000), host="elsewhere") is None
    found = await claimed("w2", after(1000), host="here")
    assert found is not None
    assert found.left_over == LeftOver(4711, 99)


async def test_a_note_extends_the_lease(core: Core) -> None:
    """To start a sandbox is a sign of life too."""
    await core.opens()
    claim = await held("w1")
    await database.run(runs.note_sandbox, claim, "here", 4711, 99, after(10))
    row = await database.run(Runs.get_by_id, claim.run_id)
    assert row.lease_until == after(10) + timedelta(seconds=15)
