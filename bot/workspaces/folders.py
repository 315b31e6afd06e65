"""Make a workspace, and say what a task left in it."""

import os
from collections.abc import Collection
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import Owner
from bot.workspaces.comparing import Difference, compare
from bot.workspaces.snapshots import Snapshots

_LAST = "/"  # at the end of a name: no task is called so
_PLACE = ".place"


class Workspaces:
    """All workspaces, below one folder.

    Args:
        root: The folder; made if it is not there.
        owner: The unprivileged user they belong to, where the bot was started as root.
    """

    def __init__(self, root: Path, owner: Owner | None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o711)  # the owner passes through, and sees no other names
        self._root = root
        self._owner = owner
        self._kept = root.with_name("before")
        self._snapshots = Snapshots(self._kept)

    def path(self, name: str) -> Path:
        """Where a workspace is."""
        return self._root / name

    def create(self, name: str) -> Path:
        """Make a workspace, or find it made; where it is."""
        path = self.path(name)
        path.mkdir(mode=0o700, exist_ok=True)
        if self._owner:  # also when it was there: whoever made it may have died before this
            os.chown(path, self._owner.uid, self._owner.gid)
        return path

    def remember(self, name: str, task: str) -> None:
        """Keep what lies in a workspace before a task works there, unless that was done before.

        Whoever takes a task over finds it done. A task that is begun anew after its end is compared with what
        lay there then: what it did before that was told. One that was stopped, with what it found at first.

        Args:
            name: The workspace.
            task: The task's key. One that works in a workspace of its own found it empty, however often it is
                begun: nothing is kept.
        """
        if not _own(name, task):
            self._snapshots.take(task, self.path(name), like=_last(name))

    def difference(self, name: str, task: str) -> Difference:
        """What a task left in a workspace so far, against what it found there. Blocks.

        Args:
            name: The workspace.
            task: The task's key.

        Raises:
            UserMistake: The workspace is not on this machine.
        """
        path = self.path(name)
        before = {} if _own(name, task) else self._snapshots.read(task)
        try:
            path.chmod(0o700)  # its own task may have shut it
            return compare(path, before, self._snapshots)
        except FileNotFoundError:
            raise UserMistake(f"The workspace {name} is gone, or on another machine.") from None

    def knows(self, name: str, task: str) -> bool:
        """Whether it is known what a task found in a workspace."""
        return _own(name, task) or self._snapshots.has(task)

    def forget(self, name: str, task: str) -> None:
        """The task is over: what it found matters no more, nor where it was."""
        if not _own(name, task):
            self._snapshots.retire(task, like=_last(name))
        self.place(task).unlink(missing_ok=True)

    def remembered(self) -> set[str]:
        """The tasks that something is kept for, by their keys."""
        places = self._kept.glob(f"*{_PLACE}")
        named = {name for name in self._snapshots.names() if not name.endswith(_LAST)}
        return named | {place.stem for place in places}

    def sweep(self, tasks: Collection[str]) -> None:
        """Forget what was kept for these tasks, and of workspaces that are gone."""
        there = {_last(entry.name) for entry in self._root.iterdir()}
        last = {name for name in self._snapshots.names() if name.endswith(_LAST)}
        self._snapshots.sweep({*tasks, *(last - there)})
        for task in tasks:
            self.place(task).unlink(missing_ok=True)

    def place(self, task: str) -> Path:
        """A file of the bot's own, out of the agent's reach: the folder where a task's terminal is."""
        return self._kept / f"{task}{_PLACE}"


def _own(workspace: str, task: str) -> bool:
    """Whether this is the workspace that was made for this task."""
    return workspace == task.lower()


def _last(workspace: str) -> str:
    """What the last snapshot of a workspace is called that no task needs any more."""
    return f"{workspace}{_LAST}"
