"""Which glyph comes from where, and how wide it is.

The fonts come from pymupdf-fonts: Noto Sans for text, Fira Mono for code, and others for what those two
lack. From each only the glyphs that a report needs are taken before fpdf2 sees it, as a TrueType font:
fpdf2 takes a quarter of the time to load that, and it embeds OpenType fonts with CFF outlines (Fira Mono
and the symbols are such) as if they were TrueType, which strict readers refuse (ISO 32000-2, table 124).
"""

import importlib
import io
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from fontTools import subset, ttLib
from fontTools.pens import cu2quPen, ttGlyphPen
from fpdf import FPDF

from bot.reports.visible import code, revealed

LEFT_OUT = ("FFTM", "GDEF", "GPOS", "GSUB", "MATH", "TTFA", "VORG", "DSIG")
ALWAYS = (
    "".join(map(chr, range(0x20, 0x7F))) + "\N{MIDDLE DOT}\N{BULLET}\N{HORIZONTAL ELLIPSIS}\N{MINUS SIGN}"
)

_INVISIBLE = {0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)}
_CODES = re.compile(r"(U\+[0-9A-F]{4,6})(?=U\+)")


class Face(StrEnum):
    """The faces that a report is set in, by the names of their modules."""

    TEXT = "NotoSans_Regular"
    BOLD = "NotoSans_Bold"
    ITALIC = "NotoSans_Italic"
    CODE = "FiraMono_Regular"
    CODE_BOLD = "FiraMono_Bold"


FALLBACKS = (
    "NotoSans_Regular",
    "FiraMono_Regular",  # arrows, signs, boxes
    "FiraGO_Regular",  # Hebrew, Arabic, Devanagari, Thai, Georgian
    "NotoSansSymbols2_Regular",
    "NotoSansSymbols_Regular",
    "NotoSansMath_Regular",
    "NotoMusic_Regular",
    "CascadiaMono_Regular",
)


class Fonts:
    """The fonts of one document, with a glyph for every character that its texts hold.

    Args:
        pdf: The document; the fonts are added to it.
        texts: Everything that will be written.
    """

    def __init__(self, pdf: FPDF, texts: Iterable[str]) -> None:
        held = set(ALWAYS).union(*map(_composed, texts))
        needed = {char for char in held if unicodedata.category(char)[0] not in "CZ"} | {" "}
        self._sources: dict[str, ttLib.TTFont] = {}
        homes = {face: self._homes(face, needed) for face in Face}
        covered = set.intersection(*(set(home) for home in homes.values()))
        self._shown = {ord(char): _instead(char) for char in held - covered if char not in "\n\t"}
        self._homes_of: dict[Face, dict[str, str]] = homes
        widths = self._embed(pdf, homes)
        self._widths = {
            face: {char: widths[family][char] for char, family in home.items()}
            for face, home in homes.items()
        }
        for source in self._sources.values():
            source.close()

    def _homes(self, face: Face, needed: set[str]) -> dict[str, str]:
        """The font that each character comes from, where `face` is asked for."""
        homes: dict[str, str] = {}
        missing = set(needed)
        for name in _chain(face):
            if not missing:
                break
            if name not in self._sources:
                data = importlib.import_module(f"pymupdf_fonts.{name}").fontbuffer
                self._sources[name] = ttLib.TTFont(io.BytesIO(data), lazy=True, recalcTimestamp=False)
            found = {char for char in missing if ord(char) in self._sources[name].getBestCmap()}
            homes.update(dict.fromkeys(found, name))
            missing -= found
        return homes

    def _embed(self, pdf: FPDF, homes: dict[Face, dict[str, str]]) -> dict[str, dict[str, float]]:
        """Add what is needed of each font, and say how wide each character is, in thousandths of the size."""
        wanted: dict[str, set[str]] = {}
        for home in homes.values():
            for char, name in home.items():
                wanted.setdefault(name, set()).add(char)
        widths: dict[str, dict[str, float]] = {}
        with tempfile.TemporaryDirectory(prefix="legwork-fonts-") as folder:
            for name, chars in sorted(wanted.items()):
                font = self._sources[name]
                scale, cmap, metrics = (
                    1000 / font["head"].unitsPerEm,
                    font.getBestCmap(),
                    font["hmtx"].metrics,
                )
                widths[name] = {char: round(metrics[cmap[ord(char)]][0] * scale) for char in chars}
                path = Path(folder, f"{name}.ttf")
                path.write_bytes(_subset(font, chars))
                pdf.add_font(name, fname=path)
        return widths

    def show(self, text: str) -> str:
        """The text as it will be written: composed, `U+XXXX` for what has no glyph or must be seen."""
        text = _composed(text).translate(self._shown)
        return _CODES.sub(r"\1 ", text) if self._shown else text

    def show_line(self, text: str) -> str:
        """The same on one line, with single spaces."""
        return " ".join(self.show(text).split())

    def width(self, text: str, face: Face, size: float) -> float:
        """How wide a shown text is, in the unit of `size`."""
        widths = self._widths[face]
        return sum([widths[char] for char in text]) * size / 1000

    def runs(self, text: str, face: Face) -> Iterator[tuple[str, str]]:
        """A shown text cut where the font changes: pairs of a family for `set_font` and its characters."""
        homes = self._homes_of[face]
        for family, chars in groupby(text, homes.__getitem__):
            yield family, "".join(chars)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", revealed(text))


def _instead(char: str) -> str:
    if ord(char) in _INVISIBLE:
        return ""
    return " " if unicodedata.category(char) == "Zs" else code(char)


def _subset(font: ttLib.TTFont, chars: set[str]) -> bytes:
    """A TrueType font of just these characters."""
    options = subset.Options(layout_features=[], notdef_outline=True, hinting=False, name_languages=[0x409])
    options.drop_tables += LEFT_OUT
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(char) for char in chars])
    subsetter.subset(font)
    font["OS/2"].version = max(font["OS/2"].version, 4)
    if "CFF " in font:
        _make_quadratic(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def _make_quadratic(font: ttLib.TTFont) -> None:
    """Replace cubic CFF outlines by TrueType's quadratic ones, at most a thousandth of the size off."""
    order, outlines = font.getGlyphOrder(), font.getGlyphSet()
    glyphs = {}
    for name in order:
        pen = ttGlyphPen.TTGlyphPen(outlines)
        outlines[name].draw(
            cu2quPen.Cu2QuPen(pen, max_err=font["head"].unitsPerEm / 1000, reverse_direction=True)
        )
        glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = ttLib.newTable("loca"), ttLib.newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    del font["CFF "]
    most = font["maxp"]
    most.tableVersion = 0x00010000
    for limit in ("TwilightPoints", "Storage", "FunctionDefs", "InstructionDefs", "StackElements"):
        setattr(most, f"max{limit}", 0)
    most.maxZones, most.maxSizeOfInstructions, most.maxComponentElements = 1, 0, 0
    font["post"].formatType, font["post"].extraNames, font["post"].mapping = 2.0, [], {}
    font["post"].glyphOrder = order
    font.sfntVersion = "\0\1\0\0"


def _chain(face: Face) -> tuple[str, ...]:
    """A face's own font, then those that stand in for it: for code the ones of an even width first."""
    shared: tuple[str, ...] = FALLBACKS
    if face in (Face.CODE, Face.CODE_BOLD):
        shared = ("FiraMono_Regular", "CascadiaMono_Regular", *shared)  # Braille, too
    return (face.value, *dict.fromkeys(name for name in shared if name != face.value))
