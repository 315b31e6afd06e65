"""What flows down the pages: headings, prose, code and tables.

A heading stays with what follows it, a row of a table stays whole, and code goes on over as many pages as
it takes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.reports.fonts import Face
from bot.reports.prose import Block, Code, Item, Line, Words, blocks, cut
from bot.reports.sheet import INK, LINK, MUTED, PANEL, RULE, Color, Piece, Sheet, Style
from bot.reports.wrap import wrap, wrap_code

HEADING = Style(Face.BOLD, 13, 18)
SUBHEADING = Style(Face.BOLD, 10, 14)
BODY = Style(Face.TEXT, 9.6, 14.2)
SMALL = Style(Face.TEXT, 8.4, 12)
LABEL = Style(Face.TEXT, 7.6, 10, MUTED)
NOTE = Style(Face.ITALIC, 8.4, 12, MUTED)
CODE = Style(Face.CODE, 7.8, 10.8)

CODE_INDENT = 10.0  # from a block's edge to its text
_PAD = 6.0
_GUTTER = 10.0


def heading(sheet: Sheet, text: str, *, keep: float) -> None:
    """A heading of the first order, and the outline's entry for it.

    Args:
        sheet: Where it is drawn.
        text: The heading.
        keep: Points of what follows that have to stand on the same page.
    """
    sheet.gap(22)
    sheet.need(HEADING.leading + 8 + keep)
    sheet.mark(text, 0)
    sheet.y += HEADING.leading
    sheet.text(sheet.left, sheet.y - 4, text, HEADING)
    sheet.y += 6


def prose(
    sheet: Sheet, text: str, style: Style = BODY, *, left: float = 0, width: float | None = None
) -> None:
    """Shown text of people or models, with its paragraphs, lists and code."""
    width = sheet.width - left if width is None else width
    gap = 0.0
    last: type[Block] | None = None
    for block in blocks(text):
        close = isinstance(block, Item) and last is Item
        sheet.gap(2 if close else gap)
        match block:
            case Code():
                code(
                    sheet,
                    wrap_code(block.text.strip("\n"), width - 2 * CODE_INDENT, CODE, sheet.fonts),
                    left=left,
                    width=width,
                )
            case Item():
                _item(sheet, block, style, left, width)
            case _:
                for line in block.lines:
                    _lines(sheet, line, style, left, width)
        gap, last = style.leading * 0.45, type(block)


def paragraph(sheet: Sheet, text: str, style: Style = BODY, *, left: float = 0) -> None:
    """Shown text as one paragraph without any markup: nothing in it means anything."""
    _lines(sheet, (Words(text),), style, left, sheet.width - left)


def note(sheet: Sheet, text: str, *, left: float = 0) -> None:
    """What the page itself has to say, for instance of what is left out."""
    sheet.y += NOTE.leading + 4  # at the end of a page it may stand a little lower than anything else
    sheet.text(sheet.left + left, sheet.y - 3, text, NOTE)


def shortened(
    sheet: Sheet, text: str, most: tuple[int, int], style: Style = BODY, *, left: float = 0
) -> None:
    """Prose, or its beginning with a note of how much is missing.

    Args:
        sheet: Where it is drawn.
        text: Shown text of people or models.
        most: Characters and lines of it that are shown.
        style: How it is set.
        left: How far it is set in.
    """
    text, left_out = cut(text.strip(), *most)
    prose(sheet, text, style, left=left)
    if left_out:
        note(sheet, f"… {left_out:,} more characters are left out of this PDF.", left=left)


def _item(sheet: Sheet, item: Item, style: Style, left: float, width: float) -> None:
    indent = 15.0 * (item.depth + 1)
    sheet.need(style.leading)
    sheet.text(sheet.left + left + indent - 11, sheet.y + style.leading - 4, item.marker, style)
    _lines(sheet, item.line, style, left + indent, width - indent)


def _lines(sheet: Sheet, line: Line, style: Style, left: float, width: float) -> None:
    for row in wrap([_piece(words, style) for words in line], width, sheet.fonts):
        sheet.need(style.leading)
        sheet.y += style.leading
        sheet.line(sheet.left + left, sheet.y - style.leading * 0.28, row)


def _piece(words: Words, style: Style) -> Piece:
    if words.code:
        style = replace(style, face=Face.CODE, size=style.size * 0.92)
    elif words.bold:
        style = replace(style, face=Face.BOLD)
    elif words.italic:
        style = replace(style, face=Face.ITALIC)
    if (
        words.url and "U+" not in words.url
    ):  # an address with a character that cannot be written leads elsewhere
        return Piece(words.text, replace(style, color=LINK), words.url)
    return Piece(words.text, style)


@dataclass(frozen=True, slots=True)
class Panel:
    """How a block of code looks: its ground, a bar at its left, and how its text is set."""

    fill: Color = PANEL
    bar: Color | None = None
    style: Style = CODE


PLAIN = Panel()


def code(
    sheet: Sheet,
    rows: Sequence[str | Piece],
    panel: Panel = PLAIN,
    *,
    left: float = 0,
    width: float | None = None,
) -> None:
    """A block of code over as many pages as it takes.

    Args:
        sheet: Where it is drawn.
        rows: Shown text, broken into rows already; a piece is a note in a style of its own.
        panel: How it looks.
        left: How far it is set in.
        width: By default all that is left.
    """
    width = sheet.width - left if width is None else width
    x, leading = sheet.left + left, panel.style.leading
    done = 0
    while done < len(rows):
        sheet.need(2 * _PAD + min(len(rows) - done, 2) * leading)
        count = max(int((sheet.bottom - sheet.y - 2 * _PAD) / leading), 1)
        part = rows[done : done + count]
        height = len(part) * leading + 2 * _PAD
        sheet.box(x, sheet.y, width, height, panel.fill)
        if panel.bar:
            sheet.box(x, sheet.y, 2.4, height, panel.bar)
        baseline = sheet.y + _PAD + leading * 0.76
        for row in part:
            if row:
                piece = row if isinstance(row, Piece) else Piece(row, panel.style)
                sheet.line(x + CODE_INDENT, baseline, [piece])
            baseline += leading
        sheet.y += height
        done += len(part)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        width: Points; what is 0 takes the room that is left.
        style: Of its cells.
        to_right: Whether its text ends at the right edge, as figures do.
    """

    title: str
    width: float
    style: Style = SMALL
    to_right: bool = False


