"""What the engine adds to a step: a no-op tool, a model server on loopback, and every step committed.

The peer is a bare httpx loop over the same server in the same run, which commits nothing.
"""

import asyncio
import contextlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from _agents import house, steps
from _tools import row, run

FOLDER = Path(__file__).parent
STEPS, LONG, ROUNDS = 100, 400, 3
WAITING = 1_000
KB, MB = 2_000, 1_000_000
MOST_OVERHEAD, MOST_GROWTH, MOST_GROWTH_2KB, MOST_MB = 5.0, 1.5, 5.0, 600.0
BARE = "a bare httpx loop"


def rows() -> list[dict[str, Any]]:
    """One row a figure: `name`, `value`, `unit`, `peer`, `ratio` to it and `goal`."""
    return run(_measure())


async def _measure() -> list[dict[str, Any]]:
    async with _server() as url:
        ours, theirs = [], []
        async with house() as place:
            await steps(place, url, 5)  # imports, connections, prepared statements
            for _ in range(ROUNDS):
                theirs += await _bare(url, STEPS)
                ours += await steps(place, url, STEPS)
            empty = await steps(place, url, LONG)
            long = await steps(place, url, LONG, "x" * KB)
        waiting = await _waiting(url)
    mine, bare = (statistics.median(one) * 1000 for one in (ours, theirs))
    return [
        row(f"a step of {STEPS}, all of them committed, median", "ms", mine, BARE, bare, MOST_OVERHEAD),
        _growth("with empty outputs", empty, MOST_GROWTH),
        _growth("with outputs of 2 kB", long, MOST_GROWTH_2KB),
        row(
            f"memory of {WAITING:,} tasks that wait for a model", "MB", waiting / MB, "the goal", MOST_MB, 1.0
        ),
    ]


def _growth(how: str, taken: list[float], goal: float) -> dict[str, Any]:
    """The last steps of many beside the first ones."""
    last, first = (statistics.median(part) * 1000 for part in (taken[-15:], taken[3:15]))
    return row(f"the last 15 of {LONG} steps {how}", "ms", last, "steps 4 to 15", first, goal)


async def _bare(url: str, count: int) -> list[float]:
    """A loop as one would write it in a minute."""
    function = {
        "name": "nothing",
        "parameters": {"type": "object", "properties": {"number": {"type": "integer"}}},
    }
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Do nothing"}]
    at: list[float] = []
    async with httpx.AsyncClient() as client:
        while len(at) <= count:
            body = {
                "model": "bench",
                "messages": messages,
                "tools": [{"type": "function", "function": function}],
            }
            answer = await client.post(f"{url}/chat/completions", json=body)
            message = answer.json()["choices"][0]["message"]
            messages.append(message)
            for call in message["tool_calls"]:
                json.loads(call["function"]["arguments"])
                at.append(time.perf_counter())
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": ""})
    return [after - before for before, after in itertools.pairwise(at)]


async def _waiting(url: str) -> float:
    """Bytes that many waiting tasks take in a worker of their own."""
    environment = {"PYTHONPATH": f"{FOLDER}:{FOLDER.parent}"}
    program = (sys.executable, str(FOLDER / "_agents.py"), url, str(WAITING))
    process = await asyncio.create_subprocess_exec(*program, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return float(json.loads(out)["bytes"])


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[str]:
    """The model server; its base URL."""
    program = (sys.executable, str(FOLDER / "_model.py"))
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/v1"
    finally:
        process.terminate()
        await process.wait()
