"""How soon a signed `/task list` is answered, next to Bolt as it comes with a handler that does nothing.

Eight people ask at once, over keep-alive connections, again and again, from a process of their own. Legwork
runs as an operator starts it: in one process, and as web and worker; its database holds 200 tasks. Rounds
with the peer take turns with rounds with Legwork, so that whatever else the machine does hits both.

The busy rounds are played while two agents run commands, reports of some 50 pages are drawn one after the
other, and the threads are kept up to date.
"""

import asyncio
import contextlib
import shutil
import statistics
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from _tools import FOLDER, Site, free_address, row, run, site

from bot import people
from bot.actors import Door, Origin
from bot.app.house import now, opened
from bot.events import Call, ModelTurned, TaskFinished, ToolFinished, ToolStarted
from bot.work import runs as work
from bot.work import tasks as life
from bot.work.tasks import Order
from config.settings import given
from storage import database, subscriptions, tasks
from storage.tables import Streams, Tasks

CLIENTS = 8
TASKS, STEPS = 200, 4
LONG_TASKS, LONG_STEPS, LONG_LINES = 12, 80, 32  # the report of one such task has about 50 pages
PEER_REQUESTS, REQUESTS, WARM_UP = 400, 800, 80
ROUNDS, BUSY_ROUNDS = 4, 3
P50_GOAL, P99_GOAL = 0.3, 1.5
AGENTS, COMMANDS = 2, 190
STARTED_S = 20.0
LEASE = timedelta(minutes=1)
# Most come quickly one after the other; every fourth takes the processor for a while.
RUNBOOK = (
    "ls -la > listing",
    "seq 300",
    "sha256sum listing",
    "python3 -c 'sum(i * i for i in range(3_000_000))'",
)


@dataclass
class Seen:
    """What clients saw of one server."""

    taken: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, round_: dict[str, Any]) -> None:
        """One more round."""
        self.taken += round_["taken"]
        self.seconds += round_["seconds"]

    def percentile(self, n: int) -> float:
        """The n-th percentile in milliseconds."""
        return statistics.quantiles(self.taken, n=100)[n - 1] * 1000

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.taken) / self.seconds


def rows() -> list[dict[str, Any]]:
    """One row a figure: `name`, `value`, `unit`, `peer`, `ratio` to the peer, and the `goal` of the ratio."""
    return run(_measure())


async def _measure() -> list[dict[str, Any]]:
    async with site() as place:
        one, two = place.home / "one", place.home / "two"
        async with opened(given(LEGWORK_HOME=one)):
            await database.run(_furnish)
        shutil.copytree(one, two)
        peer, serve, web = free_address(), free_address(), free_address()
        await place.start(str(FOLDER / "_peer.py"), peer, address=peer)
        await place.start("-m", "bot", "serve", home=one, address=serve)
        await place.start("-m", "bot", "web", home=two, address=web)
        await place.start("-m", "bot", "worker", home=two)
        for address in (peer, serve, web):
            await _round(place, address, WARM_UP)
        found = await _compare("", place, ROUNDS, peer, {"serve": serve, "web and worker": web})
        for name, address, home in (("serve", serve, one), ("web and worker", web, two)):
            async with _agents_at_work(place, address, home):
                found += await _compare(", busy", place, BUSY_ROUNDS, peer, {name: address})
        return found


@contextlib.asynccontextmanager
async def _agents_at_work(place: Site, address: str, home: Path) -> AsyncIterator[None]:
    """Two agents that run commands all the while, and reports that are drawn one after the other."""
    runbook = "\n".join(f"```sh\n{RUNBOOK[n % len(RUNBOOK)]}\n```" for n in range(COMMANDS))
    keys = range(TASKS + LONG_TASKS + 1, TASKS + LONG_TASKS + 1 + AGENTS)
    for key in keys:
        await place.load(address, "/agent", f"assign @coder Work\n{runbook}", expect=f"*T-{key}* is queued")
    begun = [home / "workspaces" / f"t-{key}" / "listing" for key in keys]
    async with asyncio.timeout(STARTED_S):
        while not all(path.exists() for path in begun):  # noqa: ASYNC110  another process makes them
            await asyncio.sleep(0.05)
    async with opened(given(LEGWORK_HOME=home)):
        await database.run(_owe_reports)
    yield
    for key in keys:  # which also proves that they were at work to the end
        await place.load(address, "/task", f"cancel T-{key}", expect="is cancelled")


async def _compare(
    when: str, place: Site, rounds: int, peer: str, ours: dict[str, str]
) -> list[dict[str, Any]]:
    """Play rounds in turns, and set Legwork's figures beside the peer's."""
    theirs, seen = Seen(), {name: Seen() for name in ours}
    for _ in range(rounds):
        theirs.add(await _round(place, peer, PEER_REQUESTS))
        for name, address in ours.items():
            seen[name].add(await _round(place, address, REQUESTS))
    found = []
    for name, mine in seen.items():
        for n, goal in ((50, P50_GOAL), (99, P99_GOAL)):
            title = f"ack of `/task list`, {CLIENTS} clients, {name}{when}: p{n}"
            found.append(row(title, "ms", mine.percentile(n), "Bolt's default", theirs.percentile(n), goal))
        title = f"the same, {name}{when}: rate"
        found.append(row(title, "requests/s", mine.rate, "Bolt's default", theirs.rate))
    return found


async def _round(place: Site, address: str, requests: int) -> Any:
    return await place.load(address, "/task", "list", clients=CLIENTS, requests=requests)


def _furnish() -> None:
    """A database as it looks after a while: tasks that are done and told."""
    for number in range(TASKS):
        _done_task(number, STEPS, lines=10)
    for number in range(LONG_TASKS):
        _done_task(number, LONG_STEPS, LONG_LINES)


def _done_task(number: int, steps: int, lines: int) -> None:
    at = now()
    asker = people.from_slack(f"U0BENCH{number % CLIENTS}", f"person{number % CLIENTS}", (), at)
    place = Origin(Door.SLACK, "C0GENERAL")
    task = life.open_task(asker, Order("coder", f"Build service {number} and test it."), place, at)
    claim = work.claim("bench", "bench", LEASE, at, task.id)
    assert claim
    work.start(claim, "runbook", at)
    for step in range(1, steps + 1):
        does = f"make -C services/svc-{step:03} build test"
        call = Call(id=str(step), tool="terminal", args={"command": does})
        printed = "".join(
            f"{line:4} compiling module_{line} → build/module_{line}.o\n" for line in range(lines)
        )
        turned = ModelTurned(step=step, calls=(call,))
        work.commit(claim, [turned, ToolStarted(step=step, call=call, does=does)], at)
        ended = ToolFinished(step=step, call_id=call.id, ok=True, output=printed, exit_code=0, seconds=1.5)
        work.commit(claim, [ended], at)
    work.end(claim, TaskFinished(summary="It is built, and its tests pass."), at)
    tasks.settle_report(task.id, at)
    told = Streams.get_by_id(task.stream_id).seq
    for subscription in subscriptions.of_task(task.id):
        subscriptions.advance(subscription.id, told)


def _owe_reports() -> None:
    """The long tasks are owed their reports again."""
    Tasks.update(report_due=True).where(Tasks.id > TASKS, Tasks.id <= TASKS + LONG_TASKS).execute()
