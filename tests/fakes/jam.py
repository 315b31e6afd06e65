"""A database in which somebody hangs in mid-transaction, so that they can be killed there."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.team import in_time

STUCK_S = 0.5


@contextlib.contextmanager
def stuck_at(database_file: Path, act: str) -> Iterator[sqlite3.Connection]:
    """Whoever does this to the database hangs in mid-transaction, for as long as the context lasts.

    Args:
        database_file: Where it is.
        act: As of a trigger: `INSERT ON tasks`.
    """
    with contextlib.closing(connected(database_file)) as connection:
        connection.execute(
            "CREATE VIEW forever AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT count(*) FROM n"
        )
        connection.execute(f"CREATE TRIGGER stuck BEFORE {act} BEGIN SELECT * FROM forever; END")
        try:
            yield connection
        finally:
            connection.execute("DROP TRIGGER stuck")
            connection.execute("DROP VIEW forever")


def connected(database_file: Path) -> sqlite3.Connection:
    """A connection of one's own, which begins no transactions by itself."""
    return sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)


def is_locked(connection: sqlite3.Connection) -> bool:
    """Whether somebody holds the lock for longer than `STUCK_S`."""
    connection.execute(f"PRAGMA busy_timeout = {round(STUCK_S * 1000)}")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    connection.execute("ROLLBACK")
    return False


async def is_stuck(connection: sqlite3.Connection) -> None:
    """Somebody holds the lock for far longer than any transaction takes."""

    async def held() -> bool:
        return await asyncio.to_thread(is_locked, connection)

    await in_time(held)
