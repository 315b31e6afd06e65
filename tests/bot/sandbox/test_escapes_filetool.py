"""Attempts to reach what lies outside of a workspace through the bot's own file tools, or to hold them up."""

import asyncio
import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UserMistake
from bot.sandbox import Limits, Owner
from bot.workspaces import Files
from tests.fakes.escapes import attempts, name_of
from tests.fakes.terminal import Legwork

ATTEMPTS = attempts("filetool")
CANARY = b"CANARY-OTHER"
MOST = 1 << 20
GIB = 1 << 30
RACES = 5000
DEEP, DEEP_NAME = 1000, "d" * 10  # deeper than any path can name
# Swaps a folder for a link, each time in one step, until it is ended: renameat2(2) with RENAME_EXCHANGE.
SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
here, there = map(os.fsencode, sys.argv[1:])
print(flush=True)
while True:
    libc.renameat2(-100, here, -100, there, 2)
"""


class Place:
    """A workspace with everything planted in it that the corpus names, and what it must not reach."""

    def __init__(self, room: Path, root: Path, owner: Owner | None) -> None:
        self.root = root
        self.other = room / "ws_other"
        self.other.mkdir()
        self.secret = self.other / "secret.txt"
        self.secret.write_bytes(CANARY)
        for path in (self.other, self.secret):
            path.chmod(0o777)  # whoever may not reach it is kept out by the tools alone
        (root / "ln_file").symlink_to(self.secret)
        (root / "ln_dir").symlink_to(self.other)
        (root / "ln_proc").symlink_to("/proc/self")
        (root / "hard").hardlink_to(self.secret)
        (root / "sub").mkdir()
        (root / "sub" / "f").write_bytes(b"inside")
        os.mkfifo(root / "fifo")
        with (root / "zeros").open("wb") as zeros:
            zeros.truncate(GIB)
        if owner:
            for path in (root / "sub", root / "sub" / "f", root / "fifo", root / "zeros"):
                os.chown(path, owner.uid, owner.gid)
        self.files = Files(root, owner, Limits())

    def call(self, run: str) -> bytes:
        """What `read('…')` or `write('…',b'…')` of the corpus answers, in the tools' own code."""
        if run == "write('a'*300,b'x')":
            run = f"write('{'a' * 300}',b'x')"
        match = re.fullmatch(r"(read|write)\('(.*?)'(?:,b'(\w*)')?\)", run)
        assert match, run
        path = match[2].replace("@OTHER@", str(self.other)).replace("\\0", "\0").replace("\\n", "\n")
        if match[1] == "write":
            self.files.write(path, match[3].encode())
            return b""
        return self.files.read(path, MOST)[0]

    def untouched(self) -> bool:
        """Whether what lies outside is as it was."""
        return os.listdir(self.other) == ["secret.txt"] and self.secret.read_bytes() == CANARY  # noqa: PTH208 - names alone


@pytest.fixture
def place(room: Path, workspace: Path, owner: Owner | None) -> Place:
    return Place(room, workspace, owner)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=name_of)
def test_a_call_of_the_corpus_stays_inside(attempt: dict[str, Any], place: Place) -> None:
    """It is refused or not, as its line says, at once; nothing of the other workspace is read or changed."""
    began = time.monotonic()
    got = b""
    refused = False
    try:
        got = place.call(attempt["run"])
    except UserMistake:
        refused = True
    assert refused == attempt["check"]["refused"]
    assert CANARY not in got
    assert len(got) <= MOST
    assert place.untouched()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "path",
    ["../ws_other/secret.txt", "@OTHER@/secret.txt", "ln_file", "ln_dir/secret.txt", "hard"],
)
def test_an_ordinary_open_reaches_the_canary(place: Place, path: str) -> None:
    """The test above would notice tools that open what they are told to."""
    assert (place.root / path.replace("@OTHER@", str(place.other))).read_bytes() == CANARY


@pytest.mark.parametrize(
    "path",
    [
        "ln_dir/secret.txt",
        "sub/../../ws_other/secret.txt",
        "./../ws_other/secret.txt",
        "sub//..//..//ws_other/secret.txt",
        "ln_file/",
        "ln_proc/cwd/secret.txt",
        "ln_proc/root/etc/passwd",
        "ln_proc/fd/0",
        "/proc/self/cwd",
        "//etc/passwd",
        "..",
        "../",
        "sub/..",
        "~/.ssh/id_ed25519",
        "$HOME/.ssh",
        "file:///etc/passwd",
        "．．/ws_other/secret.txt",  # noqa: RUF001 - full stops of full width, which some systems take for dots
        "..\\ws_other\\secret.txt",
        "%2e%2e/ws_other/secret.txt",
        "..\u200b/ws_other/secret.txt",
        "SUB/F",
        "sub/f/",
        "sub/f/.",
        "sub/f/..",
        "zeros/x",
        "fifo/x",
    ],
)
def test_a_neighbour_of_these_paths_stays_inside(place: Place, path: str) -> None:
    """However it is spelled, nothing outside is read or written; a path is taken by its bytes alone."""
    with contextlib.suppress(UserMistake):
        assert place.files.read(path, MOST)[0] == b"inside"
    with contextlib.suppress(UserMistake):
        place.files.write(path, b"PWN")
    with contextlib.suppress(UserMistake):
        assert not [entry for entry in place.files.entries(path) if "secret" in entry.path]
    assert place.untouched()


