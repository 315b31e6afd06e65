"""An agent's own document as a PDF: Markdown with headings, tables and pictures.

Text is drawn as reports draw it: nothing in it is followed or fetched. Drawing takes seconds: see
`bot.reports.child`.
"""

import itertools
from collections.abc import Mapping

from PIL import Image

from bot.reports.flow import BODY, SMALL, SUBHEADING, Column, heading, note, prose, shortened, table
from bot.reports.fonts import Face
from bot.reports.parts import Grid, Heading, Part, Shown, parts
from bot.reports.pictures import Picture
from bot.reports.sheet import MUTED, Piece, Sheet, Style
from bot.reports.wrap import wrap

MAX_PAGES = 60
PAGE = (4000, 60)  # characters and lines that go on one
CELL_CHARS = 600
ALT_CHARS = 300

_TITLE = Style(Face.BOLD, 20, 26)
_CAPTION = Style(Face.ITALIC, 8.4, 12, MUTED)
_POINTS_A_PIXEL = 0.75  # 96 pixels an inch
_TALLEST = 420.0


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
