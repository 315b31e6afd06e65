"""Claims with a lease: one worker acts on a task, whatever dies or freezes."""

import asyncio
import dataclasses
import sys
from pathlib import Path

import pytest

from bot import stream
from bot.events import (
    AnyFact,
    Call,
    RunStarted,
    TaskFailed,
    TaskFinished,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from bot.work import runs
from bot.work.runs import LeaseLostError
from storage import database
from storage import runs as run_rows
from storage import tasks as task_rows
from storage.tables import Runs, Tasks, Workspaces
from tests.fakes.core import LEASE, NOON, Core, after, claimed, held

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


async def facts(core: Core, task_id: int) -> list[str]:
    assert core
    events = await database.run(lambda: stream.replay(Tasks.get_by_id(task_id).stream_id))
    return [event.fact.kind for event in events]


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
    assert await database.run(runs.renew, [claim], after(30)) == []
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
        lambda: runs.note_sandbox(old, "here", 7, 8, after(16)),
        lambda: runs.end(old, TaskFinished(summary="mine"), after(16)),
        lambda: runs.heard(old, 0),
        lambda: runs.park(old),
        lambda: runs.set_aside(old),
    ):
        with pytest.raises(LeaseLostError):
            await database.run(act)
    assert await database.run(runs.renew, [old, new], after(40)) == [old]
    await database.run(runs.give_back, old)
    await database.run(runs.let_go, old)
    assert await facts(core, task_id) == before
    assert await database.run(runs.holds, new)
    row = await database.run(lambda: Workspaces.get(Workspaces.name == new.workspace))
    assert row.held_by == new.run_id


async def test_an_end_is_recorded_with_all_that_led_to_it_or_not_at_all(core: Core) -> None:
    """Where somebody said something meanwhile, what is recorded is what the agent is to know instead."""
    task_id = await core.opens()
    claim = await held()
    heeded = len(await facts(core, task_id))
    await core.does(f"task say T-{task_id} In red", core.mel)
    finish, told = TaskFinished(summary="done"), WORDS.model_copy(update={"output": "not finished"})
    assert not await database.run(runs.end, claim, finish, NOON, heeded, [WORDS, WORDS], [told])
    assert await facts(core, task_id) == ["TaskOpened", "InstructionGiven", "ToolFinished"]
    assert await database.run(runs.end, claim, finish, NOON, heeded + 1, [WORDS], [told])
    assert (await facts(core, task_id))[-2:] == ["ToolFinished", "TaskFinished"]


async def test_many_claims_are_extended_together(core: Core) -> None:
    """However many: each that is lost is named, and none is extended by another's token."""
    for _ in range(run_rows.TOGETHER * 2 + 1):
        await core.opens()
    claims = [await held() for _ in range(run_rows.TOGETHER * 2 + 1)]
    assert await database.run(runs.lost, claims) == []
    cancelled, swapped, *others = claims
    await core.cancels(cancelled.task_id)
    foreign = dataclasses.replace(swapped, token=others[0].token[::-1])
    assert await database.run(runs.lost, [cancelled, foreign, *others]) == [cancelled, foreign]
    renewed = await database.run(runs.renew, [cancelled, foreign, *others], after(LATE) + LEASE)
    assert renewed == [cancelled, foreign]
    late = [await claimed("w2", after(LATE)) for _ in range(2)]
    assert [claim and claim.run_id for claim in late] == [swapped.run_id, None]


async def test_of_two_that_found_the_same_run_one_gets_it(core: Core) -> None:
    """What a worker found free it gets only if it still is: not taken over, nor renewed, in the meantime."""
    await core.opens()
    claim = await held("w1")

    def found() -> Runs:
        return run_rows.claimable(after(LATE), "here", 1)[0]

    def both() -> list[bool]:
        rows = [found(), found()]
        return [run_rows.claim(row, "w2", "here", after(LATE), after(40)) is not None for row in rows]

    def stale(row: Runs) -> bool:
        return run_rows.claim(row, "w3", "here", after(50), after(90)) is not None

    row = await database.run(found)
    await database.run(runs.renew, [claim], after(LATE) + LEASE)
    assert await database.run(run_rows.claim, row, "w2", "here", after(LATE), after(40)) is None
    await database.run(runs.renew, [claim], NOON + LEASE)
    assert await database.run(both) == [True, False]
    assert not await database.run(stale, row)


async def test_a_cancelled_run_is_over_for_its_worker(core: Core) -> None:
    """After a cancel the claim cannot be renewed, nothing more is recorded, and nobody can claim the run."""
    task_id = await core.opens()
    claim = await held()
    await core.cancels(task_id)
    assert not await database.run(runs.holds, claim)
    assert await database.run(runs.lost, [claim]) == await database.run(runs.renew, [claim], NOON) == [claim]
    for act in (
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
    begun: list[AnyFact] = [ToolStarted(step=1, call=CALL, does="make"), WORDS]
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
    again = [ToolStarted(step=2, call=second_call, does="make")]
    await database.run(runs.commit, third, again, after(40))
    fourth = await held("w4", after(40 + LATE))
    events = await database.run(runs.start, fourth, "runbook", after(60))
    assert [event.fact.kind for event in events[-2:]] == ["ToolInterrupted", "RunStarted"]


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
