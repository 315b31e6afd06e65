"""Walking and deleting what a hostile program left on disk."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from bot.sandbox import tree
from bot.sandbox.meters import Space, measure

PLENTY = Space(1 << 50, 1 << 40)


@pytest.fixture
def folder(room: Path) -> Iterator[int]:
    (room / "tree").mkdir()
    opened = os.open(room / "tree", tree.HANDLE)
    yield opened
    os.close(opened)


def dig(folder: int, depth: int, name: str) -> None:
    current = os.dup(folder)
    for _ in range(depth):
        os.mkdir(name, dir_fd=current)
        below = os.open(name, tree.HANDLE, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)


def test_a_tree_of_any_depth_is_counted_and_deleted(folder: int, room: Path) -> None:
    """3,000 nested folders with names of 200 characters, far beyond any path's length, stop neither."""
    dig(folder, 3000, "n" * 200)
    assert measure(folder, PLENTY, Event()).inodes == 3000
    tree.empty(folder)
    assert list((room / "tree").iterdir()) == []


def test_a_shut_folder_hides_nothing_and_stays_shut(folder: int, room: Path) -> None:
    """What lies below a folder without permissions counts, and the folder keeps its mode."""
    inner = room / "tree/shut/inner"
    inner.mkdir(parents=True)
    (inner / "big").write_bytes(bytes(1 << 20))
    inner.chmod(0)
    inner.parent.chmod(0)
    space = measure(folder, PLENTY, Event())
    assert space.inodes == 3
    assert space.used >= 1 << 20
    assert stat.S_IMODE(inner.parent.stat().st_mode) == 0
    tree.empty(folder)
    assert list((room / "tree").iterdir()) == []


def test_a_walk_that_is_broken_off_shuts_what_it_opened(folder: int, room: Path) -> None:
    """Reaching a limit half-way leaves no folder open that was shut."""
    inner = room / "tree/shut/inner"
    inner.mkdir(parents=True)
    for name in ("a", "b", "c"):
        (inner / name).touch()
    inner.parent.chmod(0)
    measure(folder, Space(1 << 50, 3), Event())
    assert stat.S_IMODE(inner.parent.stat().st_mode) == 0


def test_a_shut_root_is_counted_too(folder: int, room: Path) -> None:
    """An agent may shut its own workspace; that hides nothing either."""
    (room / "tree/file").touch()
    (room / "tree").chmod(0)
    assert measure(folder, PLENTY, Event()).inodes == 1
    assert stat.S_IMODE((room / "tree").stat().st_mode) == 0


def test_links_are_never_followed(folder: int, room: Path) -> None:
    """A symbolic link counts as itself, and deleting it leaves what it points to."""
    outside = room / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (room / "tree/to_folder").symlink_to(outside)
    (room / "tree/to_file").symlink_to(outside / "precious")
    (room / "tree/to_itself").symlink_to("to_itself")
    assert measure(folder, PLENTY, Event()).inodes == 3
    tree.empty(folder)
    assert (outside / "precious").read_text() == "kept"


def test_odd_entries_are_counted_and_deleted(folder: int, room: Path) -> None:
    """Pipes, sockets' files and names that are no UTF-8 are nothing special."""
    os.mkfifo(room / "tree/fifo")
    for name in (b"\xff\xfe", b"a\nb", b"-rf"):
        (room / "tree" / os.fsdecode(name)).touch()
    assert measure(folder, PLENTY, Event()).inodes == 4
    tree.empty(folder)
    assert list((room / "tree").iterdir()) == []


def test_a_file_with_many_names_takes_its_place_once(folder: int, room: Path) -> None:
    """Hard links share their bytes; their names count each."""
    (room / "tree/one").write_bytes(bytes(1 << 20))
    for number in range(9):
        os.link(room / "tree/one", room / f"tree/{number}")
    space = measure(folder, PLENTY, Event())
    assert space.inodes == 10
    assert 1 << 20 <= space.used < 2 << 20


def test_a_folder_moved_under_the_walk_is_noticed(folder: int, room: Path) -> None:
    """The walk climbs through `..`; moved elsewhere it would come out in the wrong place, so it stops."""
    (room / "tree/a/b").mkdir(parents=True)
    (room / "tree/a/b/file").touch()
    (room / "elsewhere").mkdir()

    def walk() -> None:
        for _, entry in tree.walk(folder):
            if not isinstance(entry, str) and entry.name == "file":
                (room / "tree/a/b").rename(room / "elsewhere/b")

    with pytest.raises(tree.Moved):
        walk()


def test_a_folder_shut_under_the_walk_is_opened_again(folder: int, room: Path) -> None:
    """Whoever shuts the way back up ends no walk, hides nothing, and finds it as shut afterwards."""
    dig(folder, 3, "d")
    outer = room / "tree" / "d"
    (outer / "file").touch()
    seen = []
    for _, entry in tree.walk(folder):
        if not isinstance(entry, str):
            seen.append(entry.name)
            if len(seen) == 4:
                outer.chmod(0)
    assert sorted(seen) == ["d", "d", "d", "file"]
    assert stat.S_IMODE(outer.stat().st_mode) == 0
    outer.chmod(0o700)


def test_counting_ends_where_the_limit_is_passed(folder: int, room: Path) -> None:
    """A bomb of files is not counted to its end."""
    for number in range(50):
        (room / f"tree/{number}").touch()
    assert measure(folder, Space(1 << 50, 10), Event()).inodes == 11


def test_counting_ends_when_told(folder: int, room: Path) -> None:
    """A run that is over does not wait for a long count."""
    for number in range(50):
        (room / f"tree/{number}").touch()
    stop = Event()
    stop.set()
    assert measure(folder, PLENTY, stop).inodes == 1
