"""The one place where asyncio meets the database.

The core is plain functions over peewee rows. The shell calls them with `await run(fn, …)`: the whole
function is one transaction on the database's own thread. A transaction that may write is IMMEDIATE, so
that two processes wait for each other instead of failing half-way.
"""

import asyncio
import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
from peewee import DatabaseProxy, OperationalError, SqliteDatabase
from playhouse.migrations import Runner

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 10_000
PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "normal",
    "foreign_keys": 1,
    "busy_timeout": BUSY_MS,
    "cache_size": -16_000,
}

proxy = DatabaseProxy()

Fault = OperationalError  # the database cannot do its work: its disk is full, say
INSIST_EVERY_S = 1.0
AT_ONCE_MS = 5


@dataclass
class _Opened:
    database: SqliteDatabase
    thread: ThreadPoolExecutor
    local: threading.local = field(default_factory=threading.local)


_opened: _Opened | None = None


class NotOpenError(RuntimeError):
    """The database was used before it was opened."""


def _require() -> _Opened:
    if _opened is None:
        message = "open the database first"
        raise NotOpenError(message)
    return _opened


def open(url: str) -> None:  # noqa: A001  read as `database.open`
    """Open the database for this process and bring its tables up to date.

    Args:
        url: `sqlite:///PATH`.

    Raises:
        ValueError: The address is of no kind that is known.
    """
    global _opened  # noqa: PLW0603  one process has one database
    if not url.startswith("sqlite:///"):
        message = (
            f"The database address {url.split(':', maxsplit=1)[0]}:… is of no known kind: use sqlite:///PATH."
        )
        raise ValueError(message)
    path = Path(url.removeprefix("sqlite:///"))
    database = SqliteDatabase(str(path), pragmas=PRAGMAS)
    # SQLite folds ASCII alone (https://www.sqlite.org/lang_expr.html#like); Postgres 18 has this by itself.
    database.register_function(str.casefold, "casefold", 1, deterministic=True)
    thread = ThreadPoolExecutor(1, thread_name_prefix="database")
    thread.submit(_migrate, database, path).result()
    proxy.initialize(database)
    _opened = _Opened(database, thread)


def _migrate(database: SqliteDatabase, path: Path) -> None:
    """Apply what is pending; a lock makes processes that start together take turns."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path.touch(mode=0o600)
        Runner(database, str(MIGRATIONS)).up()


def pending() -> list[str]:
    """Names of the migrations that this database has not seen yet."""
    return [m.name for m in Runner(_require().database, str(MIGRATIONS)).status() if not m.applied]


def close() -> None:
    """Wait for what is under way and close the database."""
    global _opened
    if _opened is not None:
        opened, _opened = _opened, None
        opened.thread.submit(opened.database.close).result()
        opened.database.close()  # this thread's connection
        opened.thread.shutdown()


@contextlib.contextmanager
def savepoint() -> Iterator[None]:
    """What happens inside is undone as a whole when it raises, and the transaction goes on."""
    with _require().database.savepoint():
        yield


def after_commit(callback: Callable[[], None]) -> None:
    """Call back on the event loop once the transaction under way is committed; never if it is not."""
    _require().local.callbacks.append(callback)


async def run(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function as one transaction on the database thread.

    Args:
        fn: Plain synchronous code that reads and writes rows; what it raises undoes the transaction.
        *args: Passed on.
        **kwargs: Passed on.

    Returns:
        What the function returns, once it is committed.

    A caller that is cancelled first waits for the outcome, so that what it did is known to be done or undone.
    """
    opened, loop = _require(), asyncio.get_running_loop()

    def transaction() -> T:
        with _transaction(opened, loop):
            return fn(*args, **kwargs)

    return await _on_thread(opened, transaction)


async def durably(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function as `run` does; what it wrote outlives a power cut from the moment this returns.

    For what a far end forgets once we say that we have it. Other commits reach the disk a little later
    (https://www.sqlite.org/pragma.html#pragma_synchronous).
    """
    opened, loop = _require(), asyncio.get_running_loop()

    def transaction() -> T:
        opened.database.execute_sql("PRAGMA synchronous = FULL")
        try:
            with _transaction(opened, loop):
                return fn(*args, **kwargs)
        finally:
            opened.database.execute_sql(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")

    return await _on_thread(opened, transaction)


async def _on_thread(opened: _Opened, transaction: Callable[[], T]) -> T:
    """Wait for a transaction on the database thread; whoever is cancelled first waits for its outcome."""
    future = asyncio.get_running_loop().run_in_executor(opened.thread, transaction)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        future.exception()  # seen: the caller is going away and cannot be told
        raise


async def at_once(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short function as `run` does, but here and now if nobody else is writing.

    For what somebody waits for, an ack: two threads that take the interpreter from each other at every
    statement make a fifth of a millisecond ten times as long. The loop stands still for as long as the
    function takes, and for a lock only as long as another short function needs.
    """
    opened = _here()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_transaction(opened, asyncio.get_running_loop()))
        except Fault:
            pass  # somebody else is writing
        else:
            return fn(*args, **kwargs)
    return await run(fn, *args, **kwargs)


async def look(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a short function that only reads, here and now: readers wait for nobody (https://www.sqlite.org/wal.html)."""
    with _here().database.atomic("DEFERRED"):
        return fn(*args, **kwargs)


def _here() -> _Opened:
    """The database, with a connection of this thread's own that waits for a lock but a moment."""
    opened = _require()
    if opened.database.is_closed():
        opened.database.connect()
        opened.database.execute_sql(f"PRAGMA busy_timeout = {AT_ONCE_MS}")
    return opened


@contextlib.contextmanager
def _transaction(opened: _Opened, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A transaction on this thread's connection; what waits for its commit is called back on the loop."""
    callbacks = opened.local.callbacks = []
    try:
        with opened.database.atomic("IMMEDIATE"):
            yield
    except OperationalError as error:
        raise _first(error) from None
    for callback in callbacks:
        loop.call_soon_threadsafe(callback)


async def insist(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function as `run` does, and again every second for as long as the database cannot do its work."""
    while True:
        try:
            return await run(fn, *args, **kwargs)
        except Fault as error:
            log.warning("the database cannot do its work; trying again", why=str(error))
            await asyncio.sleep(INSIST_EVERY_S)


def _first(error: OperationalError) -> OperationalError:
    """What went wrong first.

    Where the disk is full SQLite undoes the transaction by itself (https://www.sqlite.org/lang_transaction.html),
    and peewee, undoing it again, raises errors of its own on top of the one that matters.
    """
    first = error
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OperationalError):
            first = below
        below = below.__context__
    return first
