"""The plan: what the agent said it would do, and how far each part is."""

from bot.reports import phrases
from bot.reports.flow import BODY, heading
from bot.reports.fonts import Face
from bot.reports.report import Report
from bot.reports.sheet import WHITE, Color, Piece, Sheet, Style
from bot.reports.wrap import wrap

LONGEST = 300  # characters of a part

_INKS: dict[str, Color] = {"done": (24, 112, 74), "doing": (21, 84, 150), "todo": (150, 158, 168)}
_INDENT = 18.0
_ROOM = 60.0  # at the right, for the state


def plan(sheet: Sheet, report: Report) -> None:
    """Draw the plan as a list: a dot with a tick where a part is done, full at heart where it is under way.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones.
    """
    heading(sheet, "Plan", keep=40)
    for item in report.plan:
        text = item.text if len(item.text) <= LONGEST else item.text[: LONGEST - 1] + "…"
        rows = wrap([Piece(text, BODY)], sheet.width - _INDENT - _ROOM, sheet.fonts)
        sheet.need(len(rows) * BODY.leading + 2)
        ink = _INKS[item.state]
        _dot(sheet, item.state, ink, sheet.y + 2.6)
        state = phrases.PLAN[item.state]
        sheet.text_right(sheet.right, sheet.y + BODY.leading * 0.72, state, Style(Face.TEXT, 8.4, 12, ink))
        for row in rows:
            sheet.y += BODY.leading
            sheet.line(sheet.left + _INDENT, sheet.y - BODY.leading * 0.28, row)
        sheet.y += 2


def _dot(sheet: Sheet, state: str, ink: Color, top: float) -> None:
    pdf, left, wide = sheet.pdf, sheet.left + 2, 8.4
    pdf.set_draw_color(*ink)
    pdf.set_line_width(1.1)
    pdf.set_fill_color(*(ink if state == "done" else WHITE))
    pdf.ellipse(left, top, wide, wide, style="DF")
    if state == "doing":
        pdf.set_fill_color(*ink)
        pdf.ellipse(left + 2.2, top + 2.2, wide - 4.4, wide - 4.4, style="F")
    if state == "done":
        sheet.rule(left + 2.1, top + 4.3, left + 3.7, top + 5.9, WHITE, 1.1)
        sheet.rule(left + 3.7, top + 5.9, left + 6.4, top + 2.7, WHITE, 1.1)
