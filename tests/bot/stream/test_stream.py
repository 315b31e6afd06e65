"""The chain of events: gapless under concurrent writers, and every tampering shows."""

import asyncio
import hashlib
import hmac
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import stream
from bot.events import Event, TaskCancelled
from bot.stream import Bell, bell
from bot.vault import Keyring
from storage import database
from tests.fakes.core import KEYRING, NOON, Core

REPOSITORY = Path(__file__).parents[3]
EVENTS = 6

WRITING = """
import asyncio, sys
from bot import stream
from bot.events import TaskCancelled
from storage import database
from tests.fakes.core import KEYRING, NOON

async def main(me):
    for _ in range(40):
        await database.run(stream.record, 1, me, TaskCancelled(by=me), NOON)

stream.seal_with(KEYRING)
database.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(sys.argv[2]))
database.close()
"""


def write() -> int:
    """Make a stream with six events."""
    number = stream.new()
    for n in range(EVENTS):
        stream.record(number, "test", TaskCancelled(by=f"person {n}"), NOON)
    return number


@pytest.fixture
async def chain(core: Core) -> int:
    """A stream with six events."""
    assert core
    return await database.run(write)


def first_broken(path: Path, number: int, keyring: Keyring) -> int | None:
    """Where a chain breaks, as the documented formula tells; None if it holds."""
    keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keyring.all("ledger")}
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT seq, body, digest, mac, key FROM events WHERE stream_id = ? ORDER BY seq", (number,)
    ).fetchall()
    last, end = connection.execute("SELECT seq, head FROM streams WHERE id = ?", (number,)).fetchone()
    connection.close()
    head = b""
    for place, (seq, body, digest, mac, key) in enumerate(rows, 1):
        if body is not None and (hashlib.sha256(body).digest() != digest or json.loads(body)["seq"] != seq):
            return place
        if (
            seq != place
            or key not in keys
            or hmac.digest(keys[key], number.to_bytes(8, "big") + head + digest, "sha256") != mac
        ):
            return place
        head = mac
    return None if (len(rows), head) == (last, end) else len(rows) + 1


def tamper(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.create_function("sha256", 1, lambda body: hashlib.sha256(body).digest())
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_writers_leave_no_gap_and_break_no_chain(core: Core) -> None:
    """Two processes and this one write into one stream: every place is filled once, and the chain holds."""
    pipe = asyncio.subprocess.PIPE
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            WRITING,
            f"sqlite:///{core.path}",
            str(n),
            cwd=REPOSITORY,
            stdin=pipe,
            stdout=pipe,
        )
        for n in range(2)
    ]
    for writer in writers:
        assert writer.stdout
        assert await writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write(b"\n")
    for _ in range(40):
        await database.run(stream.record, stream.HOUSE, "me", TaskCancelled(by="me"), NOON)
    for writer in writers:
        await writer.communicate()
        assert writer.returncode == 0
    events = await database.run(stream.replay, stream.HOUSE)
    assert [event.seq for event in events] == list(range(1, 121))
    assert first_broken(core.path, stream.HOUSE, KEYRING) is None


async def test_what_is_recorded_is_replayed(chain: int) -> None:
    """Replay gives what was recorded, in order, from any place."""
    events = await database.run(stream.replay, chain)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[2] == Event(seq=3, at=NOON, actor="test", fact=TaskCancelled(by="person 2"))
    assert await database.run(stream.replay, chain, 4) == events[4:]
    assert await database.run(stream.replay, chain, 6) == []


async def test_a_chain_holds_under_its_own_keys_only(core: Core, chain: int) -> None:
    """The chain verifies with the key that sealed it, and with no other."""
    assert first_broken(core.path, chain, KEYRING) is None
    assert first_broken(core.path, chain, Keyring(("another secret",))) == 1


