"""A sandbox of Landlock: how commands live and end in it, and when there is none."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.sandbox import Handle, Limits, Owner, Sandbox, SandboxUnavailable, kill, probe
from tests.fakes.landlock import without_landlock

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("up", "w").close()
        time.sleep(300)
    os._exit(0)
os.wait()
while not os.path.exists("up"):
    time.sleep(0.01)
"""
BOT = """
import asyncio, sys
from pathlib import Path
from bot.sandbox import Sandbox, owner_for_this_process
asyncio.run(Sandbox(Path(sys.argv[1]), owner_for_this_process(), kind="landlock").run(
    ["python3", "-c", sys.argv[3] + "time.sleep(300)"], workspace=Path(sys.argv[2])
))
"""


@pytest.fixture
def inhabitants(workspace: Path) -> Callable[[], list[int]]:
    """Finds the processes that work in the workspace."""

    def look() -> list[int]:
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    where = (path / "cwd").readlink()
                except OSError:
                    continue
                if where == workspace:
                    found.append(int(path.name))
        return found

    return look


async def until(met: Callable[[], object]) -> None:
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(0.01)


async def test_output_and_exit_code_come_back(landlocked: Sandbox, workspace: Path) -> None:
    """As from bubblewrap: both streams, the exit code, signals, programs that are missing."""
    outcome = await landlocked.run(["sh", "-c", "echo out; echo err >&2; exit 7"], workspace=workspace)
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == ("out\n", "err\n", 7)
    assert (await landlocked.run(["sh", "-c", "kill -9 $$"], workspace=workspace)).exit_code == 137
    assert (await landlocked.run(["no-such-program"], workspace=workspace)).exit_code == 127
    counted = await landlocked.run(["wc", "-c"], workspace=workspace, stdin=b"x" * 3_000_000)
    assert counted.stdout == "3000000\n"


async def test_modes_and_times_of_its_own_files_can_be_set(landlocked: Sandbox, workspace: Path) -> None:
    """Whatever programs do to them in the workspace and in the folder for temporary files."""
    script = """
import os, shutil, subprocess
for folder in (".", os.environ["TMPDIR"]):
    os.chdir(folder)
    open("f", "w").write("#!/bin/sh\\n")
    os.chmod("f", 0o755)
    subprocess.run(["./f"], check=True)
    os.symlink("f", "l")
    os.utime("l", ns=(1, 2), follow_symlinks=False)
    os.utime("f", (3, 4))
    opened = os.open("f", os.O_RDONLY)
    os.fchmod(opened, 0o711)
    os.utime(opened, (5, 6))
    os.chmod("f", 0o701, dir_fd=os.open(".", os.O_RDONLY))
    shutil.copy2("f", "copy")
    print(oct(os.stat("copy").st_mode), os.stat("copy").st_mtime, os.lstat("l").st_mtime_ns)
for name in ("missing", "", "f/f", "x" * 5000, "\\udcff"):
    try:
        os.chmod(name, 0o700)
    except OSError as fault:
        print(fault.strerror)
"""
    outcome = await landlocked.run(["/usr/bin/python3", "-c", script], workspace=workspace)
    assert outcome.stdout.splitlines() == [
        *["0o100701 6.0 2"] * 2,
        *("No such file or directory", "No such file or directory", "Not a directory"),
        *("File name too long", "No such file or directory"),
    ], outcome


async def test_ordinary_work_goes_on(landlocked: Sandbox, workspace: Path) -> None:
    """git, copies and archives keep what they keep elsewhere."""
    script = (
        "set -e; git init -q g; cd g; git config user.name x; git config user.email x@x; echo a > a;"
        " chmod +x a; git add a; git commit -qm m; cp -a a b; tar cf t.tar a; mkdir o; tar xf t.tar -C o;"
        " test -x b -a -x o/a; cat <(echo end)"
    )
    outcome = await landlocked.run(["bash", "-c", script], workspace=workspace)
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == ("end\n", "", 0)


async def test_scratch_is_in_tmpdir(landlocked: Sandbox, workspace: Path, scratch: Path) -> None:
    """Temporary files go to the run's own folder, are metered, and are gone with it."""
    script = "head -c 30M /dev/zero > $(mktemp); sleep 60"
    limits = Limits(disk_bytes=32 << 20, timeout_s=30)
    kept = await landlocked.run(["sh", "-c", "echo x > $(mktemp)"], workspace=workspace)
    assert kept.exit_code == 0
    outcome = await landlocked.run(
        ["sh", "-c", f"({script}) & ({script}) & wait"], workspace=workspace, limits=limits
    )
    assert outcome.ended_by == "disk"
    assert list(scratch.iterdir()) == []


async def test_what_a_command_left_running_ends_with_it(
    landlocked: Sandbox, workspace: Path, inhabitants: Callable[[], list[int]]
) -> None:
    """A daemon that is nobody's child and in a session of its own dies all the same."""
    outcome = await landlocked.run(["python3", "-c", DAEMON], workspace=workspace)
    assert outcome.exit_code == 0
    assert (workspace / "up").exists()
    assert inhabitants() == []


