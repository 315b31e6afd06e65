"""Files of a workspace, read and written from outside: nothing leads out of it, and nothing hangs."""

import os
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UserMistake
from bot.sandbox import Limits, Owner, owner_for_this_process
from bot.workspaces import Change, Files
from bot.workspaces.acting import acting_as
from bot.workspaces.names import inside, shown

SECRET = b"CANARY-SECRET"
GIB = 1 << 30
# Swaps two names, each time in one step, until it is ended: renameat2(2) with RENAME_EXCHANGE.
SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
here, there = map(os.fsencode, sys.argv[1:])
while True:
    libc.renameat2(-100, here, -100, there, 2)
"""


@pytest.fixture
def owner() -> Owner | None:
    """Who owns the workspace: somebody else, where the tests run as root."""
    return owner_for_this_process()


@pytest.fixture
def root(home: Path, owner: Owner | None) -> Path:
    """A workspace, with a secret beside it."""
    (home / "secret").write_bytes(SECRET)
    (home / "secret").chmod(0o644)
    path = home / "ws"
    path.mkdir(mode=0o700)
    if owner:
        os.chown(path, owner.uid, owner.gid)
    return path


@pytest.fixture
def files(root: Path, owner: Owner | None) -> Files:
    """Its files."""
    return Files(root, owner, Limits(disk_bytes=8 << 20, inodes=200))


def content(files: Files, path: str) -> bytes:
    return files.read(path, 1 << 20)[0]


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_what_was_written_is_read(files: Files, root: Path, owner: Owner | None) -> None:
    """Folders are made on the way, everything belongs to the workspace's owner, nothing is left over."""
    files.write("a/b/c.txt", b"one")
    files.write("./a//b/c.txt", b"two")
    assert content(files, "a/b/c.txt") == b"two"
    assert names(root) == {"a", "a/b", "a/b/c.txt"}
    about = (root / "a/b/c.txt").stat()
    assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (owner.uid if owner else os.getuid(), 0o644)


