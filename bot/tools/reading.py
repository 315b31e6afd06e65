"""Showing a part of a file to a model: whole lines with their numbers, as many as fit."""

import os
from dataclasses import dataclass
from typing import BinaryIO

from bot.reports.humane import counted, size
from bot.reports.visible import revealed

SCANNED_BYTES = 32 << 20  # of a file, that are read for a part of it
LINES = 1000
LINE_CHARS = 2000
_LOOKED_AT = 8192  # a NUL among so many bytes, and it is no text
_LINE_BYTES = 1 << 20  # of a line, that are read at once


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a file, fit to be shown, and what to say of them."""

    lines: list[str]
    heading: str

    def __str__(self) -> str:
        return "\n".join([self.heading, *self.lines])


def excerpt(file: BinaryIO, path: str, start: int, count: int | None, room: int) -> Excerpt:
    """Some lines of a file.

    Args:
        file: The file, at its beginning.
        path: What it is called.
        start: The first line, from 1.
        count: How many; None for as many as are shown at once.
        room: Bytes that they may take.
    """
    bytes_in_all = os.fstat(file.fileno()).st_size
    beginning = file.read(_LOOKED_AT)
    file.seek(0)
    if b"\0" in beginning:
        return Excerpt(
            [], f"{path} is no text ({size(bytes_in_all)}). Look at it in the terminal, with `file` or `xxd`."
        )
    most = min(count or LINES, LINES)
    lines: list[str] = []
    number, ended, full = 0, True, False
    while file.tell() < SCANNED_BYTES and (piece := file.readline(_LINE_BYTES)):
        number += ended
        begins, ended = ended, piece.endswith(b"\n")
        if begins and number >= start and not full:
            line = f"{number:>6}\t{_shown(piece)}"
            room -= len(line.encode()) + 1
            full = room < 0 or len(lines) == most
            lines += [] if full else [line]
    known = file.tell() >= bytes_in_all
    return Excerpt(lines, _heading(path, bytes_in_all, start, len(lines), number, known=known))


def _heading(path: str, bytes_in_all: int, start: int, shown: int, number: int, *, known: bool) -> str:
    if not bytes_in_all:
        return f"{path} is empty."
    total = counted(number, "line") if known else f"more than {number:,} lines"
    if not shown:
        if known and start > number:
            return f"{path} has {total}: begin at one of them."
        return f"{path}, {total}: line {start:,} is out of reach. Take it out in the terminal, with `sed -n`."
    last = start + shown - 1
    heading = f"{path}, lines {start:,} to {last:,} of {total}, {size(bytes_in_all)}"
    return heading if known and last == number else f"{heading}. For more, read on from line {last + 1}."


def _shown(piece: bytes) -> str:
    """A line without its end; what cannot be seen is spelled out."""
    bare = piece.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
    line = revealed(bare).replace("\n", "U+000D")
    over = len(line) - LINE_CHARS
    return f"{line[:LINE_CHARS]}… [{over} more characters]" if over > 0 else line
