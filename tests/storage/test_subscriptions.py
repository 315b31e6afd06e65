"""Who hears of a task: subscriptions, their leases, and what was sent."""

import pytest

from bot import stream
from bot.events import TaskCancelled
from storage import database, deliveries, subscriptions
from storage.tables import Deliveries, Subscriptions, Tasks
from tests.fakes.core import GENERAL, NOON, Core, after

OUTLETS = ["slack", "email"]


@pytest.fixture
async def task_id(core: Core) -> int:
    """A task that the general channel and Dana hear of."""
    return await core.opens(origin=GENERAL, notify=["dana@example.org"])


def due(seconds: float = 0, outlets: list[str] = OUTLETS, task_id: int | None = None) -> list[int]:
    return [row.id for row in subscriptions.due(after(seconds), outlets, 10, task_id)]


async def test_an_address_hears_of_a_task_once(task_id: int) -> None:
    """To subscribe again changes nothing; another address or outlet is another subscription."""

    def act() -> list[tuple[str, str]]:
        subscriptions.add(task_id, "email", "dana@example.org")
        subscriptions.add(task_id, "email", "eve@example.org")
        return [(row.outlet, row.address) for row in subscriptions.of_task(task_id)]

    assert await database.run(act) == [
        ("slack", GENERAL.place),
        ("email", "dana@example.org"),
        ("email", "eve@example.org"),
    ]


async def test_whoever_is_behind_is_due(core: Core, task_id: int) -> None:
    """Due are those behind their stream, by the outlets that are asked for, until they were told all."""
    other = await core.opens(notify=["eve@example.org"])

    def act() -> None:
        assert due() == [1, 2, 3]
        assert due(outlets=["email"]) == [2, 3]
        assert due(task_id=other) == [3]
        subscriptions.advance(2, 1, thread="T")
        assert due() == [1, 3]
        stream.record(Tasks.get_by_id(task_id).stream_id, "x", TaskCancelled(by="x"), NOON)
        assert due() == [1, 2, 3]
        assert subscriptions.get(2).task.id == task_id

    await database.run(act)


async def test_one_worker_serves_a_subscription(task_id: int) -> None:
    """A lease shuts others out until it is released, or over; only its own token renews or releases it."""

    def act() -> None:
        first = subscriptions.lease(1, NOON, after(10))
        assert first
        assert subscriptions.lease(1, after(10), after(20)) is None
        assert due(10, task_id=task_id) == [2]
        assert subscriptions.renew(1, first, after(12))
        assert subscriptions.lease(1, after(12), after(20)) is None
        second = subscriptions.lease(1, after(12.000001), after(20))
        assert second
        assert not subscriptions.renew(1, first, after(99))
        subscriptions.release(1, first)
        assert due(13, task_id=task_id) == [2]
        subscriptions.release(1, second)
        assert due(task_id=task_id) == [1, 2]
        assert not subscriptions.renew(1, second, after(99))

    await database.run(act)


async def test_a_failed_try_is_counted_and_waits(task_id: int) -> None:
    """After a failure it is not due before its time; success begins the count anew and keeps the thread."""

    def act() -> None:
        subscriptions.postpone(1, after(5), NOON)
        subscriptions.postpone(1, after(9), NOON)
        row = Subscriptions.get_by_id(1)
        assert (row.attempts, row.failing_since) == (2, NOON)
        assert due(8.999999, task_id=task_id) == [2]
        assert due(9, task_id=task_id) == [1, 2]
        subscriptions.advance(1, 1, thread="123.4")
        subscriptions.advance(1, 1)
        row = Subscriptions.get_by_id(1)
        assert (row.attempts, row.failing_since, row.not_before) == (0, None, None)
        assert (row.cursor, row.thread) == (1, "123.4")

    await database.run(act)


async def test_waiting_is_no_failure(task_id: int) -> None:
    """A far end that asked for time gets it, and nothing is counted."""

    def act() -> None:
        subscriptions.wait(1, after(5))
        assert Subscriptions.get_by_id(1).attempts == 0
        assert due(4, task_id=task_id) == [2]
        assert due(5, task_id=task_id) == [1, 2]

    await database.run(act)


async def test_all_are_told_or_waited_for(task_id: int) -> None:
    """A task is told when nobody can be told more of it now: what waits for its next try does not count."""

    def act() -> None:
        assert not subscriptions.all_told(task_id, OUTLETS)
        assert subscriptions.all_told(task_id, ["pager"])
        subscriptions.advance(1, 1)
        assert subscriptions.all_told(task_id, ["slack"])
        assert not subscriptions.all_told(task_id, OUTLETS)
        subscriptions.postpone(2, after(60), NOON)
        assert subscriptions.all_told(task_id, OUTLETS)

    await database.run(act)


@pytest.mark.usefixtures("task_id")
async def test_a_part_is_noted_before_it_is_sent() -> None:
    """The first note is silent; a second tells when the first was made, because it may have gone out."""

    def act() -> None:
        assert deliveries.begin(1, 1, "root", NOON) is None
        assert deliveries.begin(1, 1, "root", after(5)) == NOON
        assert not deliveries.settled(1, 1, "root")
        deliveries.forget(1, 1, "root")
        assert deliveries.begin(1, 1, "root", after(9)) is None
        assert deliveries.begin(1, 1, "file", after(9)) is None
        assert deliveries.begin(2, 1, "root", after(9)) is None

    await database.run(act)


@pytest.mark.usefixtures("task_id")
async def test_what_was_sent_or_refused_is_settled() -> None:
    """A settled part keeps its remote id or its error; the newest of each part is what is updated."""

    def act() -> None:
        for seq in (1, 2, 3):
            deliveries.begin(1, seq, "card", NOON)
        deliveries.sent(1, 1, "card", "100.1", NOON)
        deliveries.sent(1, 2, "card", "100.2", NOON, maybe_twice=True)
        deliveries.dead(1, 3, "card", "channel_not_found", after(1))
        assert all(deliveries.settled(1, seq, "card") for seq in (1, 2, 3))
        assert deliveries.remote_ids(1) == {"card": "100.2"}
        assert deliveries.remote_ids(2) == {}
        dead = Deliveries.select().where(Deliveries.state == "dead")
        assert [(row.seq, row.error) for row in dead] == [(3, "channel_not_found")]
        assert [d.maybe_twice for d in Deliveries.select().order_by(Deliveries.seq)] == [False, True, False]
        assert Deliveries.select().where(Deliveries.state == "sent").count() == 2

    await database.run(act)
