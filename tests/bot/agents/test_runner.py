"""A worker at its limits: cancelled tasks, endless commands, no sandbox, workers that keep dying."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from bot import scheduler
from bot.agents.limits import Limits as TaskLimits
from bot.agents.loop import Manners
from bot.agents.runner import Rules, Runner
from bot.app.house import now
from bot.app.worker import worker
from bot.egress import Private
from bot.models.choice import Models
from bot.sandbox import Limits, Sandbox
from bot.stream import bell
from bot.work.approvals import Asking
from storage import database
from storage.tables import Runs, Workspaces
from tests.fakes.team import PATIENCE_S, Team, until

WAIT = "Wait\n```sh\ntouch started; sleep 600\n```"


async def running(team: Team, task_id: int = 1) -> int:
    """Wait until the task's command is under way; the sandbox's process."""
    await until((team.house.workspaces.path(f"t-{task_id}") / "started").exists)
    pid = await database.run(lambda: Runs.get(Runs.task == task_id).sandbox_pid)
    assert pid
    return int(pid)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_cancel_ends_a_running_command_within_a_second(team: Team) -> None:
    """After `/task cancel` the sandbox is dead within a second, the thread says so, the workspace is free."""
    await team.types(f"/agent assign @coder {WAIT}")
    pid = await running(team)
    answer = await team.types("/task cancel T-1")
    assert "*T-1* is cancelled." in answer.json()["text"]
    await until(lambda: gone(pid), timeout_s=1)
    thread = await team.thread_with_report()
    assert "T-1 is cancelled" in thread[-2].text
    assert "interrupted" in str((await team.does("task show T-1")).data["steps"])
    assert await database.run(lambda: Workspaces.get().held_by) is None


async def test_cancel_by_another_process_is_seen_by_the_worker(desk: Team, start_worker: object) -> None:
    """A cancel that the worker's process was not told of ends its command all the same."""
    await desk.types(f"/agent assign @coder {WAIT}")
    await start_worker()  # type: ignore[operator]  # a fixture that makes workers
    pid = await running(desk)
    await desk.types("/task cancel T-1")
    await until(lambda: gone(pid), timeout_s=2)
    assert (await desk.does("task show T-1")).data["state"] == "cancelled"


async def test_a_task_that_waits_can_be_cancelled(desk: Team) -> None:
    """A task that no worker has claimed is cancelled at once, and never runs."""
    await desk.types(f"/agent assign @coder {WAIT}")
    await desk.types("/task cancel T-1")
    async with worker(desk.house):
        await desk.thread_with_report()
    assert not (desk.house.workspaces.path("t-1") / "started").exists()


async def test_a_command_that_takes_too_long_is_ended_and_named(desk: Team) -> None:
    """The limit that ended a command is what the task says, and no other task is disturbed."""
    async with limited(desk, Limits(timeout_s=0.5)):
        await desk.types(f"/agent assign @coder {WAIT}")
        await desk.types("/agent assign @coder Hello\n```sh\necho hello\n```")
        await until_ended(desk, 1)
        await until_ended(desk, 2)
    assert "took longer than it may" in (await desk.does("task show T-1")).data["outcome"]
    assert (await desk.does("task show T-2")).data["state"] == "done"


async def test_what_a_step_leaves_running_ends_with_the_task(team: Team) -> None:
    """The next step finds it running, in the sandbox that the row names; when the task is over it is dead."""
    await team.types(
        "/agent assign @coder Go on\n```sh\nsleep 600 > /dev/null & echo $! > left\n```\n"
        "```sh\nkill -0 $(cat left) && echo runs; touch started; until [ -e go ]; do sleep 0.02; done\n```"
    )
    pid = await running(team)
    (team.house.workspaces.path("t-1") / "go").touch()
    await team.thread_with_report()
    shown = await team.does("task show T-1")
    assert [step["output"] for step in shown.data["steps"]] == ["", "runs\n"]
    assert gone(pid)
    assert await database.run(lambda: (Runs.get().sandbox_pid, Workspaces.get().held_by)) == (None, None)


