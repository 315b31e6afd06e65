"""Keeping files that people get: named so that every system takes them, and none takes another's place."""

import hashlib
import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Literal

from bot.artifacts import Artifacts
from bot.errors import UserMistake
from bot.events import ArtifactSaved

NAME_BYTES = 150
ENDING_BYTES = 16
_UNFIT = re.compile(r"[^\w.() +=@,-]+")
_ANY = "application/octet-stream"
_TYPES = mimetypes.MimeTypes()  # Python's own list: the machine's may say otherwise elsewhere
_TYPES.add_type("text/x-diff", ".diff")


def keep(
    artifacts: Artifacts, key: str, name: str, content: bytes, purpose: Literal["file", "diff"] = "file"
) -> ArtifactSaved:
    """Keep a file of a task for its people. Blocks.

    Args:
        artifacts: Where it is kept.
        key: The task's.
        name: What it is called; it is changed where that cannot be, or where another file is called so.
        content: The bytes.
        purpose: What it is for.

    Returns:
        The fact to record.

    Raises:
        UserMistake: There is no room for it.
    """
    name = _free(artifacts, key, fit(key, name), hashlib.sha256(content).digest())
    try:
        return artifacts.save(key, name, content, _media_type(name), purpose)
    except OSError as error:
        raise UserMistake(
            f"{name} cannot be kept ({error.strerror}). An admin can look at the disk of the bot."
        ) from error


def fit(key: str, name: str) -> str:
    """A name of letters, digits and a few signs; neither hidden nor an option, nor the task's report."""
    plain = _UNFIT.sub("_", unicodedata.normalize("NFC", name.replace("/", "-"))).lstrip(" .-").rstrip(" .")
    path = PurePosixPath(plain or "file")
    ending = path.suffix if len(path.suffix.encode()) <= ENDING_BYTES else ""
    room = NAME_BYTES - len(ending.encode())
    stem = path.name.removesuffix(ending).encode()[:room].decode(errors="ignore").strip(" .") or "file"
    return f"file-{stem}{ending}" if stem.lower().startswith(f"{key}-report".lower()) else stem + ending


def _free(artifacts: Artifacts, key: str, name: str, digest: bytes) -> str:
    """This name, or the first one like it that no other file has."""
    path = PurePosixPath(name)
    count, tried = 1, name
    while (kept := artifacts.path(key, tried)).exists():
        if hashlib.sha256(kept.read_bytes()).digest() == digest:
            return tried
        count += 1
        tried = f"{path.stem}-{count}{path.suffix}"
    return tried


def _media_type(name: str) -> str:
    """As in a Content-Type header; of what a mail would take apart, nothing is said."""
    kind, encoding = _TYPES.guess_type(name)
    if kind is None or encoding or kind.startswith(("message/", "multipart/")):
        return _ANY
    return kind
