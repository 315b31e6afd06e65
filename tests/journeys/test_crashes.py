"""Processes die at any instant; work and messages are there once all the same."""

import email
from pathlib import Path

from storage import database
from storage.tables import Deliveries, Runs
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


async def test_a_worker_killed_in_mid_command_is_taken_over(desk: Team, start_worker: Start) -> None:
    """After kill -9 in step 2 another worker finishes: step 1 ran once, messages are there once."""
    task_id = await desk.assigned_in_slack(THREE_STEPS)
    first = await start_worker()
    await until((desk.workspace(task_id) / "started").exists)
    pid = await database.run(lambda: Runs.get(Runs.task == task_id).sandbox_pid)
    assert alive(pid)
    first.kill()
    await until(lambda: not alive(pid))
    (desk.workspace(task_id) / "go").touch()

    await start_worker()
    thread = await desk.thread_with_report()
    shown = await desk.does(f"task show T-{task_id}")
    assert shown.data["state"] == "done"
    assert [step["output"] for step in shown.data["steps"]] == ["", "", "first\nsecond\nsecond\n"]
    assert shown.data["steps"][1]["attempts"] == 2
    parts = [m.metadata.get("event_payload", {}).get("part") or m.files[0].name for m in thread]
    assert sorted(set(parts)) == sorted(parts)
    assert parts[0] == "root"
    assert parts[-2:] == ["result", f"T-{task_id}-report.pdf"]


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


async def test_a_post_that_went_out_before_the_crash_is_not_repeated(desk: Team, start_worker: Start) -> None:
    """Killed between a post and its commit, the root, the result and the file are found, not sent again."""
    slack = desk.room.slack
    for method in ("chat.postMessage", "chat.postMessage", "files.completeUploadExternal"):
        slack.fail(method, how="hang", acted=True)
    task_id = await desk.assigned_in_slack("Say hello\n```sh\necho hello\n```")
    for came in (
        lambda: len(slack.history("general")) == 1,
        lambda: len(desk.threads()[0]) == 2,
        lambda: len(desk.threads()[0]) == 3,
    ):
        victim = await start_worker()
        await desk.room.wait_for(came, 30)
        victim.kill()

    await start_worker(LEGWORK_LEASE_SECONDS="1")
    await delivered()
    (thread,) = desk.threads()
    assert len(thread) == 3
    assert thread[-1].files[0].name == f"T-{task_id}-report.pdf"


async def test_a_mail_that_may_have_gone_out_comes_again_under_the_same_id(
    desk: Team, start_worker: Start
) -> None:
    """Killed between a mail and its commit, the mail comes again with its Message-ID; that is recorded."""
    mailbox = desk.room.mailbox
    mailbox.fail("DATA", acted=True, hang=True)
    await desk.does("agent assign @coder --notify dana@example.org Say hello\n```sh\necho hello\n```")
    victim = await start_worker()
    await desk.room.wait_for(lambda: len(mailbox.letters) == 1, 30)
    victim.kill()
    await start_worker()
    await desk.room.wait_for(lambda: len(mailbox.letters) == 2, 30)
    ids = {email.message_from_bytes(letter.raw)["Message-ID"] for letter in mailbox.letters}
    assert len(ids) == 1
    await delivered()
    assert await database.run(lambda: Deliveries.get().maybe_twice)


async def delivered() -> None:
    """Wait until everything that was begun is settled."""
    while await database.run(lambda: Deliveries.select().where(Deliveries.state == "sending").count()):
        await until(lambda: True)
