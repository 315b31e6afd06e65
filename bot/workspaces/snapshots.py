"""What lay in workspaces before their tasks: lists of files, and their texts by their digest (SHA-256).

All of it is in one SQLite file of the bot's own, out of the agents' reach. A snapshot is one transaction, so
that whoever dies half-way leaves none, and it is taken again. A text is kept once for all that hold it, and
goes with the last of them. Making 20,000 files of as many texts took two to three times as long.
"""

import contextlib
import hashlib
import os
import sqlite3
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.workspaces.listing import files

ALL_BYTES = 64 << 20  # of the texts of one snapshot
WAIT_S = 60.0  # for another process that takes one
_FASTEST = 1
_TABLES = """
PRAGMA auto_vacuum = FULL;
CREATE TABLE IF NOT EXISTS snapshots (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS files (snapshot INTEGER, path BLOB, mark TEXT, program INTEGER, size INTEGER,
    digest BLOB, PRIMARY KEY (snapshot, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_digest ON files (digest);
CREATE TABLE IF NOT EXISTS texts (digest BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was.

    Attributes:
        mark: As in `bot.workspaces.listing.File`.
        program: The same.
        size: Bytes.
        digest: Of its text; None where that is not kept.
    """

    mark: str
    program: bool
    size: int
    digest: bytes | None


class Snapshots:
    """All snapshots. Its methods block, and may be called from any thread and process.

    Args:
        folder: Where they are; made when the first is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, name: str, workspace: Path, like: str) -> None:
        """Take a snapshot, unless there is one of that name.

        Args:
            name: What it is called.
            workspace: The folder it is of.
            like: An older one of the same folder, if there is one: what did not change since is not read.
        """
        with self._opened() as db:
            if _number(db, name) is not None:
                return
            before, room = _files(db, like), ALL_BYTES
            number = db.execute("INSERT INTO snapshots (name) VALUES (?)", (name,)).lastrowid
            for file in files(workspace):
                known = before.get(file.path)
                if known is None or known.mark != file.mark:
                    text = file.text() if file.size <= room else None
                    digest = None if text is None else hashlib.sha256(text).digest()
                    if text is not None:
                        packed = zlib.compress(text, _FASTEST)
                        db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (digest, packed))
                    known = Known(file.mark, file.program, file.size, digest)
                room -= known.size if known.digest else 0
                told = (known.mark, known.program, known.size, known.digest)
                db.execute(
                    "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?)", (number, os.fsencode(file.path), *told)
                )

    def has(self, name: str) -> bool:
        """Whether there is a snapshot of this name."""
        with self._opened() as db:
            return _number(db, name) is not None

    def read(self, name: str) -> dict[str, Known]:
        """The files that lay there, by path; none where there is no such snapshot."""
        with self._opened() as db:
            return _files(db, name)

    def texts(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """Texts by their digests, as far as they are kept."""
        found = {}
        with self._opened() as db:
            for digest in digests:
                row = db.execute("SELECT text FROM texts WHERE digest = ?", (digest,)).fetchone()
                if row:
                    found[digest] = zlib.decompress(row[0])
        return found

    def retire(self, name: str, like: str) -> None:
        """A snapshot is needed no more, but as the older one that the next is taken like."""
        with self._opened() as db:
            if (number := _number(db, name)) is not None:
                _drop(db, like)
                db.execute("UPDATE snapshots SET name = ? WHERE id = ?", (like, number))
                _sweep_texts(db)

    def names(self) -> set[str]:
        """What all snapshots are called."""
        with self._opened() as db:
            return {name for (name,) in db.execute("SELECT name FROM snapshots")}

    def sweep(self, names: Collection[str]) -> None:
        """Delete the snapshots of these names, and the texts that no other holds."""
        with self._opened() as db:
            for name in names:
                _drop(db, name)
            _sweep_texts(db)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file in a transaction of its own, which nobody else writes in meanwhile."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / "snapshots.sqlite"
        with contextlib.closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'texts'").fetchone():
                db.executescript(_TABLES)
            db.execute("BEGIN IMMEDIATE")
            with db:
                yield db


def _number(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT id FROM snapshots WHERE name = ?", (name,)).fetchone()
    return row and int(row[0])


def _files(db: sqlite3.Connection, name: str) -> dict[str, Known]:
    rows = db.execute(
        "SELECT path, mark, program, size, digest FROM files WHERE snapshot = ?", (_number(db, name),)
    )
    return {
        os.fsdecode(path): Known(mark, bool(program), size, digest)
        for path, mark, program, size, digest in rows
    }


def _drop(db: sqlite3.Connection, name: str) -> None:
    number = _number(db, name)
    db.execute("DELETE FROM files WHERE snapshot = ?", (number,))
    db.execute("DELETE FROM snapshots WHERE id = ?", (number,))


def _sweep_texts(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM texts WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.digest = texts.digest)")
