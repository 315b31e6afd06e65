"""The stored form of the event log."""

import pytest

from storage import database, events
from storage.tables import Events, Streams

pytestmark = pytest.mark.usefixtures("core")


def seal(head: bytes, body: bytes) -> tuple[bytes, bytes, str]:
    """A seal that shows what it was made of."""
    return b"digest of " + body, head + b"|" + body, "key"


async def test_places_count_from_1_and_seals_build_on_each_other() -> None:
    """Each event gets the next place of its own stream, and the seal before it to build on."""

    def act() -> None:
        one, other = events.new_stream(), events.new_stream()
        for _ in range(3):
            events.append(one, lambda seq: str(seq).encode(), seal)
        assert events.append(other, lambda _: b"x", seal) == 1
        assert bytes(Streams.get_by_id(one).head) == b"|1|2|3"
        assert events.bodies(one) == [b"1", b"2", b"3"]
        assert events.bodies(one, after=2) == [b"3"]
        assert events.bodies(other) == [b"x"]

    await database.run(act)


async def test_an_erased_body_is_left_out_and_keeps_its_digest() -> None:
    """What was erased is not read any more; that it was there stays proven."""

    def act() -> None:
        stream = events.new_stream()
        for body in (b"keep", b"erase", b"go on"):
            events.append(stream, {1: body, 2: body, 3: body}.__getitem__, seal)
        Events.update(body=None).where(Events.stream == stream, Events.seq == 2).execute()
        assert events.bodies(stream) == [b"keep", b"go on"]
        erased = Events.get(Events.stream == stream, Events.seq == 2)
        assert bytes(erased.digest) == b"digest of erase"

    await database.run(act)


async def test_an_append_that_fails_leaves_no_gap() -> None:
    """A place that could not be filled is given to the next event."""

    def act() -> None:
        stream = events.new_stream()
        with pytest.raises(ZeroDivisionError):
            _in_savepoint(stream)
        assert events.append(stream, lambda _: b"x", seal) == 1

    await database.run(act)


def _in_savepoint(stream: int) -> None:
    with database.savepoint():
        events.append(stream, lambda seq: b"%d" % (seq // 0), seal)
