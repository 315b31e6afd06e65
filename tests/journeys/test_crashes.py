"""A worker that is stopped in order leaves nothing behind; for those that are killed see the kill points."""

from pathlib import Path

from storage import database
from storage.tables import Runs
from tests.fakes.team import Start, Team, until

THREE_STEPS = """Survive
```sh
echo first >> log
```
```sh
echo second >> log; touch started; until [ -e go ]; do sleep 0.05; done
```
```sh
cat log
```"""


def alive(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_worker_that_is_stopped_lets_others_go_on_at_once(desk: Team, start_worker: Start) -> None:
    """After SIGTERM no lease has to run out: the claim is given back, and the sandbox is dead."""
    task_id = await desk.assigned_in_slack(THREE_STEPS)
    first = await start_worker(LEGWORK_LEASE_SECONDS="300")
    await until((desk.workspace(task_id) / "started").exists)
    pid = await database.run(lambda: Runs.get(Runs.task == task_id).sandbox_pid)
    assert await first.stop() == 0
    assert not alive(pid)
    (desk.workspace(task_id) / "go").touch()

    await start_worker()
    await desk.thread_with_report()
    assert (await desk.does(f"task show T-{task_id}")).data["state"] == "done"
