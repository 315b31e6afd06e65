"""Make a workspace, and say what a task left in it."""

import json
import os
import secrets
from pathlib import Path

from bot.events import Change
from bot.sandbox import Owner
from bot.workspaces.listing import File, files

NAMED_CHANGES = 200


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
        """Note what lies in a workspace before a task works there, unless it was noted before.

        Args:
            name: The workspace.
            task: The task's key. One that works in a workspace of its own finds it empty: nothing is noted.
        """
        before = self._before(task)
        if name == task.lower() or before.exists():
            return
        before.parent.mkdir(mode=0o700, exist_ok=True)
        written = before.with_suffix(f".{secrets.token_hex(4)}")
        written.write_text(json.dumps({file.path: file.mark for file in files(self.path(name))}))
        written.rename(before)

    def forget(self, task: str) -> None:
        """The task is over: what lay there before it matters no more, nor where it was."""
        self._before(task).unlink(missing_ok=True)
        self.place(task).unlink(missing_ok=True)

    def place(self, task: str) -> Path:
        """A file of the bot's own, out of the agent's reach: the folder where a task's terminal is."""
        return self._before(task).with_suffix(".place")

    def changes(self, name: str, task: str) -> tuple[tuple[Change, ...], int]:
        """What a task left in a workspace, against what it found there.

        Args:
            name: The workspace.
            task: The task's key.

        Returns:
            The first files by path, and how many more there are.
        """
        path = self.path(name)
        path.chmod(0o700)  # its own task may have shut it
        before = self._before(task)
        old: dict[str, str] = json.loads(before.read_text()) if before.exists() else {}
        found = list(files(path))
        changed = [_change(file, old) for file in found if old.get(file.path) != file.mark]
        changed += [Change(path=gone, how="deleted") for gone in old.keys() - {file.path for file in found}]
        changed.sort(key=lambda change: change.path)
        return tuple(changed[:NAMED_CHANGES]), max(len(changed) - NAMED_CHANGES, 0)

    def _before(self, task: str) -> Path:
        return self._root.with_name("before") / f"{task}.json"


def _change(file: File, old: dict[str, str]) -> Change:
    """What became of a file; lines are counted of new ones alone, since the old text is not kept."""
    if file.path in old:
        return Change(path=file.path, how="changed", size=file.size)
    return Change(path=file.path, how="added", size=file.size, added=file.lines)
