"""An agent's own document as a PDF: Markdown with headings, tables and pictures.

Text is drawn as reports draw it: nothing in it is followed or fetched. A picture stands in a line of its own,
as `![what it shows](path)`. Drawing takes seconds: see `bot.reports.child`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from PIL import Image

from bot.reports.flow import BODY, SMALL, SUBHEADING, Column, heading, note, prose, shortened, table
from bot.reports.fonts import Face
from bot.reports.pictures import Picture
from bot.reports.prose import fenced
from bot.reports.sheet import MUTED, Piece, Sheet, Style
from bot.reports.wrap import wrap

MAX_PAGES = 60
PAGE = (4000, 60)  # characters and lines that go on one
MOST_COLUMNS = 8
CELL_CHARS = 600
ALT_CHARS = 300

_TITLE = Style(Face.BOLD, 20, 26)
_CAPTION = Style(Face.ITALIC, 8.4, 12, MUTED)
_POINTS_A_PIXEL = 0.75  # 96 pixels an inch
_TALLEST = 420.0
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


def draw(title: str, text: str, foot: str, shown: Mapping[str, Picture]) -> bytes:
    """Draw a document.

    Args:
        title: Stands above it.
        text: Markdown; what would make it longer than `MAX_PAGES` is left out, and the page says so.
        foot: Stands at the foot of each page: the task's key.
        shown: The pictures by their paths.

    Returns:
        The PDF: A4, fonts embedded, with an outline.
    """
    sheet = Sheet([title, text, foot], foot=(foot, title))
    sheet.pdf.set_title(sheet.fonts.show_line(title)[:300])
    sheet.pdf.set_creator("Legwork")
    sheet.pdf.set_lang("en")
    for line in wrap([Piece(sheet.fonts.show_line(title)[:500], _TITLE)], sheet.width, sheet.fonts):
        sheet.y += _TITLE.leading
        sheet.line(sheet.left, sheet.y - 5, line)
    for part in parts(text):
        if sheet.page > MAX_PAGES:
            note(sheet, "The rest is left out: this PDF would be too long with it.")
            break
        _draw(sheet, part, shown)
    return bytes(sheet.pdf.output())


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


def _draw(sheet: Sheet, part: Part, shown: Mapping[str, Picture]) -> None:
    show, line = sheet.fonts.show, sheet.fonts.show_line
    match part:
        case Heading(level=1 | 2, text=text):
            heading(sheet, line(text)[:300], keep=40)
        case Heading(text=text):
            sheet.gap(10)
            sheet.need(SUBHEADING.leading + 30)
            sheet.mark(line(text), 1)
            prose(sheet, line(text), SUBHEADING)
        case Shown():
            _picture(sheet, part, shown[part.path])
        case Grid():
            sheet.gap(8)
            width = sheet.width / len(part.head)
            columns = [
                Column(line(title[:CELL_CHARS]), width, SMALL, right)
                for title, right in zip(part.head, part.to_right, strict=True)
            ]
            rows = (tuple(line(cell[:CELL_CHARS]) for cell in row) for row in part.rows)
            table(sheet, columns, itertools.takewhile(lambda _: sheet.page <= MAX_PAGES, rows))
            sheet.y += 6
        case str() if part.strip():
            sheet.gap(BODY.leading * 0.45)
            left = MAX_PAGES + 1 - sheet.page
            shortened(sheet, show(part), (left * PAGE[0], left * PAGE[1]))


def _picture(sheet: Sheet, part: Shown, picture: Picture) -> None:
    """A picture as wide as it is, or as there is room, with what it shows below."""
    scale = min(_POINTS_A_PIXEL, sheet.width / picture.width, _TALLEST / picture.height)
    width, height = picture.width * scale, picture.height * scale
    alt = sheet.fonts.show_line(part.alt[:ALT_CHARS])
    sheet.gap(8)
    sheet.need(height + _CAPTION.leading + 4)
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.pixels)
    sheet.pdf.image(image, sheet.left, sheet.y, width, height, alt_text=alt)
    sheet.y += height + 2
    if part.alt:
        prose(sheet, alt, _CAPTION)
