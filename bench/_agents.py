"""Agents at work without sandbox and doors: the loop, the log, and a model server."""

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

from bot import people
from bot.actors import Door, Origin
from bot.agents.limits import Limits as TaskLimits
from bot.agents.loop import Loop, Manners
from bot.app.house import House, now, opened
from bot.app.logs import log_to_stderr
from bot.models.choice import Account, Models
from bot.permissions import Effect
from bot.sandbox import Limits
from bot.tools.base import Arguments, Bench, Result
from bot.tools.shelf import SHELF
from bot.work import runs, tasks
from bot.work.approvals import Asking
from bot.work.runs import Claim
from bot.work.tasks import Order
from config.settings import given
from storage import agents, database

LEASE = timedelta(hours=1)
FILES = 8_192
SETTLE_S = 60.0


class Number(Arguments):
    """Arguments of `nothing`."""

    number: int


@dataclass
class Nothing:
    """Do nothing, and say so much.

    Attributes:
        output: What it says.
        at: When it was called, in seconds.
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
async def house() -> AsyncIterator[House]:
    """A data folder with a database."""
    with tempfile.TemporaryDirectory(prefix="legwork-bench-") as home:
        Path(home).chmod(0o711)
        async with opened(given(LEGWORK_HOME=home)) as one:
            yield one


async def claims(count: int) -> list[Claim]:
    """So many tasks, all of them claimed."""

    def make() -> list[Claim]:
        asker = people.local_operator("bench", now())
        agent = agents.everyone()[0].name
        made = []
        for _ in range(count):
            task = tasks.open_task(asker, Order(agent, "Do nothing"), Origin(Door.CLI), now())
            claim = runs.claim("bench", "here", LEASE, now(), task.id)
            assert claim
            made.append(claim)
        return made

    return await database.run(make)


def loop(place: House, models: Models, claim: Claim, name: str = "openai:bench") -> Loop:
    """What carries a claimed task on."""

    async def on_start(_: object) -> None:
        """No sandbox starts."""

    workspace = place.workspaces.create(claim.workspace)
    where = place.workspaces.place(claim.key)
    bench = Bench(workspace, place.box, Limits(), on_start, claim.task_id, place.artifacts, where)
    manners = Manners(TaskLimits(1_000_000), Asking(timedelta(hours=4)))
    return Loop(claim, models, name, bench, place.workspaces, manners, now)


async def steps(place: House, url: str, count: int, output: str = "") -> list[float]:
    """The seconds that each of so many steps took, every one of them committed."""
    tool = Nothing(output, most=count + 1)
    SHELF[tool.name] = tool
    models = Models(openai=Account("bench", url))
    (claim,) = await claims(1)
    await loop(place, models, claim).run()
    await models.close()
    return [after - before for before, after in itertools.pairwise(tool.at)]


def resident() -> int:
    """Bytes of this process's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def _wait(url: str, count: int) -> dict[str, Any]:
    """Let so many tasks wait for a model that never answers; what that takes."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    async with house() as place:
        # Idle is a worker that has made one step, so that libraries and clients are there.
        await steps(place, url, 1)
        models = Models(openai=Account("bench", url))
        made = await claims(count)
        before = resident()
        running = [asyncio.create_task(loop(place, models, claim, "openai:never").run()) for claim in made]
        try:
            async with asyncio.timeout(SETTLE_S):
                while sum(map(_connected, Path("/proc/self/fd").iterdir())) < count:  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0.1)
            return {"bytes": resident() - before, "waiting": sum(not task.done() for task in running)}
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await models.close()


def _connected(descriptor: Path) -> bool:
    with contextlib.suppress(OSError):
        return str(descriptor.readlink()).startswith("socket:")
    return False


if __name__ == "__main__":
    log_to_stderr("json", "error")
    print(json.dumps(asyncio.run(_wait(sys.argv[1], int(sys.argv[2])))))
