"""What the models used and what that cost: a table, and the tokens of each turn where there are several."""

from bot.reports import phrases
from bot.reports.charts import JUMPS
from bot.reports.flow import NOTE, SMALL, Column, heading, note, table
from bot.reports.fonts import Face
from bot.reports.report import Report, TurnView
from bot.reports.sheet import MUTED, RULE, Color, Sheet, Style

LEAST_TURNS = 3  # below it, there is nothing to compare
HEIGHT = 62.0
_WIDEST = 30.0
_TICK = Style(Face.TEXT, 7, 9, MUTED)
_FIGURE = Style(Face.TEXT, 7.4, 9, MUTED)
_CACHED: Color = (190, 205, 222)
_FRESH: Color = (90, 140, 205)
_WRITTEN: Color = (24, 62, 110)
_LEGEND = (("read from a cache", _CACHED), ("read", _FRESH), ("written", _WRITTEN))


def spending(sheet: Sheet, report: Report) -> None:
    """Draw what was spent on models.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones; a model took a turn in it.
    """
    heading(sheet, "Cost", keep=60 + (HEIGHT + 62 if len(report.turns) >= LEAST_TURNS else 0))
    columns = [
        Column("Model", 0, SMALL),
        Column("Turns", 40, SMALL, to_right=True),
        Column("Tokens read", 74, SMALL, to_right=True),
        Column("of a cache", 66, SMALL, to_right=True),
        Column("written", 60, SMALL, to_right=True),
        Column("Cost", 92, SMALL, to_right=True),
    ]
    table(sheet, columns, phrases.spending(report))
    if why := phrases.unpriced(report):
        note(sheet, sheet.shorten(why, NOTE, sheet.width))
    if len(report.turns) >= LEAST_TURNS:
        _chart(sheet, report.turns)


def _chart(sheet: Sheet, turns: tuple[TurnView, ...]) -> None:
    """A bar for each turn: what it read, from a cache and not, and what it wrote above it."""
    most = max(1, *(turn.usage.read + turn.usage.written for turn in turns))
    left, top = sheet.left + 44, sheet.y + 28
    bottom = top + HEIGHT
    sheet.text(sheet.left, top - 10, "Tokens of each turn", _FIGURE)
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * HEIGHT
        sheet.rule(left, y, sheet.right, y, RULE, 0.4)
        sheet.text_right(left - 5, y + 2.4, _thousands(most * share), _TICK)
    pitch = (sheet.right - left) / len(turns)
    wide = min(pitch * 0.7, _WIDEST)
    pitch = min(pitch, _WIDEST / 0.7)
    every = next(jump for jump in (1, *JUMPS) if jump * pitch >= 14)  # noqa: PLR2004  points, as charts have it
    for number, turn in enumerate(turns, 1):
        x, y = left + (number - 1) * pitch + (pitch - wide) / 2, bottom
        cached = min(turn.usage.cached, turn.usage.read)
        for count, color in (
            (cached, _CACHED),
            (turn.usage.read - cached, _FRESH),
            (turn.usage.written, _WRITTEN),
        ):
            height = count / most * HEIGHT
            y -= height
            if count > 0:
                sheet.box(x, y, wide, height, color)
        if number == 1 or number % every == 0:
            text = f"{number:,}"
            sheet.text(x + wide / 2 - sheet.measure(text, _TICK) / 2, bottom + 9, text, _TICK)
    sheet.y = bottom + 22
    x = sheet.right
    for words, color in reversed(_LEGEND):
        x -= sheet.measure(words, _FIGURE)
        sheet.text(x, sheet.y, words, _FIGURE)
        sheet.box(x - 14, sheet.y - 6, 10, 6.5, color)
        x -= 24
    sheet.y += 4


def _thousands(count: float) -> str:
    """A figure on the axis: `0`, `850`, `12.5k`."""
    if count < 1000:  # noqa: PLR2004  from there on in thousands
        return f"{count:.0f}"
    return f"{count / 1000:.1f}k".replace(".0k", "k")
