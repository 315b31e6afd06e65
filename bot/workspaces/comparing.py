"""What differs in a workspace: the files by name, and a patch of those that are texts.

The patch is a real one, for `git apply` and `patch -p1`: nothing in it is escaped but the names, as git does
it. Whoever shows it to people has to reveal what is unseen in it.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bot.events import Change
from bot.workspaces import unified
from bot.workspaces.listing import files
from bot.workspaces.names import shown
from bot.workspaces.snapshots import Known, Snapshots

NAMED_CHANGES = 200
COMPARED_FILES = 2_000
COMPARED_BYTES = 16 << 20  # of both sides together
PATCH_BYTES = 2 << 20
NAMED_LEFT_OUT = 50
COMPARE_S = 30.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What a task left in its workspace, against what it found there.

    Attributes:
        changes: The first files by path.
        more: How many more there are.
        patch: Of the files that are texts; empty where none is.
    """

    changes: tuple[Change, ...]
    more: int
    patch: bytes


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file that may differ; texts are None where there is no such side, or where it is not to be shown."""

    path: str
    how: Literal["added", "changed", "deleted"]
    size: int
    was: Known | None
    program: bool = False
    old: bytes | None = None
    new: bytes | None = None

    @property
    def complete(self) -> bool:
        """Whether all of it can be shown line by line."""
        return (self.how == "added" or self.old is not None) and (
            self.how == "deleted" or self.new is not None
        )

    @property
    def same(self) -> bool:
        """Whether it was written to, and holds what it held."""
        if self.was is None or self.new is None or self.program != self.was.program:
            return False
        return hashlib.sha256(self.new).digest() == self.was.digest


def compare(workspace: Path, before: Mapping[str, Known], snapshots: Snapshots) -> Difference:
    """Compare a workspace with how it was. Blocks.

    Args:
        workspace: The folder.
        before: The files that lay there.
        snapshots: Where their texts are.
    """
    pairs = [pair for pair in _pairs(workspace, dict(before)) if not pair.same]
    pairs = sorted(_with_old_texts(pairs, snapshots), key=lambda pair: pair.path)
    sections = _sections([pair for pair in pairs if pair.complete])
    changes = [_change(pair, sections.get(pair.path)) for pair in pairs[:NAMED_CHANGES]]
    return Difference(tuple(changes), len(pairs) - len(changes), _patch(pairs, sections))


def _pairs(workspace: Path, before: dict[str, Known]) -> Iterable[_Pair]:
    """The files that are not marked as they were, with their texts as far as there is room."""
    number, room = COMPARED_FILES, COMPARED_BYTES
    for file in files(workspace):
        was = before.pop(file.path, None)
        if was and was.mark == file.mark:
            continue
        text = file.text() if number and file.size <= room else None
        if text is not None:
            number, room = number - 1, room - len(text)
        yield _Pair(file.path, "changed" if was else "added", file.size, was, file.program, new=text)
    for path, was in before.items():
        yield _Pair(path, "deleted", 0, was)


def _with_old_texts(pairs: list[_Pair], snapshots: Snapshots) -> list[_Pair]:
    digests = [pair.was.digest for pair in pairs if pair.was and pair.was.digest]
    texts = snapshots.texts(digests[:COMPARED_FILES]) if digests else {}
    return [replace(pair, old=texts.get(pair.was.digest or b"")) if pair.was else pair for pair in pairs]


def _sections(pairs: list[_Pair]) -> dict[str, unified.Section]:
    """The parts of a patch by path, made in a process of its own: this holds the interpreter."""
    room, given = COMPARED_BYTES, []
    for pair in pairs:
        room -= len(pair.old or b"") + len(pair.new or b"")
        if room < 0:
            break
        given.append(pair)
    if not given:
        return {}
    contents = [(os.fsencode(pair.path), pair.old, pair.new) for pair in given]
    told = [
        [len(path), _length(old), bool(pair.was and pair.was.program), _length(new), pair.program]
        for pair, (path, old, new) in zip(given, contents, strict=True)
    ]
    try:
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-I", "-S", unified.__file__],
            input=unified.packed(told, (part or b"" for parts in contents for part in parts)),
            capture_output=True,
            timeout=COMPARE_S,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            check=True,
        )
    except (subprocess.SubprocessError, OSError):  # too slow or too large: the files are named all the same
        return {}
    answer = io.BytesIO(done.stdout)
    return {
        pair.path: unified.Section(answer.read(length), added, removed)
        for pair, (length, added, removed) in zip(given, json.loads(answer.readline()), strict=True)
    }


def _length(text: bytes | None) -> int:
    return -1 if text is None else len(text)


def _change(pair: _Pair, section: unified.Section | None) -> Change:
    return Change(
        path=_legible(pair.path),
        how=pair.how,
        size=pair.size,
        added=section.added if section and pair.how != "deleted" else None,
        removed=section.removed if section and pair.how != "added" else None,
    )


def _legible(path: str) -> str:
    """A path that can be stored and sent: what is not UTF-8 in it is U+FFFD."""
    return os.fsencode(path).decode(errors="replace")


def _patch(pairs: list[_Pair], sections: Mapping[str, unified.Section]) -> bytes:
    """The patch, what is deleted first: a folder can have taken the place of a file."""
    room, parts, left_out = PATCH_BYTES, [], []
    for pair in sorted(pairs, key=lambda pair: pair.how != "deleted"):
        section = sections.get(pair.path)
        if section is None or len(section.patch) > room:
            why = "it is too long" if section else "it is no text, or too large"
            left_out.append(f"{shown(pair.path)} ({pair.how}, {pair.size:,} bytes): {why}")
            continue
        room -= len(section.patch)
        parts.append(section.patch)
    if not parts:
        return b""
    return "".join(f"# {line}\n" for line in _told(left_out)).encode() + b"".join(parts)


def _told(left_out: list[str]) -> list[str]:
    """What a patch says of the files that it lacks, each in a line."""
    if not left_out:
        return []
    more = len(left_out) - NAMED_LEFT_OUT
    told = ["Not in this patch:", *(f"  {line}" for line in left_out[:NAMED_LEFT_OUT])]
    return told if more <= 0 else [*told, f"  and {more:,} more"]
