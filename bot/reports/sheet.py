"""Pages with a cursor: where the next thing is drawn, and when a new page begins.

All lengths are points (1/72 inch), y grows downwards.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fpdf import FPDF
from fpdf.bidi import BidiParagraph

from bot.reports.fonts import Face, Fonts

Color = tuple[int, int, int]

INK: Color = (27, 31, 36)
MUTED: Color = (92, 101, 112)
RULE: Color = (214, 219, 225)
PANEL: Color = (246, 247, 249)
TINT: Color = (234, 238, 242)
LINK: Color = (21, 84, 150)
WHITE: Color = (255, 255, 255)

_ENTRY = 70  # characters of an entry of the outline
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_MIRRORS = str.maketrans("()[]{}<>«»", ")(][}{><»«")


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks: face, size, color, and the distance from one baseline to the next."""

    face: Face
    size: float
    leading: float
    color: Color = INK


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of shown text in one style; `link` is an address or the number of a place."""

    text: str
    style: Style
    link: str | int = ""


class _Document(FPDF):
    """A document with a line at the foot of each page."""

    foot: "Sheet | None" = None

    def footer(self) -> None:
        if self.foot:
            self.foot.draw_foot()


class Sheet:
    """An A4 document under construction.

    Args:
        texts: Everything that will be written, so that there are glyphs for it.
        foot: What stands at the foot of each page: before its number, and at the other end.

    Attributes:
        pdf: The document, for what is drawn on it directly.
        fonts: Its fonts.
        y: Where the next thing begins.
    """

    left, top, width, bottom = 56.0, 58.0, 483.28, 770.0

    def __init__(self, texts: Iterable[str], foot: tuple[str, str]) -> None:
        self.pdf = _Document(unit="pt", format="A4")
        self.pdf.set_auto_page_break(auto=False)
        self.fonts = Fonts(self.pdf, texts)
        self._foot = (self.fonts.show_line(foot[0]), self.fonts.show_line(foot[1]))
        self.pdf.foot = self
        self.y = self.top
        self.new_page()

    @property
    def right(self) -> float:
        """The right edge of what is drawn."""
        return self.left + self.width

    @property
    def page(self) -> int:
        """The number of the page that is drawn on."""
        return self.pdf.page

    def new_page(self) -> None:
        """Go on at the top of a new page."""
        self.pdf.add_page()
        self.y = self.top

    def need(self, height: float) -> None:
        """Go on on a new page, unless this height fits on this one."""
        if self.y + height > self.bottom and self.y > self.top:
            self.new_page()

    def gap(self, height: float) -> None:
        """Leave white space, but none at the top of a page."""
        if self.y > self.top:
            self.y += height

    def box(self, x: float, y: float, w: float, h: float, fill: Color, radius: float = 0) -> None:
        """Draw a filled rectangle."""
        self.pdf.set_fill_color(*fill)
        if radius:
            self.pdf.rect(x, y, w, h, style="F", round_corners=True, corner_radius=radius)
        else:
            self.pdf.rect(x, y, w, h, style="F")

    def rule(
        self, x1: float, y1: float, x2: float, y2: float, color: Color = RULE, width: float = 0.6
    ) -> None:
        """Draw a straight line."""
        self.pdf.set_draw_color(*color)
        self.pdf.set_line_width(width)
        self.pdf.line(x1, y1, x2, y2)

    def text(self, x: float, baseline: float, text: str, style: Style) -> None:
        """Write one line of shown text."""
        self.line(x, baseline, [Piece(text, style)])

    def text_right(self, x: float, baseline: float, text: str, style: Style) -> None:
        """Write one line of shown text that ends at `x`."""
        self.text(x - self.measure(text, style), baseline, text, style)

    def line(self, x: float, baseline: float, pieces: Sequence[Piece]) -> None:
        """Write one line of pieces, each after the other, in the order in which people see them."""
        if any(_RIGHT_TO_LEFT.search(piece.text) for piece in pieces):
            pieces = _in_sight(pieces)
        for piece in pieces:
            style, start = piece.style, x
            self.pdf.set_text_color(*style.color)
            for family, run in self.fonts.runs(piece.text, style.face):
                self.pdf.set_font(family, size=style.size)
                self.pdf.text(x, baseline, run)
                x += self.fonts.width(run, style.face, style.size)
            if piece.link:
                self.pdf.link(start, baseline - style.size, x - start, style.size * 1.3, piece.link)

    def measure(self, text: str, style: Style) -> float:
        """How wide a shown text is."""
        return self.fonts.width(text, style.face, style.size)

    def shorten(self, text: str, style: Style, width: float) -> str:
        """A shown text on one line, with `…` for what does not fit."""
        text = " ".join(text[:1000].split())
        if self.measure(text, style) <= width:
            return text
        while text and self.measure(text + "…", style) > width:
            text = text[: min(len(text) - 1, int(len(text) * 0.9) + 1)]
        return text.rstrip() + "…"

    def mark(self, name: str, level: int) -> None:
        """Put this place into the outline that viewers show beside the pages."""
        name = " ".join(name.split())
        self.pdf.set_y(self.y)
        self.pdf.start_section(name[:_ENTRY] + ("…" if name[_ENTRY:] else ""), level, strict=False)

    def place(self) -> int:
        """A place that can be linked to now and `put` later."""
        return self.pdf.add_link()

    def put(self, place: int) -> None:
        """Say that a place is here."""
        self.pdf.set_link(place, y=max(self.y - 12, 0))

    def draw_foot(self) -> None:
        """Draw the foot of the page: called when the page is full."""
        style = Style(Face.TEXT, 7.6, 10, MUTED)
        left, right = self._foot
        baseline = 806.0
        self.rule(self.left, baseline - 14, self.right, baseline - 14)
        self.text(self.left, baseline, f"{left} · ", style)
        x = self.left + self.measure(f"{left} · ", style) - self.pdf.c_margin
        self.pdf.set_xy(x, baseline - 5 - 0.3 * style.size)  # where `cell` puts its baseline
        self.pdf.set_font(Face.TEXT.value, size=style.size)
        self.pdf.cell(text=f"page {self.page} of {{nb}}", h=10)
        self.text_right(self.right, baseline, self.shorten(right, style, 300), style)


def _in_sight(pieces: Sequence[Piece]) -> list[Piece]:
    """A line with right-to-left text in the order of sight (Unicode bidirectional algorithm, UAX #9)."""
    whole = "".join(piece.text for piece in pieces)
    owners = [piece for piece in pieces for _ in piece.text]
    ordered: list[Piece] = []
    for shown in BidiParagraph(whole).get_reordered_characters():
        char = whole[shown.character_index]
        if shown.embedding_level % 2 and unicodedata.mirrored(char):
            char = char.translate(_MIRRORS)
        owner = owners[shown.character_index]
        if ordered and ordered[-1].style == owner.style and ordered[-1].link == owner.link:
            ordered[-1] = replace(ordered[-1], text=ordered[-1].text + char)
        else:
            ordered.append(replace(owner, text=char))
    return ordered
