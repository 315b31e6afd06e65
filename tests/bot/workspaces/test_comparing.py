"""What a task left: named, counted, and as a patch that real programs apply."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.errors import UserMistake
from bot.workspaces import Workspaces, comparing, snapshots
from bot.workspaces.comparing import Difference


@pytest.fixture
def rooms(home: Path) -> Workspaces:
    """A shared workspace with some files in it, that T-2 is about to work in."""
    made = Workspaces(home / "workspaces", None)
    folder = made.create("shared")
    (folder / "src").mkdir()
    (folder / "src" / "a.py").write_text("one\ntwo\nthree\n")
    (folder / "src" / "run").write_text("#!/bin/sh\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\0" * 50)
    (folder / "gone.txt").write_text("bye\n")
    return made


def told(left: Difference) -> list[tuple[str, str, int | None, int | None]]:
    """The changes, in short."""
    return [(one.path, one.how, one.added, one.removed) for one in left.changes]


def apply(patch: bytes, folder: Path) -> None:
    """Apply a patch as people do."""
    done = subprocess.run(["git", "apply"], input=patch, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def texts_of(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """All files below a folder, with whether they may be executed."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
        for path in found
    }


def test_the_patch_makes_the_new_workspace_of_the_old(rooms: Workspaces, tmp_path: Path) -> None:
    """Texts that changed, came, went or may be executed now; what is no text is named and left out."""
    folder = rooms.path("shared")
    shutil.copytree(folder, tmp_path / "old")
    rooms.remember("shared", "T-2")
    (folder / "src" / "a.py").write_text("one\n2\nthree\nfour")
    (folder / "src" / "run").chmod(0o755)
    (folder / "gone.txt").unlink()
    (folder / "gone.txt").mkdir()
    (folder / "gone.txt" / "naïve \n\u202e.md").write_text("```\n\x1b[31m\n")
    (folder / "empty").touch()
    (folder / "logo.png").write_bytes(b"\0new")
    left = rooms.difference("shared", "T-2")
    assert told(left) == [
        ("empty", "added", 0, None),
        ("gone.txt", "deleted", None, 1),
        ("gone.txt/naïve \n\u202e.md", "added", 2, None),
        ("logo.png", "changed", None, None),
        ("src/a.py", "changed", 2, 1),
        ("src/run", "changed", 0, 0),
    ]
    head = b"# Not in this patch:\n#   logo.png (changed, 4 bytes): it is no text, or too large\ndiff --git "
    assert left.patch.startswith(head)
    apply(left.patch, tmp_path / "old")
    (tmp_path / "old" / "logo.png").write_bytes(b"\0new")
    assert texts_of(tmp_path / "old") == texts_of(folder)


def test_a_file_that_was_only_touched_did_not_change(rooms: Workspaces) -> None:
    """Written anew with what it held, a text is no change; of what is no text nobody knows."""
    rooms.remember("shared", "T-2")
    folder = rooms.path("shared")
    (folder / "src" / "a.py").write_text("one\ntwo\nthree\n")
    os.utime(folder / "gone.txt")
    assert rooms.difference("shared", "T-2") == Difference((), 0, b"")


def test_links_and_caches_are_no_part_of_it(rooms: Workspaces, tmp_path: Path) -> None:
    """What a link leads to is never read, also where it takes the place of a file."""
    (tmp_path / "secret").write_text("the key\n")
    rooms.remember("shared", "T-2")
    folder = rooms.path("shared")
    (folder / "src" / "a.py").unlink()
    (folder / "src" / "a.py").symlink_to(tmp_path / "secret")
    (folder / "link").symlink_to(tmp_path)
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("x\n")
    left = rooms.difference("shared", "T-2")
    assert told(left) == [("src/a.py", "deleted", None, 3)]
    assert b"key" not in left.patch


