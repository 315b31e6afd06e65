"""The first page: what it was, how it ended, and when."""

from bot.reports import phrases
from bot.reports.flow import BODY, LABEL, heading, shortened
from bot.reports.fonts import Face
from bot.reports.report import Report, State
from bot.reports.sheet import INK, MUTED, RULE, WHITE, Color, Piece, Sheet, Style
from bot.reports.wrap import wrap

BADGES: dict[State, Color] = {
    "queued": (92, 101, 112),
    "running": (21, 84, 150),
    "waiting": (122, 92, 0),
    "paused": (122, 92, 0),
    "done": (24, 112, 74),
    "failed": (158, 27, 40),
    "cancelled": (140, 82, 0),
}
TITLE = Style(Face.BOLD, 20, 26)
TITLE_LINES = 3
OUTCOME = (4000, 60)  # characters and lines of it that are shown

_BADGE = Style(Face.BOLD, 9, 11, WHITE)
_HEADLINE = Style(Face.TEXT, 10.5, 14, MUTED)
_KEY = Style(Face.BOLD, 8.4, 11, MUTED)


def cover(sheet: Sheet, report: Report) -> None:
    """Title, state, key facts and outcome.

    Args:
        sheet: At the top of its first page.
        report: Its texts are shown ones.
    """
    sheet.mark("Summary", 0)
    sheet.text(sheet.left, sheet.y, f"Task report · {report.key}", _KEY)
    sheet.text_right(sheet.right, sheet.y, "Legwork", _KEY)
    sheet.y += 14
    lines = wrap([Piece(report.title[:1000], TITLE)], sheet.width, sheet.fonts)
    if len(lines) > TITLE_LINES:
        rest = " ".join(piece.text for line in lines[TITLE_LINES - 1 :] for piece in line)
        lines[TITLE_LINES - 1 :] = [[Piece(sheet.shorten(rest, TITLE, sheet.width), TITLE)]]
    for line in lines:
        sheet.y += TITLE.leading
        sheet.line(sheet.left, sheet.y - 5, line)
    _badge(sheet, report)
    _facts(sheet, phrases.facts(report))
    if report.outcome:
        heading(sheet, "Outcome", keep=40)
        _outcome(sheet, report)


def _badge(sheet: Sheet, report: Report) -> None:
    text = phrases.STATE[report.state]
    width = sheet.measure(text, _BADGE) + 18
    sheet.y += 10
    sheet.box(sheet.left, sheet.y, width, 18, BADGES[report.state], radius=4)
    sheet.text(sheet.left + 9, sheet.y + 12.2, text, _BADGE)
    course = wrap([Piece(phrases.course(report), _HEADLINE)], sheet.width - width - 8, sheet.fonts)
    for number, line in enumerate(course):
        sheet.line(sheet.left + width + 8, sheet.y + 12.6 + number * _HEADLINE.leading, line)
    sheet.y += 18 + (len(course) - 1) * _HEADLINE.leading


def _facts(sheet: Sheet, facts: list[tuple[str, str]]) -> None:
    """The key facts, three in a row."""
    sheet.y += 16
    sheet.rule(sheet.left, sheet.y, sheet.right, sheet.y, INK, 0.8)
    width = sheet.width / 3
    for start in range(0, len(facts), 3):
        row = [
            (name, wrap([Piece(value[:400], BODY)], width - 12, sheet.fonts))
            for name, value in facts[start : start + 3]
        ]
        tall = min(max(len(lines) for _, lines in row), 3)
        for place, (name, lines) in enumerate(row):
            x = sheet.left + place * width
            sheet.text(x, sheet.y + 14, name, LABEL)
            for number, line in enumerate(lines[:3]):
                sheet.line(x, sheet.y + 28 + number * 13, line)
        sheet.y += 24 + tall * 13
        sheet.rule(sheet.left, sheet.y, sheet.right, sheet.y, RULE)


def _outcome(sheet: Sheet, report: Report) -> None:
    page, top = sheet.page, sheet.y + 2
    shortened(sheet, report.outcome, OUTCOME, left=12)
    top = top if sheet.page == page else sheet.top
    sheet.box(sheet.left, top, 2.4, sheet.y - top, BADGES[report.state])
