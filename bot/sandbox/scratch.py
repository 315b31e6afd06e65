"""A run's own /tmp and /dev/shm, on disk, and the clearing up after a bot that died.

A run holds a lock on its folder for as long as its bot lives, so several bots can share one scratch folder
and a frozen one is not robbed of its own.
"""

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path

from bot.sandbox import pidfd, tree
from bot.sandbox.terms import Owner

_PREFIX = "run-"
_TEMPORARY, _SHARED_MEMORY = "tmp", "shm"
_DEATH_S = 5.0


class Scratch:
    """The scratch folders of one run.

    Args:
        scratch: The folder that holds those of all runs; made where it is missing.
        owner: Who writes to them, where the bot is root.

    Raises:
        OSError: They cannot be made.
    """

    def __init__(self, scratch: Path, owner: Owner | None) -> None:
        passable = 0o711 if owner else 0o700  # the owner's bubblewrap must reach what lies below
        scratch.mkdir(mode=passable, parents=True, exist_ok=True)
        self.path, self.folder = _locked(scratch)
        try:
            os.fchmod(self.folder, passable)
            self.temporary = self._make(_TEMPORARY, owner)
            self.shared_memory = self._make(_SHARED_MEMORY, owner)
        except OSError:
            os.close(self.folder)  # the next sweep takes what was made
            raise

    def _make(self, name: str, owner: Owner | None) -> int:
        os.mkdir(name, 0o700, dir_fd=self.folder)
        made = os.open(name, tree.FOLDER, dir_fd=self.folder)
        if owner:
            os.fchown(made, owner.uid, owner.gid)
        return made

    def remove(self) -> None:
        """Delete the folders with everything in them. The sandbox must be dead."""
        os.close(self.temporary)
        os.close(self.shared_memory)
        try:
            tree.empty(self.folder)
            self.path.rmdir()
        finally:
            os.close(self.folder)


def sweep(scratch: Path) -> int:
    """Remove what dead bots left: their sandboxes, should one still run, and their scratch folders.

    Call it at start, and whenever convenient; folders of living bots are left alone.

    Args:
        scratch: The folder that holds the scratch folders of all runs.

    Returns:
        How many left-over scratch folders were removed.
    """
    removed = 0
    for path in scratch.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # another sweep got there first, or the next one will
            folder = os.open(path, tree.FOLDER)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _kill_users_of(path.name):
                    tree.empty(folder)
                    path.rmdir()
                    removed += 1
            finally:
                os.close(folder)
    return removed


def _locked(scratch: Path) -> tuple[Path, int]:
    """A new folder with our lock on it; a sweep may have taken it between the two."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=scratch))
        with contextlib.suppress(FileNotFoundError):
            folder = os.open(path, tree.FOLDER)
            fcntl.flock(folder, fcntl.LOCK_EX)
            if os.fstat(folder).st_nlink:
                return path, folder
            os.close(folder)


def _kill_users_of(run: str) -> bool:
    """End what still holds a run's scratch: a sandbox whose bot died before it was let go.

    Returns:
        Whether nothing uses it any more.
    """
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        with contextlib.suppress(OSError):  # gone, the kernel's own, or somebody else's
            process = pidfd.open_process(pid)
            try:
                if pid != os.getpid() and _holds(pid, f"/{run}/{_TEMPORARY}"):
                    pidfd.send_kill(process)
                    if not pidfd.wait_dead(process, _DEATH_S):
                        return False
            finally:
                os.close(process)
    return True


def _holds(pid: int, folder: str) -> bool:
    """Whether a process has a folder mounted or, in the middle of its setting up, open."""
    process = Path(f"/proc/{pid}")
    if f"{folder} " in (process / "mountinfo").read_text(errors="replace"):
        return True
    return any(str(link.readlink()).endswith(folder) for link in (process / "fd").iterdir())
