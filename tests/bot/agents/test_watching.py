"""One watch over many claims: who lost theirs is told at once, the others are kept alive."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from structlog.testing import capture_logs

from bot.agents.watching import Watch
from bot.stream import bell
from bot.work.runs import Claim
from storage import database
from storage.runs import TOGETHER
from storage.tables import Runs
from tests.fakes.clock import Clock
from tests.fakes.core import LEASE, Core, after, claimed, held
from tests.fakes.team import in_time, until

THIRD = LEASE.total_seconds() / 3
LATE = LEASE.total_seconds() + 1
SAYS_S = 5


@contextlib.asynccontextmanager
async def watching(clock: Clock) -> AsyncIterator[Watch]:
    """A watch that looks."""
    watch = Watch(LEASE, clock.now)
    driving = asyncio.create_task(watch.drive())
    yield watch
    driving.cancel()
    await asyncio.wait([driving])


async def begun(core: Core, count: int) -> list[Claim]:
    """So many tasks, all of them claimed."""
    for _ in range(count):
        await core.opens()
    return [await held() for _ in range(count)]


def until_when(*wanted: datetime) -> Callable[[], Awaitable[bool]]:
    """Whether the runs are claimed for so long."""

    async def look() -> bool:
        found = await database.run(lambda: [run.lease_until for run in Runs.select().order_by(Runs.id)])
        return found == list(wanted)

    return look


async def test_whose_claim_is_lost_is_told_at_once(core: Core) -> None:
    """A cancel rings the bell: whoever had that claim hears of it while no time passes, and nobody else."""
    first, second = await begun(core, 2)
    async with watching(Clock()) as watch:
        with watch.over(first) as lost, watch.over(second) as other:
            await core.cancels(first.task_id)
            await asyncio.wait_for(lost, SAYS_S)
            assert not other.done()


async def test_all_are_renewed_each_third_of_their_lease(core: Core) -> None:
    """A claim lives for as long as it is watched over, and then until its lease is over."""
    (first, second), clock = await begun(core, 2), Clock()
    async with watching(clock) as watch:
        with watch.over(first) as lost, watch.over(second):
            for beat in range(1, 7):
                clock.pass_(THIRD)
                await in_time(until_when(*[after(beat * THIRD) + LEASE] * 2))
            assert not lost.done()
        clock.pass_(LATE)
        assert await claimed("w2", clock.at) is not None


async def test_whoever_slept_for_too_long_is_told(core: Core) -> None:
    """Of two whose lease was over one was taken over: that is lost, and the other goes on."""
    (first, second), clock = await begun(core, 2), Clock()
    clock.at = after(LATE)
    assert (await held("w2", clock.at)).run_id == first.run_id
    async with watching(clock) as watch:
        with watch.over(first) as lost, watch.over(second) as other:
            bell.ring()
            await asyncio.wait_for(lost, SAYS_S)
            assert await claimed("w3", clock.at) is None
            assert not other.done()


async def test_a_database_that_cannot_renew_is_asked_until_it_can(core: Core) -> None:
    """Nobody is stopped meanwhile, and the lease counts from the moment that it is renewed."""
    (claim,), clock = await begun(core, 1), Clock()
    breaks = "CREATE TRIGGER broken BEFORE UPDATE ON runs BEGIN SELECT * FROM nowhere; END"
    async with watching(clock) as watch:
        with watch.over(claim) as lost, capture_logs() as logs:
            await database.run(lambda: database.proxy.execute_sql(breaks))
            clock.pass_(THIRD)
            await until(lambda: any("nowhere" in entry.get("why", "") for entry in logs))
            clock.pass_(LATE)
            await database.run(lambda: database.proxy.execute_sql("DROP TRIGGER broken"))
            await in_time(until_when(clock.at + LEASE))
            assert not lost.done()


async def test_many_claims_are_one_look(core: Core) -> None:
    """A ring of the bell is one transaction, however many claims there are."""
    claims = await begun(core, TOGETHER + 1)
    clock, said = Clock(), list[str]()
    async with watching(clock) as watch, contextlib.AsyncExitStack() as stack:
        lost = [stack.enter_context(watch.over(claim)) for claim in claims]
        clock.pass_(THIRD)
        await in_time(until_when(*[clock.at + LEASE] * len(claims)))
        await database.run(lambda: database.proxy.connection().set_trace_callback(said.append))
        bell.ring()
        await until(lambda: any(one.startswith("SELECT") for one in said))
        await core.cancels(claims[-1].task_id)
        await asyncio.wait_for(lost[-1], SAYS_S)
        await database.run(lambda: database.proxy.connection().set_trace_callback(None))
        assert [one.done() for one in lost] == [False] * TOGETHER + [True]
    assert sum(one.startswith("BEGIN") for one in said) <= 4  # two looks, the cancel, the last word
