"""A task that waits for a person's word, and what can be seen of it."""

from datetime import timedelta

from bot import stream
from bot.actors import Actor
from bot.events import AnyFact, Call
from bot.work import calls, runs
from bot.work.approvals import Asking, Wanted
from bot.work.calls import Begun
from bot.work.runs import Claim
from storage import database
from storage.tables import Tasks
from tests.fakes.core import GENERAL, NOON, Core, held

ASKING = Asking(timedelta(hours=4), ("U0ADA",))
PUSH = Call(id="1", tool="terminal", args={"command": "git push origin main"})


def wanted(call: Call = PUSH) -> Wanted:
    """A call of the terminal, which is allowed where nothing is set."""
    command = str(call.args["command"])
    return Wanted(1, call, command, (command,), "allow")


async def begins(claim: Claim, call: Call = PUSH, asking: Asking = ASKING) -> Begun:
    """A run comes to a call."""
    return await database.run(calls.begin, claim, [], wanted(call), asking, NOON)


async def facts(task_id: int = 1) -> list[AnyFact]:
    """All that is recorded of a task."""
    return [e.fact for e in await database.run(lambda: stream.replay(Tasks.get_by_id(task_id).stream_id))]


async def state(task_id: int = 1) -> str:
    """How a task stands."""
    return str(await database.run(lambda: Tasks.get_by_id(task_id).state))


async def asked(core: Core, asker: Actor | None = None) -> Claim:
    """A task of Mel's that waits for A-1, since Ada wants pushes asked."""
    await core.does('agent tools ask coder terminal "git push *"', core.ada)
    await core.opens(asker=asker, origin=GENERAL)
    claim = await held()
    await database.run(runs.start, claim, "runbook", NOON)
    assert (await begins(claim)).course == "stop"
    return claim