def test_a_file_keeps_its_permissions(files: Files, root: Path) -> None:
    """A script stays one when it is written anew, but it does not become somebody else."""
    files.write("run.sh", b"one")
    (root / "run.sh").chmod(0o4755)
    files.write("run.sh", b"two")
    assert stat.S_IMODE((root / "run.sh").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "a/../../secret",
        "a/..",
        "..",
        "/etc/passwd",
        "/workspace/a",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "a\udcff",
        "a" * 256,
        "a/" * 2001,
        "",
        ".",
        "//",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(files: Files, root: Path, path: str) -> None:
    """Up, absolute, with control characters, too long, or the workspace itself: none is read or written."""
    with pytest.raises(UserMistake):
        files.read(path, 10)
    with pytest.raises(UserMistake):
        files.write(path, b"x")
    assert names(root) == set()


def test_no_link_is_followed(files: Files, root: Path, home: Path) -> None:
    """Links out, links within, links in the middle of a path and into /proc are refused to whoever reads."""
    files.write("real/f", b"x")
    for name, target in {
        "file": str(home / "secret"),
        "passwd": "/etc/passwd",
        "up": "..",
        "slash": "/",
        "proc": "/proc/self",
        "own": "real",
        "loop": "loop",
    }.items():
        (root / name).symlink_to(target)
    for path in (
        "file",
        "passwd",
        "up/secret",
        "slash/etc/passwd",
        "proc/environ",
        "proc/root",
        "own/f",
        "loop",
    ):
        with pytest.raises(UserMistake, match="symbolic link"):
            files.read(path, 10)
    for path in ("up/new", "slash/tmp/new", "own/f", "loop/x"):
        with pytest.raises(UserMistake, match="symbolic link"):
            files.write(path, b"x")
    for path in ("up", "proc", "own"):
        with pytest.raises(UserMistake, match=r"symbolic link|is a file"):
            files.entries(path)
    assert not (home / "new").exists()
    assert {entry.path for entry in files.below()} >= {"real", "real/f", "loop"}
    assert not any("secret" in entry.path for entry in files.below())


def test_a_write_replaces_a_link(files: Files, root: Path, home: Path) -> None:
    """What the link leads to is not touched."""
    (root / "link").symlink_to(home / "secret")
    files.write("link", b"mine")
    assert (home / "secret").read_bytes() == SECRET
    assert content(files, "link") == b"mine"


def test_a_hard_link_is_not_read_and_its_other_name_keeps_its_content(
    files: Files, root: Path, home: Path
) -> None:
    """Another name of a file may lie anywhere: it is not read, and a write makes a file of its own."""
    (root / "hard").hardlink_to(home / "secret")
    with pytest.raises(UserMistake, match="hard link"):
        files.read("hard", 10)
    files.write("hard", b"mine")
    assert (home / "secret").read_bytes() == SECRET
    assert content(files, "hard") == b"mine"


def test_nothing_hangs_on_what_is_no_file(files: Files, root: Path) -> None:
    """A pipe, a socket and a folder are refused at once, for reading and for writing."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        (root / "folder").mkdir()
        for name in ("pipe", "socket", "folder"):
            (root / name).chmod(0o777)
            with pytest.raises(UserMistake, match=r"ordinary file|is a folder"):
                files.read(name, 10)
            with pytest.raises(UserMistake, match=r"ordinary file|is a folder"):
                files.write(name, b"x")
    assert {entry.path: entry.kind for entry in files.entries()} == {
        "pipe": "other",
        "socket": "other",
        "folder": "folder",
    }


def test_of_a_huge_file_only_the_beginning_is_read(files: Files, root: Path) -> None:
    """A sparse gigabyte costs no more than what was asked for."""
    with (root / "zeros").open("wb") as file:
        file.truncate(GIB)
    began = time.monotonic()
    assert files.read("zeros", 1000) == (bytes(1000), GIB)
    assert time.monotonic() - began < 1


def test_a_file_that_its_owner_shut_is_a_sentence(files: Files, root: Path) -> None:
    """Root's rights are not used for the agent; a workspace that was shut as a whole is opened up."""
    files.write("f", b"x")
    (root / "f").chmod(0)
    with pytest.raises(UserMistake, match="chmod"):
        files.read("f", 10)
    (root / "f").chmod(0o600)
    root.chmod(0)
    assert content(files, "f") == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could read what is root's")
def test_what_is_roots_stays_roots(files: Files, root: Path) -> None:
    """The agent's user may not read it, so the bot does not read it for the agent."""
    (root / "root").write_bytes(SECRET)
    (root / "root").chmod(0o600)
    with pytest.raises(UserMistake, match="permissions"):
        files.read("root", 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as others")
def test_only_the_one_thread_acts_as_the_owner(home: Path, owner: Owner | None) -> None:
    """Other threads stay root, and so does this one afterwards, however the context ends."""
    groups = os.getgroups()
    with ThreadPoolExecutor(1) as other:
        other.submit(home.stat).result()  # a new thread would be who its maker is

        def fail() -> None:
            with acting_as(owner):
                other.submit((home / "theirs").write_text, "").result()
                (home / "mine").write_text("")

        with pytest.raises(PermissionError):
            fail()
    (home / "mine").write_text("")
    assert {(home / name).stat().st_uid for name in ("theirs", "mine")} == {0}
    assert os.getgroups() == groups


def test_a_full_workspace_takes_no_more(files: Files, root: Path) -> None:
    """Neither more bytes than it may hold, nor more names; what is there stays."""
    files.write("f", b"x")
    with pytest.raises(UserMistake, match="8 MiB"):
        files.write("f", bytes(9 << 20))
    for number in range(199):
        (root / str(number)).touch()
    with pytest.raises(UserMistake, match="200 files"):
        files.write("more", b"x")
    assert content(files, "f") == b"x"


def test_changes_are_made_all_or_none(files: Files, root: Path) -> None:
    """Where one of several cannot be written, the others are as they were."""
    files.change([Change("a", b"1"), Change("b/c", b"2")])
    (root / "d").mkdir()
    (root / "d").chmod(0o777)
    for bad in (Change("d", b"x"), Change("gone", None), Change("a/x", b"x"), Change("../x", b"x")):
        with pytest.raises(UserMistake):
            files.change([Change("a", b"new"), Change("b/c", None), Change("new", b"x"), bad])
        assert (content(files, "a"), content(files, "b/c")) == (b"1", b"2")
        assert names(root) == {"a", "b", "b/c", "d"}
    files.change([Change("a", None), Change("b/c", b"3"), Change("e", b"4")])
    assert names(root) == {"b", "b/c", "d", "e"}
    assert content(files, "b/c") == b"3"


def test_a_change_that_fails_late_is_undone(files: Files, root: Path, owner: Owner | None) -> None:
    """A folder where nothing may be renamed any more undoes what was renamed before it."""
    files.change([Change("a", b"1"), Change("b/c", b"2")])
    if owner is None:
        pytest.skip("only root can leave a file that its folder's owner may not replace")
    shared = root / "b"
    os.chown(shared, 0, 0)
    shared.chmod(0o1777)  # sticky: each may replace their own alone
    os.chown(shared / "c", 0, 0)
    (shared / "c").chmod(0o644)
    with pytest.raises(UserMistake):
        files.change([Change("a", b"new"), Change("n", b"new"), Change("b/c", b"new")])
    assert content(files, "a") == b"1"
    assert names(root) == {"a", "b", "b/c"}


def test_odd_names_are_listed_so_that_they_can_be_seen(files: Files, root: Path) -> None:
    """Line ends, escapes and broken bytes in names are spelled out."""
    for name in (b"a\nb", b"-rf", b"\x1b[31m", b"\xff\xfe", "\u202ecod".encode()):
        (root / os.fsdecode(name)).touch()
    shown_names = {entry.path for entry in files.entries()}
    assert shown_names == {r"a\nb", "-rf", r"\x1b[31m", r"\udcff\udcfe", r"\u202ecod"}


@pytest.mark.parametrize("read", [True, False], ids=["read", "write"])
def test_a_race_leads_nowhere(files: Files, root: Path, home: Path, *, read: bool) -> None:
    """A folder that is swapped for a link thousands of times a second never lets anything out or in."""
    outside = home / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    (outside / "f").write_bytes(SECRET)
    files.write("swapped/f", b"inside")
    (root / "link").symlink_to(outside)
    with subprocess.Popen([sys.executable, "-c", SWAP, root / "swapped", root / "link"]) as swapper:
        seen: dict[bytes, int] = dict.fromkeys((b"inside", b"refused"), 0)
        until = time.monotonic() + 30
        try:
            while min(seen.values()) < 100 and time.monotonic() < until:
                try:
                    if read:
                        got = content(files, "swapped/f")
                    else:
                        files.write("swapped/f", got := b"inside")
                    seen[got] = seen.get(got, 0) + 1
                except UserMistake:
                    seen[b"refused"] += 1
        finally:
            swapper.kill()
    assert set(seen) == {b"inside", b"refused"}
    assert min(seen.values()) >= 100
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"f": SECRET}


@given(
    st.text(max_size=40), st.lists(st.sampled_from(["..", ".", "", "a", "b c", "\n", "~", "\\"]), max_size=6)
)
def test_a_path_has_one_form_below_the_workspace(text: str, parts: list[str]) -> None:
    """Whatever is asked for is refused or stays below; its form is final."""
    for path in (text, "/".join(parts)):
        try:
            named = inside(path)
        except UserMistake:
            continue
        assert not named.startswith("/")
        assert ".." not in named.split("/")
        assert inside(named) == named
        assert shown(named) == named
