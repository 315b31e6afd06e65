"""Workspaces: made for their owner, and listed without trusting what lies in them."""

import contextlib
import os
import resource
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Change
from bot.sandbox import Owner
from bot.workspaces import Workspaces, listing
from bot.workspaces.comparing import Difference
from bot.workspaces.listing import CACHES, MAX_DEPTH, TEXT_BYTES, files

NOBODY = 65_534


def listed(root: Path) -> dict[str, tuple[int, int | None]]:
    """What is listed below a folder: sizes, and lines of texts, by path."""
    found = ((file, file.text()) for file in files(root))
    return {file.path: (file.size, None if text is None else lines_of(text)) for file, text in found}


def lines_of(text: bytes) -> int:
    """How many lines a text has; a last one without an end counts."""
    return text.count(b"\n") + (not text.endswith(b"\n") and bool(text))


def descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def tree(home: Path) -> Path:
    """An empty folder that anyone can write to."""
    folder = home / "tree"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def nobody(tree: Path) -> Iterator[None]:
    """The test goes on as an ordinary user, whom permissions stop; the folder is there before and after."""
    assert tree
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)
    os.setegid(0)


def test_files_are_listed_with_size_and_lines(tree: Path) -> None:
    """Every regular file below the folder is listed by its path relative to it."""
    (tree / "a.txt").write_text("one\ntwo\n")
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "er" / "b").write_text("x")
    (tree / "deep" / ".hidden").write_text("")
    assert listed(tree) == {"a.txt": (8, 2), "deep/er/b": (1, 1), "deep/.hidden": (0, 0)}


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", 0),
        (b"a", 1),
        (b"a\n", 1),
        (b"a\nb", 2),
        (b"\n\n", 2),
        (b"a\r\nb\r\n", 2),
        (b"\xff\xfe\n", 1),
        (b"a\0b\n", None),
        (b"x" * TEXT_BYTES, 1),
        (b"x" * (TEXT_BYTES + 1), None),
    ],
    ids=range(10),
)
def test_lines_are_those_of_texts(tree: Path, content: bytes, lines: int | None) -> None:
    """A last line without an end counts; what holds a NUL or is too large has no lines."""
    (tree / "f").write_bytes(content)
    assert listed(tree) == {"f": (len(content), lines)}


def test_caches_are_left_out(tree: Path) -> None:
    """Caches and version control are not what a task made; a file of such a name is."""
    for name in CACHES:
        (tree / "sub" / name / "x").mkdir(parents=True)
        (tree / "sub" / name / "x" / "f").write_text("x")
    (tree / ".git").write_text("gitdir: elsewhere\n")
    assert listed(tree) == {".git": (18, 1)}


def test_no_link_is_followed(tree: Path, tmp_path: Path) -> None:
    """Links to files, to folders, to themselves and to nothing are neither followed nor listed."""
    (tmp_path / "secret").write_text("secret")
    for name, target in {
        "file": f"{tmp_path}/secret",
        "folder": f"{tmp_path}",
        "root": "/",
        "up": "..",
        "loop": "loop",
        "nothing": "gone",
        "own": "real",
    }.items():
        (tree / name).symlink_to(target)
    (tree / "real").write_text("x")
    assert listed(tree) == {"real": (1, 1)}


def test_a_root_that_is_a_link_is_refused(tree: Path, tmp_path: Path) -> None:
    """A folder that was replaced by a link is an error, and so is none at all."""
    (tmp_path / "link").symlink_to(tree)
    for root in (tmp_path / "link", tmp_path / "gone"):
        with pytest.raises(OSError, match=r"link|gone"):
            list(files(root))


def test_only_regular_files_are_opened(tree: Path) -> None:
    """A pipe or a socket is not listed, and does not hold the listing up."""
    os.mkfifo(tree / "pipe")
    with contextlib.chdir(tree):
        subprocess.run(
            [sys.executable, "-c", "import socket; socket.socket(socket.AF_UNIX).bind('socket')"], check=True
        )
    if os.geteuid() == 0:
        os.mknod(tree / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero never ends
    (tree / "f").write_text("x")
    assert listed(tree) == {"f": (1, 1)}


def test_a_deep_tree_ends_at_the_bound(tree: Path) -> None:
    """Three thousand folders in each other are listed as deep as the bound goes, with few descriptors."""
    made = os.open(tree, os.O_RDONLY)
    for _ in range(3_000):
        os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=made))
        os.mkdir("d", dir_fd=made)
        below = os.open("d", os.O_RDONLY, dir_fd=made)
        os.close(made)
        made = below
    os.close(made)
    found = listed(tree)
    assert len(found) == MAX_DEPTH
    assert max(found, key=len) == "d/" * (MAX_DEPTH - 1) + "f"
    subprocess.run(["rm", "-rf", tree / "d"], check=True)  # Python's own removal is recursive


