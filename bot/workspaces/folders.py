"""Make a workspace, and say what a task left in it."""

import os
from pathlib import Path

from bot.events import Change
from bot.sandbox import Owner
from bot.workspaces.listing import files

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

    def changes(self, name: str) -> tuple[tuple[Change, ...], int]:
        """What a task left in a workspace that was empty before.

        Returns:
            The first files by path, and how many more there are.
        """
        path = self.path(name)
        path.chmod(0o700)  # its own task may have shut it
        found = sorted(files(path), key=lambda file: file.path)
        named = found[:NAMED_CHANGES]
        changes = tuple(Change(path=f.path, how="added", size=f.size, added=f.lines) for f in named)
        return changes, len(found) - len(named)
