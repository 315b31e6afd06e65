"""An agent's document, read: Markdown with headings, tables and pictures. Pure.

A picture stands in a line of its own, as `![what it shows](path)`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.reports.prose import fenced

MOST_COLUMNS = 8

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$")
_IMAGE = re.compile(r"[ \t]*!\[([^\[\]]*)\]\(\s*([^()\s]+)\s*\)[ \t]*$")
_ROW = re.compile(r"[ \t]*\|(.*)\|[ \t]*$")
_RULER = re.compile(r"[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*$")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that others stand below; the level counts from 1."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture, by its path."""

    alt: str
    path: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its head, which columns hold figures, its rows."""

    head: tuple[str, ...]
    to_right: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


Part = Heading | Shown | Grid | str


def parts(text: str) -> Iterator[Part]:
    """Read a document; what is no heading, picture or table is prose, and comes as it was written."""
    lines = text.splitlines()
    written: list[str] = []
    place = 0
    while place < len(lines):
        part, after = _part(lines, place)
        if part is None:
            written += lines[place:after]
        else:
            if written:
                yield "\n".join(written)
                written = []
            yield part
        place = after
    if written:
        yield "\n".join(written)


def pictures(text: str) -> tuple[str, ...]:
    """The paths of the pictures that a document shows, each once."""
    return tuple(dict.fromkeys(part.path for part in parts(text) if isinstance(part, Shown)))


def _part(lines: list[str], place: int) -> tuple[Part | None, int]:
    """What begins at a line, None for prose; and the line after it."""
    line = lines[place]
    if code := fenced(lines, place):
        return None, code[1]
    if found := _HEADING.match(line):
        return Heading(len(found[1]), found[2]), place + 1
    if found := _IMAGE.match(line):
        return Shown(found[1], found[2]), place + 1
    if _ROW.match(line) and place + 1 < len(lines) and _RULER.match(lines[place + 1]):
        return _grid(lines, place)
    return None, place + 1


def _grid(lines: list[str], place: int) -> tuple[Grid, int]:
    head = _cells(lines[place])[:MOST_COLUMNS]
    to_right = tuple(cell.endswith(":") and not cell.startswith(":") for cell in _cells(lines[place + 1]))
    end = place + 2
    rows = []
    while end < len(lines) and _ROW.match(lines[end]):
        cells = _cells(lines[end])[: len(head)]
        rows.append(cells + ("",) * (len(head) - len(cells)))
        end += 1
    return Grid(head, (to_right + (False,) * len(head))[: len(head)], tuple(rows)), end


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(
        cell.strip().replace("\\|", "|").replace("**", "").replace("`", "") for cell in _BAR.split(inner)
    )