def test_many_siblings_take_few_descriptors(tree: Path) -> None:
    """A thousand folders side by side need no thousand descriptors, and none is left open."""
    for n in range(1_000):
        (tree / str(n)).mkdir()
        (tree / str(n) / "f").write_text("x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + 50, hard))
    try:
        assert len(listed(tree)) == 1_000
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    unfinished = files(tree)
    next(unfinished)
    del unfinished
    assert descriptors() == before


def test_more_than_the_most_is_cut(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more entries than the bound, folders among them, no more than the bound are looked at."""
    monkeypatch.setattr(listing, "MAX_ENTRIES", 7)
    for n in range(10):
        (tree / f"f{n}").touch()
    assert len(listed(tree)) == 7
    (tree / "f0").unlink()
    for n in range(1, 10):
        (tree / f"f{n}").unlink()
        (tree / f"f{n}").mkdir()
        (tree / f"f{n}" / "f").touch()
    assert len(listed(tree)) == 3


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xc3\xa9", "caf\u00e9"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"two\nlines", "two\nlines"),
        (b"-rf", "-rf"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
)
def test_any_name_is_a_text(tree: Path, name: bytes, shown: str) -> None:
    """What is not UTF-8 in a name is told as U+FFFD; every path can be stored and sent."""
    workspaces = Workspaces(tree, None)
    folder = workspaces.create("t-1") / os.fsdecode(name)
    folder.mkdir()
    (folder / os.fsdecode(name)).write_text("x")
    left = workspaces.difference("t-1", "T-1")
    assert [(change.path, change.size, change.added) for change in left.changes] == [
        (f"{shown}/{shown}", 1, 1)
    ]
    assert left.changes[0].path.encode()


@pytest.mark.usefixtures("nobody")
def test_what_is_shut_is_listed_as_far_as_it_can_be_seen(tree: Path) -> None:
    """A file that its task made unreadable is listed without lines; a shut folder hides what is in it."""
    (tree / "open").write_text("x")
    (tree / "shut").write_text("x\ny\n")
    (tree / "folder").mkdir()
    (tree / "folder" / "f").write_text("x")
    (tree / "shut").chmod(0)
    (tree / "folder").chmod(0)
    assert listed(tree) == {"open": (1, 1), "shut": (4, None)}
    (tree / "folder").chmod(0o700)


@pytest.mark.usefixtures("nobody")
def test_a_task_cannot_shut_its_own_workspace(tree: Path) -> None:
    """`chmod 000 .` in a workspace keeps nobody from seeing what the task left."""
    workspaces = Workspaces(tree / "workspaces", None)
    path = workspaces.create("t-1")
    (path / "f").write_text("x\n")
    path.chmod(0)
    left = workspaces.difference("t-1", "T-1")
    assert [(change.path, change.how, change.size) for change in left.changes] == [("f", "added", 2)]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.binary(max_size=20)), max_size=8)
)
def test_every_file_is_listed_once(entries: list[tuple[str, str, bytes]]) -> None:
    """Whatever the order, each file is listed once with its size."""
    made = {f"{folder}/{name}": content for folder, name, content in entries}
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for path, content in made.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(content)
        found = list(files(root))
    assert sorted((file.path, file.size) for file in found) == sorted((p, len(c)) for p, c in made.items())


def test_a_workspace_is_made_once(tree: Path) -> None:
    """A new workspace is empty and closed to others; made again it keeps what is in it."""
    workspaces = Workspaces(tree / "deep" / "workspaces", None)
    path = workspaces.create("t-1")
    assert path == workspaces.path("t-1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711
    (path / "f").write_text("x")
    assert workspaces.create("t-1") == path
    assert (path / "f").read_text() == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_workspace_belongs_to_its_owner(tree: Path) -> None:
    """Where the bot is root the sandbox's user owns the workspace, also one left half-made by a crash."""
    workspaces = Workspaces(tree / "workspaces", Owner(64_123, 64_124))
    (tree / "workspaces" / "t-2").mkdir(mode=0o700)
    for name in ("t-1", "t-2"):
        found = workspaces.create(name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (64_123, 64_124, 0o700)
    assert (tree / "workspaces").stat().st_uid == 0


def test_changes_are_the_first_files_by_path(tree: Path) -> None:
    """At most two hundred files are named, in order, and the others counted."""
    workspaces = Workspaces(tree, None)
    path = workspaces.create("t-1")
    for n in range(205):
        (path / f"{n:03}").write_text("x\n")
    left = workspaces.difference("t-1", "T-1")
    changes = left.changes
    assert left.more == 5
    assert [change.path for change in changes] == [f"{n:03}" for n in range(200)]
    assert changes[0] == Change(path="000", how="added", size=2, added=1, removed=None)


def test_an_empty_workspace_has_no_changes(tree: Path) -> None:
    """A task that made nothing left nothing."""
    workspaces = Workspaces(tree, None)
    workspaces.create("t-1")
    assert workspaces.difference("t-1", "T-1") == Difference((), 0, b"")


def test_a_shared_workspace_shows_what_this_task_did(tree: Path) -> None:
    """Against what a task found there: new, changed and deleted files; what it left alone is not named."""
    workspaces = Workspaces(tree, None)
    folder = workspaces.create("shared")
    for name in ("kept", "edited", "gone"):
        (folder / name).write_text("1\n")
    workspaces.remember("shared", "T-2")
    (folder / "edited").write_text("2\n")
    (folder / "gone").unlink()
    (folder / "new").write_text("3\n")
    workspaces.remember("shared", "T-2")  # by whoever takes over: noted once
    changes = workspaces.difference("shared", "T-2").changes
    assert [(change.path, change.how, change.added, change.removed) for change in changes] == [
        ("edited", "changed", 1, 1),
        ("gone", "deleted", None, 1),
        ("new", "added", 1, None),
    ]
    workspaces.forget("shared", "T-2")
    workspaces.remember("shared", "T-3")
    assert workspaces.difference("shared", "T-3") == Difference((), 0, b"")
