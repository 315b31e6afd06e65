"""The steps, one after the other, within a room that is given.

Where they need more, each output is cut to the same number of rows, found so that the room is just filled:
short outputs stay whole. Where even that is too much, steps in the middle are left out. Both are said where
it happens.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.reports import phrases
from bot.reports.charts import COLORS
from bot.reports.flow import CODE, CODE_INDENT, NOTE, SMALL, SUBHEADING, Panel, code, heading, prose
from bot.reports.fonts import Face
from bot.reports.prose import cut
from bot.reports.report import StepView
from bot.reports.rows import Rows, rows
from bot.reports.sheet import MUTED, TINT, Color, Piece, Sheet, Style

LEAST_ROWS = 6  # of an output, before steps are left out
MOST_ROWS = 40  # of one, however much room there is: its head and its tail tell what it was
COMMAND_ROWS = 30
WORDS = (1500, 20)  # characters and lines of what the agent said
ALL_CHARACTERS = 600_000  # of all outputs together: more than the pages hold

_COMMAND = Style(Face.CODE_BOLD, 7.8, 11.2)
_TOLD = replace(SMALL, color=MUTED)
_STATE = Style(Face.BOLD, 8.4, 12)
_INKS: dict[str, Color] = {
    "ok": (24, 112, 74),
    "failed": (158, 27, 40),
    "interrupted": (140, 82, 0),
    "refused": (112, 46, 110),
    "waiting": (122, 92, 0),
    "running": (21, 84, 150),
}


@dataclass(frozen=True, slots=True)
class _Sized:
    """A step that has been broken into rows, with the height of everything but its output."""

    step: StepView
    words: str
    what: list[str | Piece]
    output: Rows
    fixed: float

    def height(self, most: int) -> float:
        """Points that it takes with so many rows of its output."""
        return self.fixed + min(len(self.output), most) * CODE.leading


def steps(sheet: Sheet, views: Sequence[StepView], places: Sequence[int], room: float) -> None:
    """Draw the steps.

    Args:
        sheet: Where they are drawn.
        views: Their texts are shown ones.
        places: Put where each is told of.
        room: Points that they may take.
    """
    share = max(ALL_CHARACTERS // max(len(views), 1), 400)
    sized = [_size(sheet, view, share) for view in views]
    first, last = _kept(sized, room)
    kept = sized[:first] + sized[len(sized) - last :]
    most = _rows_each(kept, room)
    heading(sheet, "Steps", keep=90)
    for number, (item, place) in enumerate(zip(sized, places, strict=True)):
        if number == first and len(kept) < len(sized):
            _left_out(sheet, first + 1, len(sized) - last)
        if first <= number < len(sized) - last:
            sheet.put(place)
        else:
            _draw(sheet, item, most, place)


def _size(sheet: Sheet, step: StepView, characters: int) -> _Sized:
    width = sheet.width - 2 * CODE_INDENT
    words, left_out = cut(step.words.strip(), *WORDS)
    words += f"\n… {left_out:,} more characters are left out of this PDF." if left_out else ""
    what = rows(step.what[:20_000], 20_000, width, _COMMAND, sheet.fonts).cut(COMMAND_ROWS)
    output = rows(step.output, characters, width, CODE, sheet.fonts)
    talk = (len(words) / 80 + words.count("\n") + 1) * SMALL.leading * 1.6 if words else 0.0
    talk += SMALL.leading if step.approval else 0.0
    return _Sized(step, words, what, output, 60 + len(what) * _COMMAND.leading + talk)


def _kept(sized: list[_Sized], room: float) -> tuple[int, int]:
    """How many steps from the beginning and from the end fit with the least of their outputs."""
    least = [item.height(LEAST_ROWS) for item in sized]
    if sum(least) <= room:
        return len(sized), 0
    return _fitting(least, room * 0.6), _fitting(least[::-1], room * 0.35)


def _fitting(heights: list[float], room: float) -> int:
    total, count = 0.0, 0
    for height in heights:
        total += height
        if total > room:
            break
        count += 1
    return count


def _rows_each(kept: list[_Sized], room: float) -> int:
    """The most rows that each output may have, so that all fit."""
    longest = min(max((len(item.output) for item in kept), default=0), MOST_ROWS)
    counts = range(LEAST_ROWS, max(longest, LEAST_ROWS) + 1)
    fitting = bisect_right(counts, room, key=lambda most: sum(item.height(most) for item in kept))
    return counts[max(fitting - 1, 0)]


def _draw(sheet: Sheet, item: _Sized, most: int, place: int) -> None:
    step = item.step
    output = item.output.cut(most)
    sheet.gap(16 if step.number > 1 else 4)
    sheet.need(
        SUBHEADING.leading
        + 16
        + min(len(item.what), 8) * _COMMAND.leading
        + min(len(output), 3) * CODE.leading
        + 24
    )
    sheet.mark(f"{step.number:,}. {step.label[:200]}", 1)
    sheet.y += SUBHEADING.leading
    sheet.put(place)
    _head(sheet, step)
    if step.approval:
        sheet.y += SMALL.leading
        told = f"{step.approval.key}: {phrases.decided(step.approval)}"
        sheet.text(sheet.left, sheet.y - 3, sheet.shorten(told, _TOLD, sheet.width), _TOLD)
    if item.words:
        sheet.y += 2
        prose(sheet, item.words, _TOLD)
    sheet.y += 4
    code(sheet, item.what, Panel(TINT, COLORS[step.state], _COMMAND))
    if output:
        code(sheet, output, Panel(bar=COLORS[step.state]))


def _head(sheet: Sheet, step: StepView) -> None:
    """`Step 3` at the left; at the right how it went."""
    sheet.text(sheet.left, sheet.y - 3, f"Step {step.number:,}", SUBHEADING)
    state, *figures = phrases.step(step)
    pieces = [Piece(state, replace(_STATE, color=_INKS[step.state]))]
    pieces += [Piece(f" · {figure}", _TOLD) for figure in figures]
    wide = sum(sheet.measure(piece.text, piece.style) for piece in pieces)
    sheet.line(sheet.right - wide, sheet.y - 3, pieces)


def _left_out(sheet: Sheet, first: int, last: int) -> None:
    sheet.gap(16)
    sheet.need(30)
    which = f"Step {first:,} is" if first == last else f"Steps {first:,} to {last:,} are"
    sheet.y += NOTE.leading
    sheet.text(sheet.left, sheet.y, f"{which} left out of this PDF, which would be too long with them.", NOTE)
    sheet.y += 6
