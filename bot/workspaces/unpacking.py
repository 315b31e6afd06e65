"""Unpacking an archive that somebody sent, inside the sandbox: the files go to a fresh folder of `inbox/`."""

import json
import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pydantic

from bot.errors import UserMistake
from bot.sandbox import Handle, Limits, Outcome, Sandbox, interpreter
from bot.workspaces import extraction
from bot.workspaces.names import inside, shown

MIB = 1 << 20
MOST_ARCHIVE_BYTES = 64 * MIB
UNPACK_S = 60.0
MEMORY_BYTES = 1024 * MIB  # the archive, and once more unwrapped
NAME_CHARS = 60

_FULL = "The workspace would hold more than it may. Delete something in the terminal first."
_ENDED = {
    "disk": _FULL,
    "inodes": _FULL,
    "timeout": "It took too long. Unpack it in the terminal.",
    "memory": "It took too much memory. Unpack it in the terminal.",
}

_SUFFIX = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2?|txz|zip)$", re.IGNORECASE)
_UNUSUAL = re.compile(r"[^\w.+ -]+")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came of an archive.

    Attributes:
        folder: Where its files are, below the workspace.
        files: How many.
        size: Bytes of all together.
        left_out: Names of the first links in it, fit to be shown: they are not made.
        left_out_in_all: How many there are.
    """

    folder: str
    files: int
    size: int
    left_out: tuple[str, ...]
    left_out_in_all: int


_SAID: pydantic.TypeAdapter[Unpacked | dict[Literal["why"], str]] = pydantic.TypeAdapter(
    Unpacked | dict[Literal["why"], str]
)


async def unpack(
    name: str,
    archive: bytes,
    *,
    workspace: Path,
    sandbox: Sandbox,
    limits: Limits,
    on_start: Callable[[Handle], Awaitable[None]] | None = None,
) -> Unpacked:
    """Unpack a tar (plain, gzip, bzip2, xz) or a zip into a folder of its own: all of it, or nothing.

    Args:
        name: What the archive is called; the folder is called after it.
        archive: The bytes.
        workspace: Where `inbox/` is.
        sandbox: What it is unpacked in.
        limits: What the workspace may hold.
        on_start: As in `Sandbox.run`.

    Raises:
        UserMistake: It is no archive, or one that is not unpacked; nothing is left of it.
        SandboxUnavailable: There is no sandbox on this machine.
    """
    if len(archive) > MOST_ARCHIVE_BYTES:
        raise _refusal(name, f"It has more than {MOST_ARCHIVE_BYTES // MIB} MiB. Send it in parts.")
    staged = f".unpacking-{secrets.token_hex(8)}"
    wanted = {"name": folder_name(name), "staged": staged}
    enough = replace(limits, timeout_s=UNPACK_S, memory_bytes=MEMORY_BYTES)
    outcome = await sandbox.run(
        [interpreter(), "-I", "-S", "-c", Path(extraction.__file__).read_text()],
        workspace=workspace,
        limits=enough,
        stdin=json.dumps(wanted).encode() + b"\n" + archive,
        on_start=on_start,
    )
    unpacked, why = _read(outcome)
    if unpacked and not outcome.ended_by:
        return unpacked
    remains = [f"./inbox/{staged}", *([f"./{unpacked.folder}"] if unpacked else [])]
    await sandbox.run(["rm", "-rf", "--", *remains], workspace=workspace, limits=enough, on_start=on_start)
    raise _refusal(name, _ENDED.get(outcome.ended_by or "", why))


def folder_name(name: str) -> str:
    """What the folder of an archive is called: a plain name, however hostile that of the archive is."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = _UNUSUAL.sub("-", _SUFFIX.sub("", last))[:NAME_CHARS].strip(" .-")
    return plain or "archive"


def _read(outcome: Outcome) -> tuple[Unpacked | None, str]:
    """What the script said: it has read hostile bytes, so its words are looked at like a stranger's."""
    try:
        said = _SAID.validate_json(outcome.stdout)
        if isinstance(said, Unpacked):
            return replace(said, folder=inside(said.folder), left_out=tuple(map(shown, said.left_out))), ""
        return None, shown(said["why"])
    except (pydantic.ValidationError, UserMistake):
        return None, "It cannot be read. Pack it anew as a tar or a zip."


def _refusal(name: str, why: str) -> UserMistake:
    return UserMistake(f"{shown(name)} is not unpacked. {why}")
