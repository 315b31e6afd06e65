"""Unpack an archive into a fresh folder of `inbox/`: run inside the sandbox, where its tricks hurt nobody.

It is given to the sandbox's Python as a script, and imports nothing of the house. Standard input is a line of
JSON that says what is wanted, and then the archive. It prints JSON: what was unpacked, or `why` it was not.

An archive is read twice. First everything it names is looked at, and one that no honest program would have
made is refused before anything is written. Links are left out, whatever they lead to; of permissions only
that of being run by its owner is kept. What is written is counted again: sizes in an archive are mere claims.
"""

from __future__ import annotations  # the sandbox's Python may be older than the bot's

import bz2
import contextlib
import functools
import gzip
import io
import json
import lzma
import os
import re
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NoReturn

INBOX = "inbox"
MOST_MEMBERS = 5_000
MOST_BYTES, MOST_FILE_BYTES = 128 << 20, 64 << 20
DEPTH = 40
PATH_BYTES, NAME_BYTES = 1000, 255
NAMED = 20  # of the members that were left out
SHOWN_CHARS = 100  # of a member's name
PIECE = 1 << 16
TAR_BLOCK = 512
MOST_TAR_BYTES = MOST_BYTES + 8 * TAR_BLOCK * MOST_MEMBERS  # with headers and padding
ZIP_HEADER = 30  # bytes of a member's header without its name, APPNOTE 4.3.7
ENCRYPTED = 0x1 | 0x40 | 0x2000  # bits of the flags, APPNOTE 4.4.4

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# As in bot.workspaces.names: what the file tools could not name afterwards.
UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
NO_ARCHIVE = "It is no tar (plain, gzip, bzip2 or xz) and no zip. Pack it as one of these."
UNWRITTEN = "It cannot be written to inbox/ ({}). See that this is an ordinary folder with room in it."
DAMAGED = "It is damaged, or was made to look like what it is not. Pack it anew."


class RefusedError(Exception):
    """Why an archive is not unpacked: a sentence, and what to do."""


@dataclass
class Member:
    """What an archive has under one name.

    Attributes:
        name: As the archive has it.
        kind: `file`, `folder`, `link`, or in words what is never unpacked.
        size: Bytes, as the archive claims.
        runs: Whether its owner may run it.
        open: Opens its content.
    """

    name: str
    kind: str
    size: int
    runs: bool
    open: Callable[[], IO[bytes] | None]


def refuse(what: str) -> NoReturn:
    """Refuse the archive."""
    raise RefusedError(f"{what}. Pack it anew without that, or unpack it in the terminal.")


def hold(name: str, size: int, in_all: int) -> None:
    """See that a file of so many bytes, and all of them together, are not too much."""
    if size > MOST_FILE_BYTES:
        refuse(f"{shown(name)} has more than {MOST_FILE_BYTES >> 20} MiB, too much for one file")
    if in_all > MOST_BYTES:
        refuse(f"It holds more than {MOST_BYTES >> 20} MiB")


def shown(name: str) -> str:
    """A member's name, fit to be shown."""
    return repr(name[:SHOWN_CHARS])


# What an archive names


def members_of(archive: bytes) -> Callable[[], Iterator[Member]]:
    """What goes through the members of an archive, each time from the beginning."""
    if archive.startswith((b"PK\3\4", b"PK\5\6")):
        return functools.partial(zip_members, archive)
    content = unwrapped(archive)
    if len(content) > MOST_TAR_BYTES:
        refuse(f"It holds more than {MOST_BYTES >> 20} MiB")
    try:
        tarfile.TarFile(fileobj=io.BytesIO(content)).close()
    except tarfile.ReadError:
        raise RefusedError(NO_ARCHIVE) from None
    return functools.partial(tar_members, content)


def unwrapped(archive: bytes) -> bytes:
    """What is in the outer compression, if there is one; of too much, only what shows that."""
    file = io.BytesIO(archive)
    if archive.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file).read(MOST_TAR_BYTES + 1)
    if archive.startswith(b"BZh"):
        return bz2.BZ2File(file).read(MOST_TAR_BYTES + 1)
    if archive.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMAFile(file).read(MOST_TAR_BYTES + 1)
    return archive


