"""How soon work begins: from a signed `/agent assign` to its first command in the sandbox, and to its result.

Legwork runs as an operator starts it, in one process. The command notes the time itself, inside the sandbox.
The floor is a sandboxed `true`, run in turns with the tasks.
"""

import asyncio
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _load import request
from _tools import Site, free_address, row, run, site

from bot.sandbox import Sandbox, owner_for_this_process

TASKS, WARM_UP = 50, 3
PEER = "a sandboxed `true`"
RESULT_S = 20.0
RUNBOOK = "Note the time\n```sh\necho $EPOCHREALTIME > began\n```"


@dataclass(frozen=True, slots=True)
class Times:
    """One task, in milliseconds since its command was sent, and a plain run in the sandbox next to it."""

    ack: float
    began: float
    result: float
    plain: float


def rows() -> list[dict[str, Any]]:
    """One row a figure: `name`, `value`, `unit`, `peer` (the floor) and `ratio` to it."""
    return run(_measure())


async def _measure() -> list[dict[str, Any]]:
    async with site() as place:
        home, address = place.home / "bot", free_address()
        await place.start("-m", "bot", "serve", home=home, address=address)
        workspace = place.home / "plain"
        workspace.mkdir()
        sandbox = Sandbox(place.home / "scratch", owner_for_this_process())
        seen = []
        for _ in range(WARM_UP + TASKS):
            ack, began, result = await _assign(place, address, home)
            before = time.perf_counter()
            await sandbox.run(["true"], workspace=workspace)
            seen.append(Times(ack, began, result, (time.perf_counter() - before) * 1000))
    del seen[:WARM_UP]
    return [
        *_figures("its ack", seen, lambda one: one.ack),
        *_figures("its first command", seen, lambda one: one.began),
        *_figures("its result in the thread", seen, lambda one: one.result),
    ]


def _figures(what: str, seen: list[Times], taken: Callable[[Times], float]) -> Iterator[dict[str, Any]]:
    """Median and 95th percentile, beside those of a plain run in the sandbox."""
    plain = [one.plain for one in seen]
    mine = [taken(one) for one in seen]
    for name, percent in (("median", 50), ("p95", 95)):
        ours, floor = (statistics.quantiles(figures, n=100)[percent - 1] for figures in (mine, plain))
        yield row(f"`/agent assign` to {what}, {name}", "ms", ours, PEER, floor)


async def _assign(place: Site, address: str, home: Path) -> tuple[float, float, float]:
    """One task; milliseconds to its ack, its first command and its result in the thread."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    signed = request(place.room.slack.signing_secret, 0, "/agent", f"assign @coder {RUNBOOK}")
    sent = time.time()
    writer.write(signed)
    answer = (await reader.readuntil(b"queued")).decode()
    acked = time.time()
    writer.close()
    found = re.search(r"\*(T-\d+)\*", answer)
    assert found, answer
    key = found[1]

    def told() -> bool:
        return any(_result_of(key, message.metadata) for message in reversed(place.room.slack.messages))

    await place.room.wait_for(told, RESULT_S)
    shown = time.time()
    began = float((home / "workspaces" / key.lower() / "began").read_text())
    return (acked - sent) * 1000, (began - sent) * 1000, (shown - sent) * 1000


def _result_of(key: str, metadata: dict[str, Any] | None) -> bool:
    payload = (metadata or {}).get("event_payload", {})
    return bool(payload.get("task") == key and payload.get("part") == "result")
