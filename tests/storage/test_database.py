"""Transactions, on real SQLite files and between real processes."""

import asyncio
import contextlib
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from peewee import OperationalError

from storage import database, inbox
from storage.tables import Agents, Inbox
from tests.fakes.core import NOON, Core

REPOSITORY = Path(__file__).parents[2]

COUNTING = """
import asyncio, sys
from storage import database
from storage.tables import Streams

def count():
    row = Streams.get_by_id(1)
    Streams.update(seq=row.seq + 1).where(Streams.id == 1).execute()

async def main(times):
    for _ in range(times):
        await database.run(count)

database.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main(int(sys.argv[2])))
database.close()
"""


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def together(processes: list[subprocess.Popen[str]]) -> None:
    """Let processes that wait for a line go on at once, and hold them to a good end."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


def statement(sql: str) -> sqlite3.Cursor:
    """Run plain SQL in the transaction under way."""
    cursor: sqlite3.Cursor = database._require().database.execute_sql(sql)  # type: ignore[no-untyped-call]  # peewee's stubs
    return cursor


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'legwork.db'}"


def test_two_processes_lose_no_update(url: str, tmp_path: Path) -> None:
    """Processes that read and then write the same row take turns: nothing is lost, nothing is locked."""
    together([python(COUNTING, url, "150") for _ in range(3)])
    with sqlite3.connect(tmp_path / "legwork.db") as connection:
        assert connection.execute("SELECT seq FROM streams WHERE id = 1").fetchone() == (450,)
    connection.close()


def test_processes_that_start_together_migrate_once(url: str, tmp_path: Path) -> None:
    """However many processes open a new database at once, each migration is applied one time."""
    opening = "import sys; print('ready', flush=True); sys.stdin.readline()\n"
    opening += "from storage import database; database.open(sys.argv[1]); database.close()"
    together([python(opening, url) for _ in range(4)])
    connection = sqlite3.connect(tmp_path / "legwork.db")
    applied = [name for (name,) in connection.execute("SELECT name FROM schema_migration")]
    connection.close()
    assert applied == sorted(path.stem for path in database.MIGRATIONS.glob("[0-9]*.py"))


@pytest.mark.usefixtures("core")
async def test_what_raises_is_undone() -> None:
    """A function that raises leaves no trace, and its error reaches the caller."""

    def act() -> None:
        Agents.create(name="ghost", about="")
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        await database.run(act)
    assert await database.run(lambda: Agents.get_or_none(Agents.name == "ghost")) is None


@pytest.mark.usefixtures("core")
async def test_a_savepoint_is_undone_alone() -> None:
    """What raises inside a savepoint is undone; what stood around it is committed."""

    def act() -> None:
        Inbox.create(key="around", at=NOON)
        with contextlib.suppress(ZeroDivisionError), database.savepoint():
            Inbox.create(key="inside", at=NOON)
            raise ZeroDivisionError

    await database.run(act)
    assert await database.run(lambda: [row.key for row in Inbox.select()]) == ["around"]


async def test_after_commit_calls_back_on_the_loop_once_others_can_see(core: Core) -> None:
    """A callback finds itself on the loop's thread, and the change committed."""
    seen = []

    def look() -> None:
        other = sqlite3.connect(core.path)
        seen.append((threading.current_thread(), other.execute("SELECT key FROM inbox").fetchall()))
        other.close()

    def act() -> None:
        database.after_commit(look)
        Inbox.create(key="k", at=NOON)
        assert not seen

    await database.run(act)
    await asyncio.sleep(0)
    assert seen == [(threading.current_thread(), [("k",)])]