def tar_members(content: bytes) -> Iterator[Member]:
    """The members of a tar, as POSIX, GNU and pax have it."""
    with tarfile.TarFile(fileobj=io.BytesIO(content)) as tar:
        for found in tar:
            opens = functools.partial(tar.extractfile, found)
            yield Member(found.name, tar_kind(found), found.size, bool(found.mode & 0o100), opens)
        # At a header that is none tarfile just stops: what follows would be left out without a word.
        if content[tar.offset : tar.offset + TAR_BLOCK].strip(b"\0"):
            raise RefusedError(DAMAGED)


def tar_kind(found: tarfile.TarInfo) -> str:
    """What a member is."""
    if found.issym() or found.islnk():
        return "link"
    if found.sparse is not None or found.type == tarfile.GNUTYPE_SPARSE:
        return "a file with holes"
    if found.isdir():
        return "folder"
    return "file" if found.isreg() else "a device, a pipe or something else that is no file"


def zip_members(archive: bytes) -> Iterator[Member]:
    """The members of a zip."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        found = packed.infolist()
        if overlap(found, packed.start_dir):
            refuse("Its members lie over each other, as only those of a bomb do")
        for info in found:
            mode = info.external_attr >> 16
            # The part behind a NUL is cut off the one name and not the other.
            name = info.orig_filename if "\0" in info.orig_filename else info.filename
            opens = functools.partial(packed.open, info)
            yield Member(name, zip_kind(info, mode), info.file_size, bool(mode & 0o100), opens)


def overlap(found: list[zipfile.ZipInfo], end: int) -> bool:
    """Whether one stretch of a zip belongs to several members, or its first bytes to none."""
    starts = sorted((info.header_offset, ZIP_HEADER + info.compress_size) for info in found)
    edges = [*(start for start, _ in starts), end]
    return edges[0] != 0 or any(start + size > edges[at + 1] for at, (start, size) in enumerate(starts))


def zip_kind(info: zipfile.ZipInfo, mode: int) -> str:
    """What a member is."""
    if info.flag_bits & ENCRYPTED:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compressed in a way that is not usual"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a device, a pipe or something else that is no file"
    return "folder" if info.is_dir() else "file"


# What may be unpacked


def place_of(name: str) -> tuple[str, ...]:
    """Where a member goes below the fresh folder; empty for the folder itself.

    Raises:
        RefusedError: It leads elsewhere, or could not be named afterwards.
    """
    if UNFIT.search(name):
        refuse(f"It has {shown(name)}, a name with characters that cannot be seen")
    if name.startswith("/") or "\\" in name or re.match("[A-Za-z]:", name):
        refuse(f"It has {shown(name)}, a name that does not start from the archive's own folder")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        refuse(f"It has {shown(name)}, a name that leads out of its folder")
    if len(parts) > DEPTH:
        refuse(f"It has folders in folders more than {DEPTH} deep")
    if len(os.fsencode(name)) > PATH_BYTES or any(len(os.fsencode(part)) > NAME_BYTES for part in parts):
        refuse(f"It has {shown(name)}, a name that is too long")
    return parts


def look_through(members: Iterator[Member]) -> list[str]:
    """See that everything in an archive may be unpacked; the names of what is left out.

    Raises:
        RefusedError: Something in it may not.
    """
    kinds: dict[tuple[str, ...], str] = {(): "folder"}
    left_out = []
    claimed = 0
    for member in members:
        if member.kind not in ("file", "folder", "link"):
            refuse(f"{shown(member.name)} is {member.kind}")
        if member.size < 0:
            raise RefusedError(DAMAGED)
        place = place_of(member.name)
        if any(kinds.setdefault(place[:depth], "folder") != "folder" for depth in range(len(place))):
            refuse(f"{shown(member.name)} lies in something that is no folder")
        if place in kinds and not kinds[place] == member.kind == "folder":
            refuse(f"It has {shown(member.name)} twice")
        kinds[place] = member.kind
        if len(kinds) > MOST_MEMBERS:
            refuse(f"It has more than {MOST_MEMBERS:,} files and folders")
        if member.kind == "file":
            claimed += member.size
            hold(member.name, member.size, claimed)
        elif member.kind == "link":
            left_out.append(member.name)
    return left_out


# Writing


def write_all(members: Iterator[Member], fresh: int) -> tuple[int, int]:
    """Write the files and folders of an archive that was looked through; how many files, and bytes."""
    files = written = 0
    for member in members:
        place = place_of(member.name)
        if member.kind == "folder":
            os.close(folder_below(fresh, place))
        elif member.kind == "file":
            above = folder_below(fresh, place[:-1])
            try:
                written += write(member, above, place[-1], written)
            finally:
                os.close(above)
            files += 1
    return files, written


def write(member: Member, above: int, name: str, before: int) -> int:
    """Write a file; its bytes, which are what the archive claims, or it is refused."""
    size = 0
    source = member.open()
    made = os.open(name, NEW, 0o755 if member.runs else 0o644, dir_fd=above)
    with open(made, "wb") as target:  # noqa: PTH123 - a descriptor
        while source and (piece := source.read(PIECE)):
            size += len(piece)
            hold(member.name, size, before + size)
            target.write(piece)
    if size != member.size:
        raise RefusedError(DAMAGED)
    return size


def folder_below(fresh: int, place: tuple[str, ...]) -> int:
    """A descriptor of a folder, made where it is missing; no link is gone through."""
    reached = os.dup(fresh)
    for name in place:
        try:
            below = entered(reached, name)
        finally:
            os.close(reached)
        reached = below
    return reached


def entered(above: int | None, name: str) -> int:
    """A descriptor of a folder in another, or in the workspace itself; made where it is missing."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=above)
    return os.open(name, FOLDER, dir_fd=above)


