"""Rooms for sandboxed runs, which an unprivileged user can enter even where the tests run as root."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.sandbox import Owner, Sandbox, SandboxUnavailable, landlock, owner_for_this_process, tree
from bot.sandbox.availability import find_bwrap


@pytest.fixture
def owner() -> Owner | None:
    return owner_for_this_process()


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that others can pass through; pytest's own lies below one that they cannot."""
    path = Path(tempfile.mkdtemp(prefix="legwork-sandbox-"))
    path.chmod(0o711)
    yield path
    folder = os.open(path, tree.HANDLE)
    tree.empty(folder)
    os.close(folder)
    path.rmdir()


@pytest.fixture
def scratch(room: Path) -> Path:
    return room / "scratch"


@pytest.fixture
def make_workspace(room: Path, owner: Owner | None) -> Callable[[str], Path]:
    """Makes workspaces as the bot does: each belongs to the owner."""

    def make(name: str) -> Path:
        path = room / name
        path.mkdir()
        if owner:
            os.chown(path, owner.uid, owner.gid)
        return path

    return make


@pytest.fixture
def workspace(make_workspace: Callable[[str], Path]) -> Path:
    return make_workspace("ws")


@pytest.fixture
def sandbox(scratch: Path, owner: Owner | None) -> Sandbox:
    try:
        find_bwrap(None, owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    return Sandbox(scratch, owner)


@pytest.fixture
def landlocked(scratch: Path, owner: Owner | None) -> Sandbox:
    """A sandbox that Landlock keeps in."""
    try:
        landlock.find(owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    return Sandbox(scratch, owner, kind="landlock")


@pytest.fixture
def survivors(workspace: Path) -> Callable[[], list[int]]:
    """Finds the processes that still have the workspace mounted."""

    def look() -> list[int]:
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    mounts = (path / "mountinfo").read_text(errors="replace")
                except OSError:
                    continue
                if f"{workspace} /workspace " in mounts:
                    found.append(int(path.name))
        return found

    return look
