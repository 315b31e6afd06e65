"""The pump and a far end that answers badly, slowly or not at all: nothing is lost or said twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

import pytest

from bot import stream
from bot.delivery import lease
from bot.delivery.lease import LeaseLostError
from bot.delivery.outlet import AccessError, Letter, Message, Recipient, Sent
from bot.delivery.pump import Patience, Pump
from bot.errors import Permanent, Retry
from bot.events import DeliveryAbandoned, Event
from bot.stream import bell
from storage import database, subscriptions
from storage.tables import Deliveries, Subscriptions
from tests.fakes.clock import Clock, running
from tests.fakes.core import NOON, Core
from tests.fakes.team import until

PATIENCE = Patience(first_s=2, longest_s=300, give_up=timedelta(days=4), lease=timedelta(seconds=0.6))
HOUR = 3600.0
DOWN = Retry("It is down.")
UNSURE = Retry("The answer was lost.", unsure=True)
BUSY = Retry("Slow down.", 30)
LOCKED = AccessError("The token is revoked.")


class FarEnd:
    """An outlet whose far end does what the test says: tells what it was sent, or raises what comes next.

    Attributes:
        answers: What the next tries meet.
        tries: The letters that came.
    """

    name = "email"

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.tries: list[Letter] = []
        self.answering = asyncio.Event()
        self.answering.set()

    def plan(self, events: Sequence[Event], cursor: int, _to: Recipient) -> list[Message]:
        """A message for each event."""
        return [Message(event.seq, "result", event.seq) for event in events[cursor:]]

    def wait_s(self, _letter: Letter) -> float:
        """No wait."""
        return 0

    async def send(self, letter: Letter) -> Sent:
        """Answer as the test says."""
        self.tries.append(letter)
        await self.answering.wait()
        if self.answers:
            raise self.answers.pop(0)
        return Sent("1")

    async def edit(self, letter: Letter) -> None:
        """Nothing is ever changed."""
        raise Permanent(str(letter))


@pytest.fixture
def far_end() -> FarEnd:
    """A far end that takes everything."""
    return FarEnd()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
async def told(core: Core) -> None:
    """A task that Dana hears of by mail."""
    await core.opens(notify=["dana@example.org"])


@contextlib.asynccontextmanager
async def pumping(far_end: FarEnd, now: Callable[[], datetime]) -> AsyncIterator[asyncio.Task[None]]:
    """A pump at work."""
    task = asyncio.create_task(Pump([far_end], PATIENCE, now).drive())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def row() -> Subscriptions:
    return await database.run(lambda: Subscriptions.get_by_id(1))


async def after_try(far_end: FarEnd, number: int) -> Subscriptions:
    """The subscription after so many tries, once nobody serves it."""
    await until(lambda: len(far_end.tries) == number)
    while (found := await row()).token is not None:
        pass
    return found


async def deliveries() -> list[tuple[str, str]]:
    return await database.run(lambda: [(d.state, d.error) for d in Deliveries.select()])


async def abandoned() -> list[DeliveryAbandoned]:
    """What the house was told of."""
    events = await database.run(stream.replay, stream.HOUSE)
    return [event.fact for event in events if isinstance(event.fact, DeliveryAbandoned)]


@pytest.mark.usefixtures("told")
async def test_waits_are_doubled_up_to_a_limit(far_end: FarEnd, clock: Clock) -> None:
    """2 s, 4 s, 8 s …, and never more than the longest: a far end that is back is found within minutes."""
    far_end.answers = [DOWN] * 10
    waits = []
    async with pumping(far_end, clock.now):
        for number in range(1, 11):
            not_before = (await after_try(far_end, number)).not_before
            assert not_before
            waits.append((not_before - clock.at).total_seconds())
            clock.pass_(waits[-1])
        found = await after_try(far_end, 11)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (found.attempts, found.failing_since, found.cursor) == (0, None, 1)
    assert await deliveries() == [("sent", "")]


@pytest.mark.usefixtures("told")
async def test_a_message_is_given_up_after_days_and_not_after_tries(far_end: FarEnd, clock: Clock) -> None:
    """RFC 5321, section 4.5.4.1: a message that failed for four days is a dead letter that says why."""
    far_end.answers = [DOWN] * 30
    async with pumping(far_end, clock.now):
        for number in range(1, 30):
            await after_try(far_end, number)
            clock.pass_(3 * HOUR)
        assert await deliveries() == []
        clock.pass_(12 * HOUR)
        await after_try(far_end, 30)
    assert await deliveries() == [("dead", "It is down. (tried since 2026-11-21 12:00 UTC)")]
    assert [fact.why for fact in await abandoned()] == ["It is down. (tried since 2026-11-21 12:00 UTC)"]
    assert (await row()).cursor == 1


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("answer", [BUSY, LOCKED], ids=["rate limit", "token"])
async def test_some_answers_never_give_a_message_up(far_end: FarEnd, clock: Clock, answer: Exception) -> None:
    """A far end that asks for time, or wants another token, is alive: the message waits for as long."""
    far_end.answers = [answer] * 20
    async with pumping(far_end, clock.now):
        for number in range(1, 21):
            found = await after_try(far_end, number)
            assert found.failing_since is None
            clock.pass_(timedelta(days=1).total_seconds())
        await after_try(far_end, 21)
    assert await deliveries() == [("sent", "")]


@pytest.mark.usefixtures("told")
async def test_a_far_end_gets_the_time_that_it_asked_for(far_end: FarEnd, clock: Clock) -> None:
    """Retry-After is the wait, exactly, and no try is counted."""
    far_end.answers = [BUSY]
    async with pumping(far_end, clock.now):
        found = await after_try(far_end, 1)
        assert (found.not_before, found.attempts) == (NOON + timedelta(seconds=30), 0)


@pytest.mark.usefixtures("told")
async def test_what_may_have_gone_out_is_looked_up_until_it_is_found(far_end: FarEnd, clock: Clock) -> None:
    """After an answer that was lost every try knows when the first was, whatever the tries between met."""
    far_end.answers = [DOWN, UNSURE, BUSY, DOWN]
    async with pumping(far_end, clock.now):
        for number in range(1, 6):
            await after_try(far_end, number)
            clock.pass_(60)
    first_unsure = NOON + timedelta(seconds=60)
    assert [letter.since for letter in far_end.tries] == [None, None, *[first_unsure] * 3]


@pytest.mark.usefixtures("told")
async def test_an_error_that_nobody_foresaw_is_a_passing_one(far_end: FarEnd, clock: Clock) -> None:
    """It is tried again later, not at every tick, and looked up first: it may have gone out."""
    far_end.answers = [ZeroDivisionError("oops")]
    async with pumping(far_end, clock.now):
        assert (await after_try(far_end, 1)).attempts == 1
        clock.pass_(1.9)
        assert await database.run(subscriptions.due, clock.at, ["email"], 9) == []
        clock.pass_(0.1)
        await after_try(far_end, 2)
    assert far_end.tries[1].since == NOON
    assert await deliveries() == [("sent", "")]


@pytest.mark.usefixtures("told")
async def test_a_slow_far_end_gets_a_message_once(far_end: FarEnd) -> None:
    """The lease is renewed for as long as sending takes: neither this pump nor another sends it meanwhile."""
    far_end.answering.clear()
    other = FarEnd()

    other.answering.clear()
    async with pumping(far_end, running), pumping(other, running):
        await until(lambda: len(far_end.tries + other.tries) == 1)
        slow = far_end if far_end.tries else other
        begun = running()
        while running() < begun + 3 * PATIENCE.lease:
            bell.ring()
            await asyncio.sleep(0.05)
        slow.answering.set()
        await after_try(slow, 1)
    assert len(far_end.tries + other.tries) == 1
    assert await deliveries() == [("sent", "")]


@pytest.mark.usefixtures("told")
async def test_a_lost_lease_stops_a_delivery_at_once(far_end: FarEnd, clock: Clock) -> None:
    """A pump that wakes late, and finds that another took over, neither sends nor moves the cursor."""
    far_end.answering.clear()
    async with pumping(far_end, clock.now) as pump:
        await until(lambda: far_end.tries)
        clock.at += timedelta(hours=1)
        taken = await database.run(lease.take, subscriptions, 1, PATIENCE.lease, clock.now)
        assert taken
        await until(lambda: not serving(pump))
        far_end.answering.set()
        found = await row()
    assert (found.token, found.cursor) == (taken.token, 0)
    assert await deliveries() == [("sending", "")]


def serving(pump: asyncio.Task[None]) -> bool:
    """Whether anything is being told."""
    assert not pump.done()
    return any(task.get_name().startswith("subscription") for task in asyncio.all_tasks())


@pytest.mark.usefixtures("told")
async def test_only_its_own_lease_lets_a_pump_commit(clock: Clock) -> None:
    """Whatever a pump commits proves its lease; after a takeover nothing of it counts."""
    old = await database.run(lease.take, subscriptions, 1, PATIENCE.lease, clock.now)
    clock.pass_(1)
    new = await database.run(lease.take, subscriptions, 1, PATIENCE.lease, clock.now)
    assert old
    assert new
    with pytest.raises(LeaseLostError):
        await database.run(old.prove)
    await old.release()
    await database.run(new.prove)
    await new.release()
    assert (await row()).token is None


@pytest.mark.usefixtures("told")
async def test_a_pump_can_be_stopped_while_the_database_takes_nothing(far_end: FarEnd, clock: Clock) -> None:
    """With a full disk the lease is not given back but runs out; stopping does not wait for room."""
    far_end.answering.clear()
    async with pumping(far_end, clock.now) as pump:
        await until(lambda: far_end.tries)
        takes_nothing("ON")
        pump.cancel()
        await asyncio.wait_for(asyncio.wait([pump]), 5)
        assert pump.done()
        takes_nothing("OFF")
    assert (await row()).token is not None


def takes_nothing(switch: str) -> None:
    """Let the database refuse to write, as one does whose disk is full."""
    thread = database._require().thread
    thread.submit(database.proxy.execute_sql, f"PRAGMA query_only = {switch}").result()