@pytest.mark.usefixtures("core")
async def test_after_commit_is_silent_when_undone() -> None:
    """A transaction that raises calls nobody back, not even at the next one."""
    seen: list[str] = []

    def act() -> None:
        database.after_commit(lambda: seen.append("called"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(act)
    await database.run(lambda: None)
    await asyncio.sleep(0)
    assert seen == []


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_caller_knows_the_outcome(core: Core, times: int, *, fails: bool) -> None:
    """However often it is cancelled, a caller goes only when what it did is done, or undone."""
    began, finish = threading.Event(), threading.Event()

    def act() -> None:
        Inbox.create(key="k", at=NOON)
        began.set()
        finish.wait(10)
        if fails:
            raise ZeroDivisionError

    caller = asyncio.create_task(database.run(act))
    await asyncio.to_thread(began.wait, 10)
    for _ in range(times):
        caller.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not caller.done()
    finish.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    other = sqlite3.connect(core.path)
    assert other.execute("SELECT count(*) FROM inbox").fetchone() == (0 if fails else 1,)
    other.close()


@pytest.mark.usefixtures("core")
async def test_a_caller_cancelled_in_the_queue_waits_its_turn() -> None:
    """A function that had not begun when its caller was cancelled is carried out all the same."""
    finish = threading.Event()
    first = asyncio.create_task(database.run(finish.wait, 10))
    second = asyncio.create_task(database.run(inbox.first_time, "second", NOON))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    finish.set()
    await asyncio.wait([first, second])
    assert second.cancelled()
    assert not await database.run(inbox.first_time, "second", NOON)


@pytest.mark.usefixtures("core")
async def test_a_full_disk_says_so() -> None:
    """When there is no room the error is the first one, and the database goes on working."""

    def fill() -> None:
        (pages,) = statement("PRAGMA page_count").fetchone()
        statement(f"PRAGMA max_page_count = {pages}")
        Inbox.create(key="k" * 1_000_000, at=NOON)

    with pytest.raises(OperationalError, match="full"):
        await database.run(fill)
    assert await database.run(Inbox.select().count) == 0


@pytest.mark.usefixtures("core")
async def test_to_insist_is_to_try_until_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that cannot do its work is asked again, each try undone as a whole; other errors end it."""
    monkeypatch.setattr(database, "INSIST_EVERY_S", 0.001)
    tries: list[Exception] = []

    def act(error: Exception) -> None:
        tries.append(error)
        Inbox.create(key=type(error).__name__, at=NOON)
        if len(tries) < 3:
            raise error

    await database.insist(act, OperationalError("database or disk is full"))
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(KeyError):
        await database.insist(act, KeyError())
    assert len(tries) == 1
    assert await database.run(lambda: [row.key for row in Inbox.select()]) == ["OperationalError"]


@pytest.mark.usefixtures("core")
async def test_pending_names_what_was_not_applied() -> None:
    """An open database has nothing pending; a forgotten migration is named."""
    assert await database.run(database.pending) == []
    await database.run(statement, "DELETE FROM schema_migration")
    every = [path.stem for path in sorted(database.MIGRATIONS.glob("[0-9]*.py"))]
    assert await database.run(database.pending) == every


async def test_only_the_owner_reads_the_database(core: Core) -> None:
    """A new database and what SQLite keeps beside it are of mode 0600."""
    kept = [path for path in core.path.parent.glob("legwork.db*") if not path.name.endswith(".lock")]
    assert len(kept) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


async def test_nothing_runs_on_a_closed_database(url: str) -> None:
    """Before it is opened, after it is closed, and after it could not be opened, it says so."""
    with pytest.raises(database.NotOpenError, match="open the database first"):
        await database.run(lambda: None)
    database.open(url)
    database.close()
    database.close()
    with pytest.raises(database.NotOpenError):
        await database.run(lambda: None)
    with pytest.raises(FileNotFoundError):
        database.open("sqlite:////nowhere/at/all.db")
    with pytest.raises(database.NotOpenError):
        await database.run(lambda: None)


def test_an_address_of_another_kind_is_refused_without_its_password() -> None:
    """What is no SQLite address is refused with what is right, and no secret of it is repeated."""
    with pytest.raises(ValueError, match="sqlite:///PATH") as refusal:
        database.open("postgresql://me:secret@db/legwork")
    assert "secret" not in str(refusal.value)


@pytest.mark.usefixtures("core")
async def test_at_once_runs_on_the_callers_thread_as_a_transaction_of_its_own() -> None:
    """What returns is committed and calls back, what raises is undone; no thread is changed."""
    heard: list[str] = []

    def write(*, fails: bool) -> int:
        statement("INSERT INTO inbox (key, at) VALUES ('a', 1)")
        database.after_commit(lambda: heard.append("committed"))
        if fails:
            raise LookupError
        return threading.get_ident()

    with pytest.raises(LookupError):
        await database.at_once(write, fails=True)
    assert await database.run(Inbox.select().count) == 0
    assert await database.at_once(write, fails=False) == threading.get_ident()
    assert await database.run(Inbox.select().count) == 1
    await asyncio.sleep(0)  # one turn of the loop
    assert heard == ["committed"]


async def test_at_once_gives_way_to_whoever_writes(core: Core) -> None:
    """While another process holds the lock, the loop goes on and the function takes its turn in the queue."""
    other = sqlite3.connect(core.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(database.at_once(threading.get_ident))
    turns = 0
    while turns < 3:
        await asyncio.sleep(0)
        turns += 1
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    assert await waiting != threading.get_ident()


async def test_to_look_waits_for_nobody(core: Core) -> None:
    """While another process writes, what only reads is answered at once."""
    other = sqlite3.connect(core.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await database.look(threading.get_ident) == threading.get_ident()
    assert await database.look(Agents.select().count) == 2
    other.execute("COMMIT")
    other.close()
