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
    with contextlib.closing(_connected(database_file)) as connection:
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


def _connected(database_file: Path) -> sqlite3.Connection:
    return sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)


async def is_stuck(connection: sqlite3.Connection) -> None:
    """Somebody holds the lock for far longer than any transaction takes."""
    connection.execute(f"PRAGMA busy_timeout = {round(STUCK_S * 1000)}")

    def free() -> bool:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True

    async def held() -> bool:
        return not await asyncio.to_thread(free)

    await in_time(held)