def settle(inbox: int, staged: str, name: str) -> str:
    """Give the staged folder its name, or the first one like it that is free; nothing is replaced."""
    number = 1
    while True:
        free = name if number == 1 else f"{name}-{number}"
        try:
            os.mkdir(free, 0o755, dir_fd=inbox)
            os.rename(staged, free, src_dir_fd=inbox, dst_dir_fd=inbox)  # which replaces what is empty alone
        except FileExistsError:
            number += 1
        else:
            return free


def unpack(wanted: dict[str, Any], archive: bytes) -> dict[str, Any]:
    """Unpack an archive.

    Raises:
        RefusedError: It is none, or one that is not unpacked.
    """
    members = members_of(archive)
    left_out = look_through(members())
    with contextlib.ExitStack() as opened:
        inbox = entered(None, INBOX)
        opened.callback(os.close, inbox)
        fresh = entered(inbox, wanted["staged"])
        opened.callback(os.close, fresh)
        files, written = write_all(members(), fresh)
        name = settle(inbox, wanted["staged"], wanted["name"])
    return {
        "folder": f"{INBOX}/{name}",
        "files": files,
        "size": written,
        "left_out": [shown(one) for one in left_out[:NAMED]],
        "left_out_in_all": len(left_out),
    }


def attempt(wanted: dict[str, Any], archive: bytes) -> dict[str, Any]:
    """Unpack an archive, or say `why` it is not unpacked."""
    try:
        return unpack(wanted, archive)
    except RefusedError as refused:
        return {"why": str(refused)}
    except Exception as fault:  # noqa: BLE001 - the standard library's parsers raise anything on hostile bytes
        unwritten = getattr(fault, "strerror", None)
        return {"why": UNWRITTEN.format(unwritten) if unwritten else DAMAGED}


def main() -> int:
    """Unpack what is on standard input, and print what came of it."""
    wanted = json.loads(sys.stdin.buffer.readline())
    told = attempt(wanted, sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(told, indent=0))  # a line for each name: long lines are cut on the way out
    return 1 if "why" in told else 0


if __name__ == "__main__":
    sys.exit(main())
