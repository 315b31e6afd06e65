"""The files that tasks made, kept with their hash outside every workspace."""

import hashlib
import os
from pathlib import Path
from typing import Literal

from bot.errors import Permanent
from bot.events import ArtifactSaved


class Artifacts:
    """Kept files, in one folder for each task.

    Args:
        root: The folder of them all; made if it is not there.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        self._root = root

    def path(self, key: str, name: str) -> Path:
        """Where a file of a task is kept."""
        return self._root / key / name

    def save(
        self, key: str, name: str, content: bytes, media_type: str, purpose: Literal["report", "diff", "file"]
    ) -> ArtifactSaved:
        """Keep a file; one of the same name is replaced as a whole.

        Args:
            key: The task's.
            name: A plain file name.
            content: The bytes.
            media_type: As in a Content-Type header.
            purpose: What it is for.

        Returns:
            The fact to record: the file counts as kept from then on.
        """
        path = self.path(key, name)
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}.part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        return ArtifactSaved(
            name=name,
            purpose=purpose,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    def read(self, key: str, saved: ArtifactSaved) -> bytes:
        """A kept file.

        Raises:
            Permanent: It is gone, or is not what was kept.
        """
        try:
            content = self.path(key, saved.name).read_bytes()
        except OSError as error:
            raise Permanent(f"{saved.name} of {key} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != saved.sha256:
            raise Permanent(f"{saved.name} of {key} is not the file that was kept.")
        return content
