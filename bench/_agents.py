"""Agents at work without commands and doors: the loop, or a whole worker, and a model server."""

import asyncio
import contextlib
import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from bot import people, stream
from bot.actors import Door, Origin
from bot.agents.limits import Limits as TaskLimits
from bot.agents.loop import Loop, Manners
from bot.app.house import House, now, opened
from bot.app.logs import log_to_stderr
from bot.app.worker import worker
from bot.events import ToolFinished
from bot.models.choice import Account, Models
from bot.permissions import Effect
from bot.sandbox import Limits
from bot.tools.base import Arguments, Bench, Result
from bot.tools.shelf import SHELF
from bot.tools.shell import Ledger, Shell
from bot.work import runs, tasks
from bot.work.approvals import Asking
from bot.work.runs import Claim
from bot.work.tasks import Order
from config.settings import given
from storage import agents, database

LEASE = timedelta(hours=1)
FILES = 8_192
SETTLE_S = 300.0


class Number(Arguments):
    """Arguments of `nothing`."""

    number: int


@dataclass
class Nothing:
    """Do nothing, and say so much.

    Attributes:
        output: What it says.
        at: When it was called, in seconds.
        most: With which call it ends the task.
    """

    output: str = ""
    at: list[float] = field(default_factory=list)
    most: int = 0
    name: str = "nothing"
    arguments: type[Number] = Number
    default: Effect = "allow"

    def does(self, args: Number) -> str:
        """A number."""
        return str(args.number)

    def subjects(self, args: Number) -> tuple[str, ...]:
        """A number."""
        return (str(args.number),)

    def from_text(self, text: str) -> Number:
        """A number."""
        return Number(number=int(text))

    def reads(self, args: Number) -> bool:  # noqa: ARG002  one a turn
        """Nothing."""
        return False

    async def run(self, args: Number, bench: Bench) -> Result:  # noqa: ARG002  it needs none
        """Note the time."""
        self.at.append(time.perf_counter())
        return Result(ok=True, output=self.output, finished="Done." if len(self.at) >= self.most else None)


@contextlib.asynccontextmanager
async def house(**settings: object) -> AsyncIterator[House]:
    """A data folder with a database."""
    with tempfile.TemporaryDirectory(prefix="legwork-bench-") as home:
        Path(home).chmod(0o711)
        async with opened(given(LEGWORK_HOME=home, **settings)) as one:
            yield one


def _open() -> int:
    """A task; its number."""
    asker = people.local_operator("bench", now())
    order = Order(agents.everyone()[0].name, "Do nothing")
    return int(tasks.open_task(asker, order, Origin(Door.CLI), now()).id)


def _claim() -> Claim:
    """A task that is claimed already."""
    claim = runs.claim("bench", "here", LEASE, now(), _open())
    assert claim
    return claim


def _loop(place: House, models: Models, claim: Claim) -> Loop:
    """What carries a claimed task on."""

    async def nowhere(_: object) -> None:
        """No sandbox starts."""

    workspace = place.workspaces.create(claim.workspace)
    where, limits = place.workspaces.place(claim.key), Limits()
    shell = Shell(place.box, workspace, limits, Ledger(nowhere, nowhere), where)
    bench = Bench(workspace, place.box.owner, limits, shell, claim.task_id, place.artifacts)
    manners = Manners(TaskLimits(1_000_000), Asking(timedelta(hours=4)))
    return Loop(claim, models, "openai:bench", bench, place.workspaces, manners, now)


async def steps(place: House, url: str, count: int, output: str = "") -> list[float]:
    """The seconds that each of so many steps took, every one of them committed."""
    tool = Nothing(output, most=count + 1)
    SHELF[tool.name] = tool
    models = Models(openai=Account("bench", url))
    claim = await database.run(_claim)
    await _loop(place, models, claim).run()
    await models.close()
    log = await database.run(lambda: stream.replay(claim.stream))
    ended = [event.fact for event in log if isinstance(event.fact, ToolFinished)]
    assert [one.output for one in ended] == [output] * (count + 1)
    return [after - before for before, after in itertools.pairwise(tool.at)]


def resident() -> int:
    """Bytes of this process's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def _wait(url: str, count: int) -> dict[str, Any]:
    """Let a worker have so many tasks that wait for a model that never answers; what that takes."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    settings = {"LEGWORK_MAX_RUNS": count, "LEGWORK_MODEL": "openai:never", "OPENAI_BASE_URL": url}
    async with house(**settings) as place:
        await steps(place, url, 1)  # an idle worker has its libraries and connections
        async with worker(place):
            before = resident()
            await database.run(lambda: [_open() for _ in range(count)])
            async with asyncio.timeout(SETTLE_S), httpx.AsyncClient() as client:
                while int((await client.get(f"{url}/waiting")).text) < count:  # noqa: ASYNC110  it is asked
                    await asyncio.sleep(0.1)
            return {"bytes": resident() - before}


if __name__ == "__main__":
    log_to_stderr("json", "error")
    print(json.dumps(asyncio.run(_wait(sys.argv[1], int(sys.argv[2])))))
