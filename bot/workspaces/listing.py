"""List the files of a hostile tree: no recursion, no links followed, bounded in depth, number and reading."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_DEPTH = 64
MAX_ENTRIES = 50_000
TEXT_BYTES = 1 << 20
CACHES = frozenset({".git", ".venv", ".cache", "__pycache__", "node_modules", ".pytest_cache"})


@dataclass(frozen=True, slots=True)
class File:
    """A regular file.

    Attributes:
        path: Relative to the root, as `os.fsdecode` gives it.
        size: Bytes.
        mark: Differs once the file was written to; its owner cannot set the time that it holds.
        program: Its owner may execute it.
    """

    path: str
    size: int
    mark: str
    program: bool
    _folder: int
    _name: str

    def text(self) -> bytes | None:
        """What is in it, if that is a text; None of anything else, and of what is large or not ours to read.

        To be called before the listing goes on.
        """
        if self.size > TEXT_BYTES:
            return None
        try:  # not blocking: what was a file may be a pipe by now
            fd = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._folder)
        except OSError:
            return None
        with open(fd, "rb", buffering=0) as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            content = file.read(TEXT_BYTES + 1)
        return None if len(content) > TEXT_BYTES or b"\0" in content else content


def files(root: Path) -> Iterator[File]:
    """The regular files below a folder, as far as the bounds go; caches and version control are left out.

    Raises:
        OSError: The folder itself cannot be read.
    """
    folders = [_Folder(os.open(root, _FOLDER), "")]
    seen = 0
    try:
        while folders:
            folder = folders[-1]
            name = next(folder.names, None)
            if name is None:
                os.close(folders.pop().fd)
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                return
            with contextlib.suppress(OSError):  # it vanished, or its owner closed it: list what can be seen
                found = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    mark = f"{found.st_size}:{found.st_ctime_ns}"
                    program = bool(found.st_mode & stat.S_IXUSR)
                    path = folder.prefix + name
                    yield File(path, found.st_size, mark, program, folder.fd, name)
                elif stat.S_ISDIR(found.st_mode) and name not in CACHES and len(folders) < MAX_DEPTH:
                    below = os.open(name, _FOLDER, dir_fd=folder.fd)
                    folders.append(_Folder(below, f"{folder.prefix}{name}/"))
    finally:
        for folder in folders:
            os.close(folder.fd)


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class _Folder:
    """An open folder and the names in it that are still to be looked at."""

    def __init__(self, fd: int, prefix: str) -> None:
        self.fd = fd
        self.prefix = prefix
        self.names = iter(sorted(os.listdir(fd)))  # in order, so that a bound cuts at the same place again