def table(sheet: Sheet, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """A table whose head stands on each page; a row is never broken over pages."""
    rest = sheet.width - sum(column.width for column in columns)
    columns = [column if column.width else replace(column, width=rest) for column in columns]
    head = _Row(
        sheet, columns, [Style(Face.BOLD, 8, 11, MUTED)] * len(columns), [column.title for column in columns]
    )
    styles = [column.style for column in columns]
    begun = False
    for texts in rows:
        row = _Row(sheet, columns, styles, texts)
        if not begun or sheet.y + row.height > sheet.bottom:
            if begun:
                sheet.new_page()
            else:
                sheet.need(head.height + row.height)
            head.draw(INK)
            begun = True
        row.draw(RULE)


class _Row:
    """A row of cells, each broken into lines."""

    def __init__(
        self, sheet: Sheet, columns: Sequence[Column], styles: Sequence[Style], texts: Sequence[str]
    ) -> None:
        self.sheet, self.columns = sheet, columns
        self.gutters = [0.0, *([_GUTTER] * (len(columns) - 1))]
        self.cells = [
            wrap([Piece(text, style)], column.width - gutter, sheet.fonts)
            for text, style, column, gutter in zip(texts, styles, columns, self.gutters, strict=True)
        ]
        self.leading = max(style.leading for style in styles)
        self.height = max(len(cell) for cell in self.cells) * self.leading + 7

    def draw(self, rule: Color) -> None:
        """Draw it here, with a line below."""
        x = self.sheet.left
        for column, cell, gutter in zip(self.columns, self.cells, self.gutters, strict=True):
            baseline = self.sheet.y + 3.5 + self.leading * 0.74
            for line in cell:
                wide = sum(self.sheet.measure(piece.text, piece.style) for piece in line)
                self.sheet.line(x + (column.width - wide if column.to_right else gutter), baseline, line)
                baseline += self.leading
            x += column.width
        self.sheet.y += self.height
        self.sheet.rule(self.sheet.left, self.sheet.y, self.sheet.right, self.sheet.y, rule, 0.5)
