"""Each limit ends a run that passes it and is named; neighbours of the corpus's bombs, at low limits."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.events import Ending
from bot.sandbox import Limits, Sandbox, meters

MIB = 1 << 20
SMALL = Limits(timeout_s=20, memory_bytes=200 * MIB, disk_bytes=32 * MIB, inodes=2000, processes=64)

UNLINKED = """
import os, time
held = []
for number in range(20):
    held.append(open(f"{PLACE}/f{number}", "wb")); os.unlink(f"{PLACE}/f{number}")
    held[-1].write(bytes(4 << 20)); held[-1].flush()
time.sleep(20)
"""
MAPPED = """
import mmap, os, time
held = []
for number in range(20):
    with open(f"f{number}", "w+b") as file:
        file.truncate(4 << 20)
        held.append(mmap.mmap(file.fileno(), 0)); held[-1][:] = bytes(4 << 20)
    os.unlink(f"f{number}")
    os.closerange(3, 100)
time.sleep(20)
"""
IN_MEMORY_FILE = """
import os, time
held = [os.memfd_create("x") for _ in range(20)]
for number in held: os.write(number, bytes(20 << 20))
time.sleep(20)
"""
HOPPING = """
import os, time
if os.fork(): time.sleep(20)
hog = bytearray(300 << 20)
while True:
    if os.fork(): os._exit(0)
"""
THREADS = """
import threading, time
for _ in range(70):
    try: threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    except RuntimeError: pass
time.sleep(20)
"""
UNDUMPABLE = """
import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
hog = bytearray(300 << 20)
time.sleep(20)
"""
DEEP = """
import os
for _ in range(3000):
    os.mkdir("n"); os.chdir("n")
"""
BOMBS: dict[str, tuple[str, Ending]] = {
    "memory-of-one": ("hog = bytearray(300 << 20); import time; time.sleep(20)", "memory"),
    "memory-of-one-that-forks-on": (HOPPING, "memory"),
    "memory-of-one-that-shuts-itself-off": (UNDUMPABLE, "memory"),
    "memory-in-a-file-without-a-disk": (IN_MEMORY_FILE, "memory"),
    "threads": (THREADS, "processes"),
    "disk-unlinked-but-open": (UNLINKED.replace("{PLACE}", "/workspace"), "disk"),
    "disk-unlinked-in-tmp": (UNLINKED.replace("{PLACE}", "/tmp"), "disk"),
    "disk-unlinked-but-mapped": (MAPPED, "disk"),
    "inodes-deep": (DEEP, "inodes"),
    "inodes-in-shm": ("for n in range(3000): open(f'/dev/shm/{n}', 'w')", "inodes"),
    "inodes-of-links": ("import os; open('f', 'w')\nfor n in range(3000): os.link('f', str(n))", "inodes"),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_ends_by_its_limit(bomb: str, sandbox: Sandbox, workspace: Path, scratch: Path) -> None:
    """However the resource is taken, the run ends soon, names the limit, and its scratch is gone."""
    code, limit = BOMBS[bomb]
    outcome = await sandbox.run(["python3", "-c", code], workspace=workspace, limits=SMALL)
    assert outcome.ended_by == limit, outcome
    assert outcome.wall_s < 10
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_between_calls_ends_its_session(
    bomb: str, sandbox: Sandbox, workspace: Path, scratch: Path, survivors: Callable[[], list[int]]
) -> None:
    """What was left running is measured while no call is under way; the session knows what ended it."""
    code, limit = BOMBS[bomb]
    session = await sandbox.open(workspace, SMALL)
    try:
        await session.run(["bash", "-c", 'python3 -c "$0" > /dev/null 2>&1 &', code])
        async with asyncio.timeout(10):
            while session.alive:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
        assert session.ended_by == limit
    finally:
        await session.close()
    assert survivors() == []
    assert list(scratch.iterdir()) == []


async def test_the_deadline_ends_a_run(sandbox: Sandbox, workspace: Path) -> None:
    """What was printed until then is kept; there is no exit code."""
    outcome = await sandbox.run(
        ["bash", "-c", "trap '' TERM; echo before; sleep 100"],
        workspace=workspace,
        limits=Limits(timeout_s=0.3),
    )
    assert (outcome.ended_by, outcome.exit_code, outcome.stdout) == ("timeout", None, "before\n")
    assert 0.3 <= outcome.wall_s < 2


async def test_a_flood_of_output_ends_a_run(sandbox: Sandbox, workspace: Path) -> None:
    """Both streams count; the beginning and the end of each are kept, within bounds."""
    limits = Limits(output_bytes=2 * MIB, kept_output_bytes=1000)
    script = "yes out | head -c 1000000; yes err >&2"
    outcome = await sandbox.run(["sh", "-c", script], workspace=workspace, limits=limits)
    assert outcome.ended_by == "output"
    for printed, line in ((outcome.stdout, "out\n"), (outcome.stderr, "err\n")):
        assert printed.startswith(line * 2)
        assert "bytes dropped" in printed
        assert len(printed) < 1100


async def test_output_below_the_limit_is_only_shortened(sandbox: Sandbox, workspace: Path) -> None:
    """A long log ends nothing: head and tail are kept and the command's own end is told."""
    limits = Limits(kept_output_bytes=100)
    outcome = await sandbox.run(["seq", "100000"], workspace=workspace, limits=limits)
    assert (outcome.exit_code, outcome.ended_by) == (0, None)
    assert outcome.stdout.startswith("1\n2\n3\n")
    assert outcome.stdout.endswith("99999\n100000\n")


