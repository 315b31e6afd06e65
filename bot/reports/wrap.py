"""Breaking text into lines that fit."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.reports.fonts import Fonts
from bot.reports.sheet import Piece, Style

_TOKENS = re.compile(r"\s+|\S+")
_JOINTS = frozenset("/\\-_.,;:=&?@+")  # a word too long for a line is best broken after one of these
_INDENT = "  "  # before what goes on from the row above

Word = list[Piece]


def wrap(pieces: Iterable[Piece], width: float, fonts: Fonts) -> list[list[Piece]]:
    """Break pieces into lines at spaces, and inside a word only where it is wider than a line.

    Args:
        pieces: Shown text; any white space counts as one space.
        width: The most that a line may take.
        fonts: They know how wide a character is.

    Returns:
        At least one line; none begins or ends with a space.
    """
    lines: list[list[Piece]] = [[]]
    room = width
    for space, word in _words(pieces):
        before = space
        for part in _split(word, width, fonts):
            wide = sum(_wide(piece, fonts) for piece in part)
            gap = _wide(before, fonts) if before and lines[-1] else 0.0
            if lines[-1] and gap + wide > room:
                lines.append([])
                room, gap = width, 0.0
            if before and gap:
                _append(lines[-1], before)
            for piece in part:
                _append(lines[-1], piece)
            room -= gap + wide
            before = None
    return lines


def _words(pieces: Iterable[Piece]) -> Iterator[tuple[Piece | None, Word]]:
    """Words, each with the space before it; a word may change its style on the way."""
    space: Piece | None = None
    word: Word = []
    for piece in pieces:
        for token in _TOKENS.findall(piece.text):
            if not token.isspace():
                word.append(replace(piece, text=token))
                continue
            if word:
                yield space, word
                word = []
            space = replace(piece, text=" ")
    if word:
        yield space, word


def _split(word: Word, width: float, fonts: Fonts) -> Iterator[Word]:
    """The word as it is where it fits a line, else in parts that do."""
    if sum(_wide(piece, fonts) for piece in word) <= width:
        yield word
        return
    for piece in word:
        rest = piece.text
        while rest:
            count = _fitting(rest, width, piece.style, fonts)
            if count < len(rest):
                joints = (back for back in range(count, count * 2 // 3, -1) if rest[back - 1] in _JOINTS)
                count = next(joints, count)
            yield [replace(piece, text=rest[:count])]
            rest = rest[count:]


def _append(line: list[Piece], piece: Piece) -> None:
    if line and line[-1].style == piece.style and line[-1].link == piece.link:
        line[-1] = replace(piece, text=line[-1].text + piece.text)
    else:
        line.append(piece)


def _wide(piece: Piece, fonts: Fonts) -> float:
    return fonts.width(piece.text, piece.style.face, piece.style.size)


def _fitting(text: str, room: float, style: Style, fonts: Fonts) -> int:
    """How many characters fit; at least one."""
    used = 0.0
    for count, char in enumerate(text):
        used += fonts.width(char, style.face, style.size)
        if used > room:
            return max(count, 1)
    return len(text)


def wrap_code(text: str, width: float, style: Style, fonts: Fonts) -> list[str]:
    """Break code into rows wherever a row is full; what goes on is set in by two columns.

    Args:
        text: Shown text of any number of lines; tabs stop at every eighth column.
        width: The most that a row may take.
        style: How it is set.
        fonts: They know how wide a character is.
    """
    column = fonts.width("0", style.face, style.size)
    most = int(width / column)
    rows: list[str] = []
    for line in text.split("\n"):
        rest, indent = line.expandtabs(8).rstrip(), ""
        while rest or not indent:
            room = most - len(indent)
            part = rest[:room]
            if not part.isascii() and fonts.width(part, style.face, style.size) > room * column:
                part = part[: _fitting(part, room * column, style, fonts)]
            rows.append(indent + part)
            rest, indent = rest[len(part) :], _INDENT
    return rows