async def test_a_bomb_is_dead_when_its_run_is(
    landlocked: Sandbox, workspace: Path, inhabitants: Callable[[], list[int]]
) -> None:
    """No process forks faster than all are killed."""
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    limits = Limits(timeout_s=1.0, processes=64)
    outcome = await landlocked.run(["python3", "-c", bomb], workspace=workspace, limits=limits)
    assert outcome.ended_by in {"processes", "timeout"}
    assert inhabitants() == []


@pytest.mark.parametrize("way", ["by another worker", "inner guard", "outer guard", "cancelled"])
async def test_whoever_ends_it_ends_all(
    way: str, landlocked: Sandbox, workspace: Path, inhabitants: Callable[[], list[int]]
) -> None:
    """Whichever process of it is killed first, none is left."""
    told: list[Handle] = []

    async def tell(handle: Handle) -> None:
        told.append(handle)

    argv = ["python3", "-c", f"{DAEMON}time.sleep(300)"]
    run = asyncio.create_task(landlocked.run(argv, workspace=workspace, on_start=tell))
    await until((workspace / "up").exists)
    (handle,) = told
    assert len(inhabitants()) == 2
    match way:
        case "by another worker":
            assert await asyncio.to_thread(kill, handle)
            assert inhabitants() == []
        case "inner guard":
            os.kill(handle.pid, signal.SIGKILL)
        case "outer guard":
            os.kill(
                int(Path(f"/proc/{handle.pid}/stat").read_text().rpartition(")")[2].split()[1]),
                signal.SIGKILL,
            )
        case _:
            run.cancel()
    began = time.monotonic()
    await asyncio.wait({run})
    assert time.monotonic() - began < 10
    await until(lambda: not inhabitants())


async def test_it_dies_with_its_bot(
    scratch: Path, landlocked: Sandbox, workspace: Path, inhabitants: Callable[[], list[int]]
) -> None:
    """A bot that is killed leaves nothing running."""
    assert await landlocked.wall()
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", BOT, scratch, workspace, DAEMON)
    try:
        await until((workspace / "up").exists)
    finally:
        bot.kill()
        await bot.wait()
    await until(lambda: not inhabitants())


async def test_a_session_keeps_what_commands_leave_running(landlocked: Sandbox, workspace: Path) -> None:
    """As in bubblewrap, programs in the background live until the session ends."""
    session = await landlocked.open(workspace)
    try:
        assert not session.background
        await session.run(["sh", "-c", "(while [ ! -e stop ]; do sleep 0.01; done; echo seen > seen) &"])
        assert session.background
        outcome = await session.run(
            ["sh", "-c", "touch stop; while [ ! -e seen ]; do sleep 0.01; done; cat seen"]
        )
        assert outcome.stdout == "seen\n"
        # Here its first program can be killed from inside: the end of the session, and of nothing else.
        ended = await session.run(["sh", "-c", "kill -9 $PPID; sleep 60"])
        assert ended.exit_code == 137
        assert not session.alive
    finally:
        await session.close()


async def test_no_host_can_be_allowed(landlocked: Sandbox, workspace: Path) -> None:
    """There is no network to listen on; who wants one is told what to do."""
    with pytest.raises(SandboxUnavailable, match="--hosts none"):
        await landlocked.open(workspace, listen=True)


async def test_memory_is_metered(landlocked: Sandbox, workspace: Path) -> None:
    """All processes together, as far as the meters see them."""
    script = (
        "for i in 1 2 3 4; do python3 -c 'b = b\"x\" * (60 << 20); import time; time.sleep(60)' & done; wait"
    )
    limits = Limits(memory_bytes=128 << 20, timeout_s=30)
    outcome = await landlocked.run(["bash", "-c", script], workspace=workspace, limits=limits)
    assert outcome.ended_by == "memory"
    assert outcome.peak_processes >= 2


async def test_the_probe_says_what_it_lacks(landlocked: Sandbox, scratch: Path, owner: Owner | None) -> None:
    """It holds by a real run, and is never shown as the better one."""
    tier = await probe(scratch, owner, kind="landlock")
    assert (tier.name, tier.holds, tier.problems) == ("landlock", True, ())
    assert tier.version == (await landlocked.wall()).version
    assert "bombs" in tier.lacks


def test_a_kernel_without_it_is_refused() -> None:
    """Nothing is run, and the sentence says what kernel is needed, and what else could be done."""
    said = without_landlock(
        "from bot.sandbox import SandboxUnavailable, landlock, owner_for_this_process\n"
        "try: landlock.find(owner_for_this_process())\nexcept SandboxUnavailable as missing: print(missing)"
    )
    assert "no Landlock, or it is off" in said
    assert "Use Linux 6.12 or later" in said
    assert "use bubblewrap" in said
