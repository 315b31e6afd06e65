"""Walking a folder that a hostile program has filled.

`os.fwalk` and `shutil.rmtree` recurse, so a deep enough tree stops them. This walk holds one folder open at a
time whatever the depth, climbs back through `..` and checks that it arrived where it came from. It never
follows a symbolic link and never leaves the file system it started on.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import UserMistake

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
HANDLE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

TO_READ = stat.S_IRUSR | stat.S_IXUSR
TO_CHANGE = TO_READ | stat.S_IWUSR

_TRIES = 8  # to open a folder that somebody shuts again in the same moment


class Moved(OSError):
    """A folder was moved away, or shut again and again, while it was being walked."""


@dataclass(slots=True)
class _Level:
    """A folder on the way down: its name, who it is, the mode to put back, what is still to be entered."""

    name: str
    identity: tuple[int, int]
    shut: int | None
    inner: list[str] = field(default_factory=list)


def open_root(path: Path) -> int:
    """A descriptor of a workspace, which its own programs may have shut: it is opened up.

    Raises:
        UserMistake: It is no folder.
    """
    try:
        folder = os.open(path, HANDLE)
    except OSError as fault:
        why = os.strerror(fault.errno or 0)
        raise UserMistake(
            f"The workspace {path} cannot be used ({why}); name a folder that exists."
        ) from fault
    mode = os.fstat(folder).st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(f"/proc/self/fd/{folder}", stat.S_IMODE(mode) | stat.S_IRWXU)  # noqa: PTH101 - a descriptor, not a path
    return folder


def walk(root: int, needed: int = TO_READ) -> Iterator[tuple[int, "os.DirEntry[str] | str"]]:
    """Every entry below a folder, depth first.

    A folder that its owner shut is opened up while it is walked and gets its mode back afterwards.

    Args:
        root: A descriptor of the folder; it stays open.
        needed: Permission bits that the walk and its user need on each folder.

    Yields:
        A descriptor of the folder that holds the entry, and the entry: an `os.DirEntry` when it is found, for
        a folder its bare name once more when everything inside has been walked. Good until the next step.

    Raises:
        OSError: The folder itself cannot be read.
        Moved: The tree changed so that the walk lost its way; what was walked until then is true.
    """
    current, shut = _open(root, needed)
    levels = [_Level("", _identity(current), shut)]
    try:
        while True:
            with os.scandir(current) as entries:
                for entry in entries:
                    yield current, entry
                    if entry.is_dir(follow_symlinks=False):
                        levels[-1].inner.append(entry.name)
            while (below := _enter_next(current, levels, needed)) is None:
                if len(levels) == 1:
                    return
                current, left = _climb(current, levels, needed)
                yield current, left
            os.close(current)
            current = below
    finally:
        with contextlib.suppress(OSError):
            while len(levels) > 1 and any(level.shut is not None for level in levels):
                current, _ = _climb(current, levels, needed)
        _shut(current, levels[-1])
        os.close(current)


def empty(root: int) -> None:
    """Delete everything below a folder, whatever it is.

    Args:
        root: A descriptor of the folder.

    Raises:
        OSError: Something could not be deleted.
    """
    for folder, entry in walk(root, TO_CHANGE):
        if isinstance(entry, str):
            os.rmdir(entry, dir_fd=folder)
        elif not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.name, dir_fd=folder)


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _enter_next(current: int, levels: list[_Level], needed: int) -> int | None:
    """Open the next folder inside the current one that can be entered; None where there is none left."""
    here = levels[-1]
    while here.inner:
        name = here.inner.pop()
        with contextlib.suppress(OSError):  # gone since it was listed, or not ours
            handle = os.open(name, HANDLE, dir_fd=current)
            try:
                identity = _identity(handle)
                if identity[0] != here.identity[0]:
                    continue
                below, shut = _open(handle, needed)
            finally:
                os.close(handle)
            levels.append(_Level(name, identity, shut))
            return below
    return None


def _open(handle: int, needed: int) -> tuple[int, int | None]:
    """Open the very folder behind a descriptor to be read; if it was shut, with the mode to put back."""
    magic = f"/proc/self/fd/{handle}"
    before = None
    for _ in range(_TRIES):
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode & needed != needed and os.geteuid() != 0:  # nothing is shut for root
            before = mode
            os.chmod(magic, mode | needed)  # noqa: PTH101 - a descriptor, not a path
        with contextlib.suppress(PermissionError):
            return os.open(magic, FOLDER & ~os.O_NOFOLLOW), before
    raise Moved("A folder is shut again and again while it is being walked.")


def _climb(current: int, levels: list[_Level], needed: int) -> tuple[int, str]:
    """Go up to the folder that this one was entered from; answers it and the name of the one left."""
    here, there = levels[-1], levels[-2]
    try:
        handle = os.open("..", HANDLE, dir_fd=current)
    except PermissionError as shut:
        raise Moved(f"The folder {here.name!r} was shut while it was being walked.") from shut
    try:
        if _identity(handle) != there.identity:
            raise Moved(f"The folder {here.name!r} was moved while it was being walked.")
        above, mode = _open(handle, needed)  # it may have been shut since it was left
        there.shut = mode if there.shut is None else there.shut
    finally:
        os.close(handle)
    left = levels.pop()
    _shut(current, left)
    os.close(current)
    return above, left.name


def _shut(folder: int, level: _Level) -> None:
    if level.shut is not None:
        with contextlib.suppress(OSError):  # deleted meanwhile, or no longer ours
            os.fchmod(folder, level.shut)
        level.shut = None