def device(place: Place, name: str) -> None:
    """A device, as an old archive or a mount could have left it."""
    if os.geteuid():
        pytest.skip("only root makes devices")
    try:
        os.mknod(place.root / name, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container makes no devices")


def listening(place: Place, name: str) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place.root / name))


@pytest.mark.parametrize("plant", [device, listening], ids=["device", "socket"])
def test_what_is_no_file_is_refused_at_once(place: Place, plant: Callable[[Place, str], None]) -> None:
    """An endless device is not even opened to be read, a socket not connected to."""
    plant(place, "odd")
    (place.root / "odd").chmod(0o666)
    began = time.monotonic()
    with pytest.raises(UserMistake):
        place.files.read("odd", MOST)
    with pytest.raises(UserMistake):
        place.files.write("odd", b"x")
    assert time.monotonic() - began < 1


def test_names_that_look_alike_are_several_files(place: Place) -> None:
    """Composed and decomposed letters, and letters of both cases, are not taken for each other."""
    names = ["\u00e9", "e\u0301", "E\u0301", "\ufb01", "fi"]
    for number, name in enumerate(names):
        place.files.write(name, bytes([number]))
    assert [place.files.read(name, 9)[0] for name in names] == [bytes([n]) for n in range(len(names))]


def test_a_very_deep_tree_holds_nothing_up(place: Place) -> None:
    """A thousand folders in each other are listed as far as paths go, without recursion."""
    folder = os.open(place.root, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir(DEEP_NAME, 0o777, dir_fd=folder)
        below = os.open(DEEP_NAME, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    began = time.monotonic()
    assert sum(1 for entry in place.files.below() if entry.path.startswith("d")) >= 300
    with pytest.raises(UserMistake):
        place.files.read(f"{DEEP_NAME}/" * DEEP + "f", MOST)
    assert time.monotonic() - began < 10


def test_a_folder_that_was_shut_is_passed_over(place: Place) -> None:
    """It is a sentence to whoever names it, and stops nobody who lists the rest."""
    (place.root / "sub").chmod(0)
    with pytest.raises(UserMistake, match="chmod"):
        place.files.read("sub/f", MOST)
    assert {entry.path for entry in place.files.below()} >= {"sub", "zeros"}
    (place.root / "sub").chmod(0o755)


def test_a_file_that_grows_is_read_once(place: Place) -> None:
    """No more is read than was asked for, however fast it grows."""
    growing = place.root / "sub" / "f"
    stop = threading.Event()

    def grow() -> None:
        with growing.open("ab") as file:
            while not stop.is_set():
                file.write(bytes(1 << 16))
                if file.tell() > 64 * MOST:
                    file.truncate(6)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(50):
            content, in_all = place.files.read("sub/f", 1000)
            assert len(content) <= 1000 <= max(in_all, 1000)
    finally:
        stop.set()
        writer.join()


@pytest.fixture
def swapping(place: Place) -> Iterator[None]:
    """`sub` and a link to the other workspace change places all the time."""
    (place.other / "f").write_bytes(CANARY)
    with subprocess.Popen(
        [sys.executable, "-c", SWAP, place.root / "sub", place.root / "ln_dir"], stdout=subprocess.PIPE
    ) as swapper:
        assert swapper.stdout
        swapper.stdout.readline()
        yield
        swapper.kill()


@pytest.mark.usefixtures("swapping")
def test_five_thousand_reads_in_a_race_leak_nothing(place: Place) -> None:
    """A folder that becomes a link between two steps is never gone through."""
    got = []
    for _ in range(RACES):
        with contextlib.suppress(UserMistake):
            got.append(place.files.read("sub/f", MOST)[0])
    assert set(got) == {b"inside"}


@pytest.mark.usefixtures("swapping")
def test_the_same_race_is_lost_by_a_check_beforehand(place: Place) -> None:
    """Looking where a path leads and then opening it leaks: the test above would notice tools that do so."""
    target = place.root / "sub" / "f"
    until = time.monotonic() + 30
    leaked = False
    while not leaked and time.monotonic() < until:
        with contextlib.suppress(OSError):
            if target.resolve().is_relative_to(place.root.resolve()):
                leaked = target.read_bytes() == CANARY
    assert leaked


async def test_the_command_line_is_the_tools_own_code(place: Place, home: Path) -> None:
    """`legwork workspace` refuses what the tools refuse: it ends with 1 and tells nothing."""
    legwork = Legwork(home)
    ends = await asyncio.gather(
        *(
            legwork("workspace", command, "--workspace", str(place.root), path)
            for command, path in (
                ("read", "../ws_other/secret.txt"),
                ("read", "hard"),
                ("read", "ln_proc/environ"),
                ("read", "fifo"),
                ("list", "ln_dir"),
                ("unpack", "ln_file"),
            )
        )
    )
    assert [(ended.code, ended.out) for ended in ends] == [(1, "")] * len(ends)
    assert not [ended.err for ended in ends if CANARY.decode() in ended.err or ended.err.count("\n") != 1]
    assert place.untouched()
