"""Putting files in place below a folder: staged beside their places first, then named, all or none."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import UserMistake
from bot.workspaces.beneath import open_beneath

_FOLDER = os.O_PATH | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644
_PERMISSIONS = 0o777  # without the bits that change who a program runs as


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file: its whole new content, or None to delete it."""

    path: str
    content: bytes | None


def put_in_place(root: int, changes: list[Change]) -> None:
    """Write and delete files; a link in the place of one is replaced, not followed.

    Args:
        root: A descriptor of the folder that they lie below.
        changes: Each path once, as `bot.workspaces.names.inside` gives it.

    Raises:
        UserMistake: A place is taken by something that is no file.
        OSError: One of them cannot be written. Nothing is changed, but folders may have been made.
    """
    with contextlib.ExitStack() as stack:
        places = []
        for change in changes:
            with _about(change.path):
                places.append(_Place(root, change, stack))
                places[-1].stage()
        done: list[_Place] = []
        try:
            for place in places:
                with _about(place.path):
                    if len(places) > 1:
                        place.keep_the_old()
                    done.append(place)
                    place.settle()
        except OSError:
            for place in reversed(done):
                place.undo()
            raise


class _Place:
    """The place of one file: its folder, held open, and its name there."""

    def __init__(self, root: int, change: Change, stack: contextlib.ExitStack) -> None:
        above, _, self._name = change.path.rpartition("/")
        self.path, self._content = change.path, change.content
        self._folder = _folder(root, above, make=change.content is not None)
        stack.callback(os.close, self._folder)
        token = secrets.token_hex(8)
        self._staged, self._old = f".legwork-{token}.new", f".legwork-{token}.old"
        stack.callback(self._forget)
        self._there = self._look()
        self._settled = self._kept = False

    def stage(self) -> None:
        """Write the new content beside the place; of what is to be deleted, see that it is there."""
        if self._content is None:
            os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
            return
        mode = _FILE_MODE
        if self._there is not None and stat.S_ISREG(self._there.st_mode):
            mode = self._there.st_mode & _PERMISSIONS
        with open(os.open(self._staged, _NEW, mode, dir_fd=self._folder), "wb") as file:  # noqa: PTH123 - a descriptor
            os.fchmod(file.fileno(), mode)  # whatever the umask
            file.write(self._content)

    def keep_the_old(self) -> None:
        """Keep what is there under another name, until all is well."""
        if self._there is not None:
            here = self._folder
            os.link(self._name, self._old, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
            self._kept = True

    def settle(self) -> None:
        """Let the new content have the name, or nothing."""
        if self._content is None:
            os.unlink(self._name, dir_fd=self._folder)
        else:
            os.rename(self._staged, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._settled = True

    def undo(self) -> None:
        """Put back what was there."""
        with contextlib.suppress(OSError):  # somebody else is at it: they decide
            if self._kept:
                os.rename(self._old, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            elif self._settled:
                os.unlink(self._name, dir_fd=self._folder)

    def _look(self) -> os.stat_result | None:
        try:
            found = os.stat(self._name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "no ordinary file"
            raise UserMistake(f"{self.path} is {what}. Name a file.")
        return found

    def _forget(self) -> None:
        for name in (self._staged, self._old):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self._folder)


def _folder(root: int, path: str, *, make: bool) -> int:
    """A descriptor of a folder below another; what is missing on the way is made if it may be."""
    try:
        return open_beneath(root, path, _FOLDER)
    except FileNotFoundError:
        if not make:
            raise
    reached = os.dup(root)
    for name in path.split("/"):
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, _FOLDER_MODE, dir_fd=reached)
            below = open_beneath(reached, name, _FOLDER)
        finally:
            os.close(reached)
        reached = below
    return reached


@contextlib.contextmanager
def _about(path: str) -> Iterator[None]:
    """A fault in the context names the path that people know."""
    try:
        yield
    except OSError as fault:
        fault.filename = path
        raise
