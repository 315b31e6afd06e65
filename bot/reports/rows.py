"""Rows of code that lose their middle where there is no room for all."""

from dataclasses import dataclass

from bot.reports.flow import NOTE
from bot.reports.fonts import Fonts
from bot.reports.humane import counted
from bot.reports.sheet import Piece, Style
from bot.reports.wrap import wrap_code


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of code; between `head` and `tail` as many as `lost` are missing already."""

    head: list[str]
    tail: list[str]
    lost: int = 0

    def __len__(self) -> int:
        return len(self.head) + len(self.tail)

    def cut(self, most: int) -> list[str | Piece]:
        """At most so many rows, with a note in the place of those that are missing."""
        if len(self) <= most and not self.lost:
            return [*self.head, *self.tail]
        first = min(max(most * 2 // 3, 1), len(self.head))
        last = min(max(most - first, 0), len(self) - first, len(self.tail) if self.lost else most)
        whole = [*self.head, *self.tail]
        lost = self.lost + len(self) - first - last
        note = Piece(f"… {counted(lost, 'line')} left out of this PDF …", NOTE)
        return [*whole[:first], note, *(whole[-last:] if last else ())]


def rows(text: str, characters: int, width: float, style: Style, fonts: Fonts) -> Rows:
    """Break code into rows.

    Args:
        text: Shown text.
        characters: The most that are looked at: beyond it, the middle is left out.
        width: The most that a row may take.
        style: How it is set.
        fonts: They know how wide a character is.
    """
    text = text.strip("\n")
    if len(text) <= characters:
        return Rows(wrap_code(text, width, style, fonts) if text.strip() else [], [])
    half = characters // 2
    lost = max(text.count("\n", half, len(text) - half), 1)
    head, tail = text[:half], text[-half:]
    return Rows(wrap_code(head, width, style, fonts), wrap_code(tail, width, style, fonts), lost)