async def test_memory_that_a_fork_shares_counts_once(sandbox: Sandbox, workspace: Path) -> None:
    """Workers forked from a large process share its pages: that is one process's memory, not five."""
    code = """
import os, time
data = bytearray(100 << 20)
for _ in range(4):
    if os.fork() == 0: time.sleep(1); os._exit(0)
time.sleep(1)
print("done")
"""
    outcome = await sandbox.run(["python3", "-c", code], workspace=workspace, limits=SMALL)
    assert (outcome.ended_by, outcome.stdout) == (None, "done\n")
    assert outcome.peak_processes == 5
    assert 100 * MIB < outcome.peak_rss_bytes < 200 * MIB


async def test_a_full_workspace_can_be_cleared_up(sandbox: Sandbox, workspace: Path) -> None:
    """A run that ended by disk must not lock its workspace: the next may remove things, but not add."""
    fill = ["sh", "-c", "for n in $(seq 20); do head -c 10000000 /dev/zero > $n; done; sleep 20"]
    assert (await sandbox.run(fill, workspace=workspace, limits=SMALL)).ended_by == "disk"
    more = ["sh", "-c", "for n in $(seq 9); do head -c 30000000 /dev/zero > more$n; done; sleep 20"]
    assert (await sandbox.run(more, workspace=workspace, limits=SMALL)).ended_by == "disk"
    clear = ["sh", "-c", "sleep 0.3; rm *; sleep 0.3; ls"]
    cleared = await sandbox.run(clear, workspace=workspace, limits=SMALL)
    assert (cleared.ended_by, cleared.stdout) == (None, "")


async def test_a_quick_writer_is_caught_when_it_ends(sandbox: Sandbox, workspace: Path) -> None:
    """A command that is done before any look still names the limit it passed."""
    outcome = await sandbox.run(
        ["sh", "-c", "head -c 20000000 /dev/zero | tee a b >/dev/null"], workspace=workspace, limits=SMALL
    )
    assert outcome.ended_by == "disk"


async def test_limits_hold_for_each_of_many(sandbox: Sandbox, make_workspace: Callable[[str], Path]) -> None:
    """A greedy run beside a modest one ends alone."""
    bomb = BOMBS["memory-of-one"][0]
    greedy, modest = await asyncio.gather(
        sandbox.run(["python3", "-c", bomb], workspace=make_workspace("greedy"), limits=SMALL),
        sandbox.run(["sleep", "1"], workspace=make_workspace("modest"), limits=SMALL),
    )
    assert (greedy.ended_by, modest.ended_by, modest.exit_code) == ("memory", None, 0)


async def test_a_pipe_that_breaks_ends_quietly(sandbox: Sandbox, workspace: Path) -> None:
    """Signals are as a shell expects them: `yes | head` says nothing of a broken pipe."""
    outcome = await sandbox.run(["bash", "-c", "yes | head -1"], workspace=workspace)
    assert (outcome.stdout, outcome.stderr) == ("y\n", "")


