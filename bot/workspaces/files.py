"""Reading and writing the files of a workspace from outside its sandbox.

What lies there was put there by a program that may be hostile and may still run. So every path is opened by
the kernel's own rules (`bot.workspaces.beneath`), as the workspace's owner, without waiting; what is opened
is looked at before it is read; and what is written takes its name in one step.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, Literal

from bot.errors import UserMistake
from bot.sandbox import Limits, Owner, meters, tree
from bot.workspaces.acting import acting_as
from bot.workspaces.beneath import open_beneath
from bot.workspaces.listing import CACHES
from bot.workspaces.names import inside, shown
from bot.workspaces.writing import Change, put_in_place

Kind = Literal["file", "folder", "link", "other"]

MOST_ENTRIES = 50_000  # of a folder, or of a tree, that are looked at
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_DIRECTORY

_WHY = {
    errno.ENOENT: "There is no {path}. List its folder to see what there is.",
    errno.ENOTDIR: "A part of {path} is a file and no folder. List the folder to see what there is.",
    errno.ELOOP: "{path} is a symbolic link or goes through one, and links are not followed. Name the file "
    "itself, or use the terminal.",
    errno.EISDIR: "{path} is a folder. Name a file in it.",
    errno.EACCES: "The permissions of {path} keep its owner out. Mend them in the terminal with chmod.",
    errno.EPERM: "{path} may not be changed by the workspace's owner.",
    errno.ENOTEMPTY: "{path} is a folder with something in it. Name a file.",
    errno.EEXIST: "{path} is there already as something else. Name another.",
    errno.ENOSPC: "The disk is full. Delete something in the terminal first.",
    errno.EDQUOT: "The disk is full. Delete something in the terminal first.",
    errno.ENXIO: "{path} is no ordinary file. Name one that is.",
    errno.ENAMETOOLONG: "{path} is too long. Choose a shorter name.",
    errno.EAGAIN: "{path} is held by a program that runs. Try again when that has ended.",
    errno.EXDEV: "{path} leads out of the workspace. Name a file in it.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a folder.

    Attributes:
        path: Below the workspace, fit to be shown.
        kind: What it is; links are not followed.
        size: Bytes of a file.
    """

    path: str
    kind: Kind
    size: int


