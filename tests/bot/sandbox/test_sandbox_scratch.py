"""Bots that die or freeze in the middle of a run, and what the next one finds."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.sandbox import Handle, Sandbox, kill, pidfd, sweep

# A bot of its own: runs one command, tells who the sandbox is, and either lets it go or never does.
BOT = """
import asyncio, sys
from pathlib import Path
from bot.sandbox import Sandbox, owner_for_this_process

room, lets_go = Path(sys.argv[1]), sys.argv[2] == "yes"

async def on_start(handle):
    print(handle.pid, handle.started, flush=True)
    if not lets_go:
        await asyncio.sleep(100)

asyncio.run(Sandbox(room / "scratch", owner_for_this_process()).run(
    ["sh", "-c", "echo > up; echo > ran; sleep 100"], workspace=room / "ws", on_start=on_start))
"""


async def start_bot(room: Path, lets_go: str) -> tuple[Process, Handle]:
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BOT,
        room,
        lets_go,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert bot.stdout is not None
    pid, started = (await bot.stdout.readline()).split()
    return bot, Handle(int(pid), int(started))


def pipe(workspace: Path) -> Path:
    """A named pipe that the command opens when it is up."""
    os.mkfifo(workspace / "up")
    (workspace / "up").chmod(0o666)
    return workspace / "up"


def gone(handle: Handle) -> bool:
    """Whether the sandbox dies by itself within ten seconds."""
    try:
        process = pidfd.open_process(handle.pid)
    except ProcessLookupError:
        return True
    try:
        return pidfd.wait_dead(process, 10)
    finally:
        os.close(process)


@pytest.mark.usefixtures("sandbox")
async def test_a_killed_bot_takes_its_sandbox_along(
    room: Path, workspace: Path, scratch: Path, survivors: Callable[[], list[int]]
) -> None:
    """SIGKILL to the bot ends what runs inside; a sweep then removes the scratch folder."""
    up = pipe(workspace)
    bot, handle = await start_bot(room, "yes")
    await asyncio.to_thread(up.read_text)
    bot.kill()
    await bot.wait()
    assert await asyncio.to_thread(gone, handle)
    assert survivors() == []
    assert sweep(scratch) == 1
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("sandbox")
async def test_a_bot_killed_while_it_records_a_run_leaves_nothing_running(
    room: Path, workspace: Path, scratch: Path, survivors: Callable[[], list[int]]
) -> None:
    """The command was never let go, so it never runs; the sweep ends what waits there."""
    bot, _ = await start_bot(room, "no")
    bot.kill()
    await bot.wait()
    assert sweep(scratch) == 1
    assert survivors() == []
    assert not (workspace / "ran").exists()


@pytest.mark.usefixtures("sandbox")
async def test_a_frozen_bot_keeps_its_scratch_but_can_be_fenced(
    room: Path, workspace: Path, scratch: Path, survivors: Callable[[], list[int]]
) -> None:
    """A sweep leaves the folders of a stopped bot alone; `kill` ends its sandbox all the same."""
    up = pipe(workspace)
    bot, handle = await start_bot(room, "yes")
    await asyncio.to_thread(up.read_text)
    bot.send_signal(signal.SIGSTOP)
    try:
        assert sweep(scratch) == 0
        assert len(list(scratch.iterdir())) == 1
        assert await asyncio.to_thread(kill, handle)
        assert survivors() == []
    finally:
        bot.kill()
        await bot.wait()
    assert sweep(scratch) == 1


def test_a_sweep_deletes_hostile_leftovers(room: Path) -> None:
    """Links are not followed, shut folders are opened, and what is not a run's folder is left alone."""
    scratch, outside = room / "scratch", room / "outside"
    left = scratch / "run-left/tmp/shut"
    left.mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").touch()
    (left / "link").symlink_to(outside)
    (scratch / "run-link").symlink_to(outside)
    (scratch / "other").mkdir()
    left.chmod(0)
    assert sweep(scratch) == 1
    assert sorted(path.name for path in scratch.iterdir()) == ["other", "run-link"]
    assert (outside / "precious").exists()


def test_a_sweep_of_nothing_is_nothing(room: Path) -> None:
    """Before the first run there is no scratch folder."""
    assert sweep(room / "missing") == 0


async def test_a_sweep_beside_runs_takes_none_of_theirs(
    sandbox: Sandbox, workspace: Path, scratch: Path
) -> None:
    """Sweeping again and again while runs come and go disturbs none of them."""

    async def keep_sweeping() -> None:
        while True:
            await asyncio.to_thread(sweep, scratch)

    sweeping = asyncio.create_task(keep_sweeping())
    outcomes = [
        await sandbox.run(["sh", "-c", "echo x > /tmp/x && cat /tmp/x"], workspace=workspace)
        for _ in range(20)
    ]
    sweeping.cancel()
    assert {(outcome.exit_code, outcome.stdout) for outcome in outcomes} == {(0, "x\n")}
