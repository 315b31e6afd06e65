"""What a sandboxed command costs, and what metering a crowded workspace does.

Run by `legwork bench sandbox`, or by path. Each row names its floor or peer, measured in the same run.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Event
from typing import Any

from bot.sandbox import Sandbox, Session, owner_for_this_process, tree
from bot.sandbox.meters import Space, measure

RUNS = 200
SCANS = 20
FOLDERS, FILES_EACH = 200, 100
SANDBOX_GOAL = 25  # times a plain process
SCAN_GOAL_MS = 100


def rows() -> list[dict[str, Any]]:
    """One row a figure: `name`, `value`, `unit`, `peer` (what it is measured against) and `ratio` to it."""
    with tempfile.TemporaryDirectory(prefix="legwork-bench-") as folder:
        room = Path(folder)
        room.chmod(0o711)
        plain, sandboxed, opened, called = asyncio.run(_commands(room))
        scan = _scan(room / "crowded")
    return [
        {
            "name": "sandboxed `true`, median",
            "value": round(sandboxed, 2),
            "unit": "ms",
            "peer": f"plain asyncio subprocess, {plain:.2f} ms (goal: at most {SANDBOX_GOAL} times)",
            "ratio": round(sandboxed / plain, 1),
        },
        {
            "name": "opening a session, median",
            "value": round(opened, 2),
            "unit": "ms",
            "peer": f"a sandboxed `true`, {sandboxed:.2f} ms",
            "ratio": round(opened / sandboxed, 2),
        },
        {
            "name": "`true` in an open session, median",
            "value": round(called, 2),
            "unit": "ms",
            "peer": f"a sandboxed `true`, {sandboxed:.2f} ms",
            "ratio": round(called / sandboxed, 2),
        },
        {
            "name": f"metering {FOLDERS * FILES_EACH} files, median",
            "value": round(scan, 1),
            "unit": "ms",
            "peer": f"goal of {SCAN_GOAL_MS} ms",
            "ratio": round(scan / SCAN_GOAL_MS, 2),
        },
    ]


async def _commands(room: Path) -> tuple[float, ...]:
    """Median milliseconds, taken in turns so that load hits all.

    Returns:
        Those of a plain command, of a sandboxed one, of opening a session, and of a command in an open one.
    """
    workspace = room / "ws"
    workspace.mkdir()
    sandbox = Sandbox(room / "scratch", owner_for_this_process())

    async def plain() -> None:
        process = await asyncio.create_subprocess_exec("true", env={}, stdin=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0

    async def sandboxed() -> None:
        assert (await sandbox.run(["true"], workspace=workspace)).exit_code == 0

    async def opened() -> None:
        sessions.append(await sandbox.open(workspace))

    async def called() -> None:
        assert (await session.run(["true"])).exit_code == 0

    sessions: list[Session] = []
    session = await sandbox.open(workspace)
    await sandboxed()
    turns = []
    for _ in range(RUNS):
        turns.append([await _milliseconds(work) for work in (plain, sandboxed, opened, called)])
        await sessions.pop().close()
    await session.close()
    return tuple(statistics.median(taken) for taken in zip(*turns, strict=True))


async def _milliseconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def _scan(crowded: Path) -> float:
    for number in range(FOLDERS):
        (crowded / str(number)).mkdir(parents=True)
        for file in range(FILES_EACH):
            (crowded / str(number) / str(file)).touch()
    folder = os.open(crowded, tree.HANDLE)
    taken = []
    for _ in range(SCANS):
        began = time.perf_counter()
        assert measure(folder, Space(1 << 50, 1 << 30), Event()).inodes == FOLDERS * (FILES_EACH + 1)
        taken.append((time.perf_counter() - began) * 1000)
    os.close(folder)
    return statistics.median(taken)


def main() -> None:
    """Print the rows."""
    for row in rows():
        print(f"{row['name']}: {row['value']} {row['unit']}, {row['ratio']} x {row['peer']}")


if __name__ == "__main__":
    main()