@pytest.mark.parametrize(
    ("statements", "place"),
    [
        (["UPDATE events SET body = CAST(replace(body, 'person 2', 'person 9') AS BLOB) WHERE {at} 3"], 3),
        (
            [
                "UPDATE events SET body = CAST(replace(body, '12:00', '13:00') AS BLOB) WHERE {at} 3",
                "UPDATE events SET digest = sha256(body) WHERE {at} 3",
            ],
            3,
        ),
        (["DELETE FROM events WHERE {at} 3"], 3),
        (["DELETE FROM events WHERE {at} 3", "UPDATE events SET seq = seq - 1 WHERE {of} AND seq > 3"], 3),
        (["DELETE FROM events WHERE {at} 6"], 6),
        (["DELETE FROM events WHERE {of}"], 1),
        (
            [
                "UPDATE events SET seq = 99 WHERE {at} 2",
                "UPDATE events SET seq = 2 WHERE {at} 4",
                "UPDATE events SET seq = 4 WHERE {at} 99",
            ],
            2,
        ),
        (["UPDATE events SET mac = x'00' WHERE {at} 5"], 5),
        (["UPDATE streams SET head = x'00' WHERE id = {stream}"], 7),
    ],
    ids=["edit", "edit and digest", "gap", "closed gap", "tail", "all", "swap", "seal", "head"],
)
async def test_tampering_shows_where_it_was(
    core: Core, chain: int, statements: list[str], place: int
) -> None:
    """An edit, a swap or a deletion breaks the chain at its place."""
    names = {"stream": chain, "of": f"stream_id = {chain}", "at": f"stream_id = {chain} AND seq ="}
    tamper(core.path, *(statement.format(**names) for statement in statements))
    assert first_broken(core.path, chain, KEYRING) == place


async def test_whole_streams_cannot_be_exchanged(core: Core, chain: int) -> None:
    """A chain holds for its own stream only."""
    other = await database.run(write)
    tamper(
        core.path,
        f"UPDATE events SET stream_id = 1 WHERE stream_id = {chain}",
        f"UPDATE events SET stream_id = {chain} WHERE stream_id = {other}",
        f"UPDATE events SET stream_id = {other} WHERE stream_id = 1",
    )
    assert first_broken(core.path, chain, KEYRING) == 1
    assert first_broken(core.path, other, KEYRING) == 1


async def test_an_erased_body_breaks_nothing(core: Core, chain: int) -> None:
    """The digest stays, so the chain holds; replay goes on without the event."""
    tamper(core.path, f"UPDATE events SET body = NULL WHERE stream_id = {chain} AND seq = 3")
    assert first_broken(core.path, chain, KEYRING) is None
    assert [event.seq for event in await database.run(stream.replay, chain)] == [1, 2, 4, 5, 6]


@pytest.fixture
def _sealed_as_before() -> Iterator[None]:
    yield
    stream.seal_with(KEYRING)


@pytest.mark.usefixtures("_sealed_as_before")
async def test_a_new_key_seals_and_the_old_one_still_proves(core: Core, chain: int) -> None:
    """After a key is added in front, new events have its seal, and the chain holds as a whole."""
    rotated = Keyring(("a newer secret", "the secret of the tests"))
    stream.seal_with(rotated)
    await database.run(stream.record, chain, "test", TaskCancelled(by="x"), NOON)
    assert first_broken(core.path, chain, rotated) is None
    assert first_broken(core.path, chain, KEYRING) == EVENTS + 1


async def test_the_bell_rings_for_what_is_committed(chain: int) -> None:
    """Whoever waits is woken by a recorded fact, and not by one that was undone."""
    heard = bell.rung
    waiter = asyncio.create_task(bell.wait(heard))

    def undone() -> None:
        stream.record(chain, "test", TaskCancelled(by="x"), NOON)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(undone)
    await asyncio.sleep(0)
    assert not waiter.done()
    await database.run(stream.record, chain, "test", TaskCancelled(by="x"), NOON)
    assert await asyncio.wait_for(waiter, 5) == heard + 1


async def test_nobody_misses_a_ring() -> None:
    """A ring before the wait counts too; many wait at once; one who gives up leaves nothing behind."""
    own = Bell()
    own.ring()
    assert await own.wait(0) == 1
    waiters = [asyncio.create_task(own.wait(1)) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    own.ring()
    own.ring()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert results[1:] == [3, 3]
    assert isinstance(results[0], asyncio.CancelledError)
    assert not own._waiting