def test_what_is_too_much_is_named_and_left_out(
    rooms: Workspaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patch stays within its bytes: shorter parts go in, longer ones are named, and it still applies."""
    monkeypatch.setattr(comparing, "PATCH_BYTES", 4_000)
    folder = rooms.path("shared")
    shutil.copytree(folder, tmp_path / "old")
    rooms.remember("shared", "T-2")
    for number in range(100):
        (folder / f"long-{number:03}").write_text("x" * 5_000)
    (folder / "short").write_text("x\n")
    left = rooms.difference("shared", "T-2")
    assert len(left.patch) < 4_000 + 6_000
    assert b"#   long-000 (added, 5,000 bytes): it is too long\n" in left.patch
    assert b"#   and 50 more\n" in left.patch
    apply(left.patch, tmp_path / "old")
    assert (tmp_path / "old" / "short").exists()


def test_no_more_is_read_than_there_is_room_for(rooms: Workspaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bounds files are compared by their marks alone."""
    monkeypatch.setattr(snapshots, "ALL_BYTES", 20)
    monkeypatch.setattr(comparing, "COMPARED_FILES", 1)
    rooms.remember("shared", "T-2")
    folder = rooms.path("shared")
    for name in ("a.py", "run"):
        (folder / "src" / name).write_text("changed\n")
    assert [(path, how) for path, how, *_ in told(rooms.difference("shared", "T-2"))] == [
        ("src/a.py", "changed"),
        ("src/run", "changed"),
    ]


def test_only_what_changed_since_is_read_again(rooms: Workspaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next task in a workspace reads what the marks of the last snapshot do not vouch for."""
    rooms.remember("shared", "T-2")
    (rooms.path("shared") / "src" / "a.py").write_text("2\n")
    rooms.forget("shared", "T-2")
    read: list[str] = []
    real = snapshots.files

    def watched(root: Path) -> object:
        for file in real(root):
            read.append(file.path)
            yield file

    monkeypatch.setattr(
        "bot.workspaces.listing.File.text", lambda file: read.append(f"!{file.path}") or b"2\n"
    )
    monkeypatch.setattr(snapshots, "files", watched)
    rooms.remember("shared", "T-3")
    assert [path for path in read if path.startswith("!")] == ["!src/a.py"]


def test_a_store_holds_what_is_needed_alone(rooms: Workspaces, home: Path) -> None:
    """Texts that several snapshots hold are kept once, and go with the last; nobody else may look."""
    rooms.remember("shared", "T-2")
    rooms.remember("shared", "T-3")
    store = home / "before" / "snapshots.sqlite"
    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o700

    def texts() -> int:
        with sqlite3.connect(store) as db:
            return int(db.execute("SELECT count(*) FROM texts").fetchone()[0])

    assert texts() == 3
    rooms.place("T-9").write_text("src")
    assert rooms.remembered() == {"T-2", "T-3", "T-9"}
    rooms.sweep({"T-2", "T-9"})
    assert (texts(), rooms.remembered()) == (3, {"T-3"})
    rooms.forget("shared", "T-3")
    assert texts() == 3  # for the next task there
    shutil.rmtree(rooms.path("shared"))
    rooms.sweep(())
    assert texts() == 0


def test_a_text_that_was_lost_is_not_made_up(rooms: Workspaces, home: Path) -> None:
    """Where the text of before is not kept, the file is named and not shown as new."""
    rooms.remember("shared", "T-2")
    with sqlite3.connect(home / "before" / "snapshots.sqlite") as db:
        db.execute("DELETE FROM texts")
    (rooms.path("shared") / "src" / "a.py").write_text("2\n")
    left = rooms.difference("shared", "T-2")
    assert (told(left), left.patch) == ([("src/a.py", "changed", None, None)], b"")


TAKING = """
import sys
from pathlib import Path
from bot.workspaces import Workspaces, snapshots
real = snapshots.files
def slow(root):
    for number, file in enumerate(real(root)):
        yield file
        if number == 1:
            print("midway", flush=True)
            sys.stdin.read()
snapshots.files = slow
Workspaces(Path(sys.argv[1]), None).remember("shared", "T-2")
"""


def test_a_snapshot_whose_taker_is_killed_is_taken_again(rooms: Workspaces, home: Path) -> None:
    """Killed in its midst it leaves none; whoever takes the task over takes it, as things are by then."""
    taker = subprocess.Popen(
        [sys.executable, "-c", TAKING, home / "workspaces"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert taker.stdout is not None
    assert taker.stdout.readline() == b"midway\n"
    taker.send_signal(signal.SIGKILL)
    taker.communicate()
    assert not rooms.knows("shared", "T-2")
    rooms.remember("shared", "T-2")
    assert rooms.knows("shared", "T-2")
    (rooms.path("shared") / "src" / "a.py").write_text("2\n")
    rooms.remember("shared", "T-2")  # a takeover takes no other
    assert told(rooms.difference("shared", "T-2")) == [("src/a.py", "changed", 1, 3)]


def test_a_workspace_that_is_gone_is_told(rooms: Workspaces) -> None:
    """Nobody takes it for a task that deleted all there was."""
    rooms.remember("shared", "T-2")
    shutil.rmtree(rooms.path("shared"))
    with pytest.raises(UserMistake, match="shared is gone, or on another machine"):
        rooms.difference("shared", "T-2")


def test_a_crowded_workspace_is_remembered_in_seconds(rooms: Workspaces) -> None:
    """Five thousand files take a fraction of what a task would notice."""
    folder = rooms.path("shared")
    for number in range(50):
        (folder / f"d{number}").mkdir()
        for more in range(100):
            (folder / f"d{number}" / f"{more}").write_text(f"{number} {more}\n" * 30)
    began = time.process_time()
    rooms.remember("shared", "T-2")
    rooms.difference("shared", "T-2")
    assert time.process_time() - began < 5