async def test_a_file_beyond_the_limit_fails_like_a_full_disk(sandbox: Sandbox, workspace: Path) -> None:
    """The writing program hears of it and goes on; it is not killed."""
    code = """
try:
    with open("big", "wb") as file:
        while True: file.write(bytes(1 << 20))
except OSError as fault:
    print(fault.strerror)
"""
    began = time.monotonic()
    outcome = await sandbox.run(["python3", "-c", code], workspace=workspace, limits=SMALL)
    assert (outcome.exit_code, outcome.stdout) == (0, "File too large\n")
    assert time.monotonic() - began < 10


async def test_the_deadline_of_a_call_ends_its_session(sandbox: Sandbox, workspace: Path) -> None:
    """Each call has its own time; when it is over, everything dies that runs with it."""
    session = await sandbox.open(workspace, SMALL)
    try:
        await session.run(["bash", "-c", "sleep 100 &"], timeout_s=1)
        outcome = await session.run(["bash", "-c", "echo before; sleep 100"], timeout_s=0.3)
        assert (outcome.ended_by, outcome.exit_code, outcome.stdout) == ("timeout", None, "before\n")
        assert 0.3 <= outcome.wall_s < 5
        assert not session.alive
        late = await session.run(["true"])
        assert (late.ended_by, late.exit_code) == ("timeout", None)
    finally:
        await session.close()


async def test_output_in_the_background_counts(sandbox: Sandbox, workspace: Path) -> None:
    """A flood between calls is bounded, and ends the session; what many calls print is not added up."""
    limits = Limits(timeout_s=20, output_bytes=MIB, kept_output_bytes=1000)
    session = await sandbox.open(workspace, limits)
    try:
        for _ in range(3):
            assert (await session.run(["head", "-c", "500000", "/dev/zero"])).ended_by is None
        await session.run(["bash", "-c", "yes flood &"])
        async with asyncio.timeout(10):
            while session.alive:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
        assert session.ended_by == "output"
        assert len(session.printed_meanwhile()) < 1100
    finally:
        await session.close()


async def test_a_quick_writer_is_caught_when_its_call_ends(sandbox: Sandbox, workspace: Path) -> None:
    """A call that is done before any look still names the limit it passed; the next session may clear up."""
    session = await sandbox.open(workspace, SMALL)
    try:
        outcome = await session.run(["sh", "-c", "head -c 20000000 /dev/zero | tee a b >/dev/null"])
        assert outcome.ended_by == "disk"
    finally:
        await session.close()
    session = await sandbox.open(workspace, SMALL)
    try:
        assert (await session.run(["sh", "-c", "sleep 0.3; rm a b; sleep 0.3; ls"])).ended_by is None
        again = await session.run(["sh", "-c", "head -c 20000000 /dev/zero | tee a b >/dev/null; sleep 20"])
        assert again.ended_by == "disk"
    finally:
        await session.close()


async def test_the_peaks_of_a_call_are_its_own(sandbox: Sandbox, workspace: Path) -> None:
    """Neither what an earlier call used nor the session's own first program shows in a later one."""
    session = await sandbox.open(workspace, SMALL)
    try:
        hog = "import time; hog = bytearray(100 << 20); time.sleep(0.5)"
        greedy = await session.run(["python3", "-c", hog])
        modest = await session.run(["bash", "-c", "sleep 0.3 & sleep 0.3"])
        assert 100 * MIB < greedy.peak_rss_bytes < 200 * MIB
        assert 0 < modest.peak_rss_bytes < 20 * MIB
        assert (greedy.peak_processes, modest.peak_processes) == (1, 3)
    finally:
        await session.close()


async def test_the_meters_rest_while_nothing_runs(
    sandbox: Sandbox, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle session costs nothing; with the next call, and with what that leaves running, they are back."""
    looks = 0

    def count(crowd: Callable[[meters.Proc], meters.Crowd]) -> Callable[[meters.Proc], meters.Crowd]:
        def counted(proc: meters.Proc) -> meters.Crowd:
            nonlocal looks
            looks += 1
            return crowd(proc)

        return counted

    monkeypatch.setattr(meters.Proc, "crowd", count(meters.Proc.crowd))
    session = await sandbox.open(workspace, SMALL)
    try:
        await session.run(["bash", "-c", "(sleep 0.3 &)"])
        async with asyncio.timeout(20):
            while session.background:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
        before = looks
        await asyncio.sleep(0.5)
        assert looks <= before + 1
        await session.run(["sleep", "0.3"])
        assert looks >= before + 3
    finally:
        await session.close()