async def test_without_a_sandbox_nothing_is_run(desk: Team) -> None:
    """No bubblewrap: the task fails with what is missing and how to mend it; the command never ran."""
    async with limited(
        desk, Limits(), Sandbox(desk.house.settings.home, desk.house.owner, bwrap=Path("/nowhere/bwrap"))
    ):
        await desk.types("/agent assign @coder Hello\n```sh\ntouch ran\n```")
        await until_ended(desk, 1)
    shown = await desk.does("task show T-1")
    assert shown.data["state"] == "failed"
    assert "bubblewrap" in shown.data["outcome"]
    assert not (desk.house.workspaces.path("t-1") / "ran").exists()


async def test_a_task_that_kills_its_workers_is_given_up(desk: Team) -> None:
    """After as many takeovers as are allowed the task fails, and says why."""
    await desk.types("/agent assign @coder Hello\n```sh\necho hello\n```")
    await database.run(lambda: Runs.update(attempt=3).execute())
    async with limited(desk, Limits()):
        await until_ended(desk, 1)
    assert "The worker died 3 times" in (await desk.does("task show T-1")).data["outcome"]


async def test_a_disk_that_is_full_in_mid_run_delays_the_task_and_loses_nothing(team: Team) -> None:
    """While the database cannot grow, the worker waits with what it has to commit; then the task goes on."""

    def limit(pages: int) -> None:
        database.proxy.execute_sql(f"PRAGMA max_page_count = {pages}")

    await team.types(
        "/agent assign @coder Wait\n```sh\ntouch started; until [ -e go ]; do sleep 0.02; done; seq 9000\n```"
    )
    await running(team)
    with capture_logs() as logs:
        await database.run(lambda: limit(1))
        (team.house.workspaces.path("t-1") / "go").touch()
        await until(lambda: any("disk is full" in entry.get("why", "") for entry in logs))
    await database.run(lambda: limit(1_000_000))
    await team.thread_with_report()
    shown = await team.does("task show T-1")
    assert shown.data["state"] == "done"
    assert shown.data["steps"][0]["output"].endswith("9000\n")
    assert shown.data["steps"][0]["attempts"] == 1


async def test_a_task_waits_for_its_workspace(desk: Team) -> None:
    """While another run holds the workspace, the task stays queued; when it is free, it runs."""
    await desk.types("/agent assign @coder Hello\n```sh\necho hello\n```")
    await database.run(lambda: Workspaces.update(held_by=99).execute())
    async with limited(desk, Limits()):
        assert (await desk.does("task show T-1")).data["state"] == "queued"
        await database.run(lambda: Workspaces.update(held_by=None).execute())
        await until_ended(desk, 1)


@contextlib.asynccontextmanager
async def limited(team: Team, limits: Limits, box: Sandbox | None = None) -> AsyncIterator[None]:
    """A runner with these limits, and nothing else of a worker."""
    asking = Asking(timedelta(hours=4))
    rules = Rules(
        max_runs=4,
        max_attempts=3,
        manners=Manners(TaskLimits(50), asking),
        models=Models(),
        model="runbook",
        lease=timedelta(seconds=5),
        limits=limits,
        private=Private(),
    )
    runner = Runner(rules, box or team.house.box, team.house.workspaces, team.house.artifacts, now)
    ticking = scheduler.start(0.05, asking, now)
    driving = asyncio.create_task(runner.drive())
    yield
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    ticking.shutdown(wait=False)


async def until_ended(team: Team, task_id: int) -> None:
    """Wait until a task is over."""
    heard = 0
    async with asyncio.timeout(PATIENCE_S):
        while (await team.does(f"task show T-{task_id}")).data["ended_at"] is None:
            heard = await bell.wait(heard)