class Files:
    """The files of one workspace. Its methods block, and may be called from any thread.

    Args:
        root: The workspace.
        owner: The user it belongs to, where the bot was started as root.
        limits: How much it may hold.
    """

    def __init__(self, root: Path, owner: Owner | None, limits: Limits) -> None:
        self._root = root
        self._owner = owner
        self._limits = limits

    @contextlib.contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """A file to be read from its beginning; it can be told to have more bytes than it is said to have.

        Args:
            path: Below the workspace.

        Raises:
            UserMistake: There is none, or it is nothing to be read.
        """
        path = _named(path)
        with self._at_work(path) as root:
            found = open_beneath(root, path, _READ)
        try:
            _be_readable(path, os.fstat(found))
            with open(found, "rb", closefd=False) as file:
                yield file
        finally:
            os.close(found)

    def read(self, path: str, most: int) -> tuple[bytes, int]:
        """The beginning of a file.

        Args:
            path: Below the workspace.
            most: Bytes that are read at most.

        Returns:
            The bytes, and how many it has in all.

        Raises:
            UserMistake: There is none, or it is nothing to be read.
        """
        with self.opened(path) as file:
            content = file.read(most)
            return content, max(os.fstat(file.fileno()).st_size, len(content))

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place, in one step; folders that are missing are made.

        A link of that name is replaced, and what it leads to is not touched.

        Args:
            path: Below the workspace.
            content: All of it.

        Raises:
            UserMistake: It cannot be written, or the workspace would hold too much.
        """
        self.change([Change(path, content)])

    def change(self, changes: list[Change]) -> None:
        """Write and delete several files: all of them, or none where one cannot be.

        Args:
            changes: Each path once.

        Raises:
            UserMistake: One of them cannot be written, or the workspace would hold too much; nothing is
                changed.
        """
        named = [Change(_named(change.path), change.content) for change in changes]
        written = [len(change.content) for change in named if change.content is not None]
        with self._at_work("the workspace", sum(written), len(written)) as root:
            put_in_place(root, named)

    def entries(self, path: str = "") -> list[Entry]:
        """What lies in a folder, by name.

        Args:
            path: Below the workspace; empty for the workspace itself.

        Raises:
            UserMistake: There is no such folder.
        """
        path = inside(path)
        with self._at_work(path or "the workspace") as root:
            return sorted(_scan(root, path), key=lambda entry: entry.path)

    def below(self, path: str = "") -> Iterator[Entry]:
        """Everything below a folder but links, caches and version control, folder by folder.

        Args:
            path: Below the workspace; empty for the workspace itself.

        Raises:
            UserMistake: There is no such folder.
        """
        folders, seen = [inside(path)], 0
        while folders and seen < MOST_ENTRIES:
            folder = folders.pop()
            try:
                found = self.entries(folder)
            except UserMistake:
                if folder == inside(path):
                    raise
                continue  # gone since, shut, too deep, or of a name that is not taken
            seen += len(found)
            for entry in found:
                if entry.kind == "folder" and entry.path.rpartition("/")[2] not in CACHES:
                    folders.append(entry.path)
                yield entry

    @contextlib.contextmanager
    def _at_work(self, path: str, more: int = 0, names: int = 0) -> Iterator[int]:
        """A descriptor of the workspace, for its owner; if it has room for what is to be added."""
        root = tree.open_root(self._root)
        try:
            if names:
                self._make_sure_of_room(root, more, names)
            with acting_as(self._owner):
                yield root
        except OSError as fault:
            why = _WHY.get(fault.errno or 0, "{path} cannot be used: " + (fault.strerror or str(fault)) + ".")
            raise UserMistake(why.format(path=fault.filename or path)) from fault
        finally:
            os.close(root)

    def _make_sure_of_room(self, root: int, more: int, names: int) -> None:
        limits = self._limits
        used = meters.measure(root, meters.Space(limits.disk_bytes, limits.inodes), Event())
        if used.used + more > limits.disk_bytes:
            raise UserMistake(
                f"The workspace may hold {limits.disk_bytes >> 20:,} MiB, and this would be more. "
                "Delete something in the terminal first."
            )
        if used.inodes + names > limits.inodes:
            raise UserMistake(
                f"The workspace may hold {limits.inodes:,} files and folders, and this would be more. "
                "Delete something in the terminal first."
            )


def _named(path: str) -> str:
    """The path of a file.

    Raises:
        UserMistake: It is none.
    """
    named = inside(path)
    if not named:
        raise UserMistake("The workspace itself is a folder. Name a file in it.")
    return named


def _be_readable(path: str, about: os.stat_result) -> None:
    """See that what was opened is a file and has no other name.

    Raises:
        UserMistake: It is not.
    """
    if stat.S_ISDIR(about.st_mode):
        raise UserMistake(_WHY[errno.EISDIR].format(path=path))
    if not stat.S_ISREG(about.st_mode):
        raise UserMistake(_WHY[errno.ENXIO].format(path=path))
    if about.st_nlink > 1:
        raise UserMistake(
            f"{path} has other names (a hard link), so it is not read from outside. "
            "Make a copy in the terminal with cp, and read that."
        )


def _scan(root: int, path: str) -> Iterator[Entry]:
    folder = open_beneath(root, path, _FOLDER)
    prefix = f"{path}/" if path else ""
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count == MOST_ENTRIES:
                    return
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                    about = entry.stat(follow_symlinks=False)
                    yield Entry(prefix + shown(entry.name), _kind(about.st_mode), about.st_size)
    finally:
        os.close(folder)


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
