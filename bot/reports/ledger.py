"""Who let what happen: approvals, questions, instructions, and what a rule refused.

People show these pages to auditors, so each call stands there as it was asked, whole wherever there is room.
What others wrote is set in, so that it cannot pass for the ledger's own lines.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bot.reports import phrases
from bot.reports.charts import COLORS
from bot.reports.flow import (
    CODE,
    CODE_INDENT,
    SMALL,
    SUBHEADING,
    Panel,
    code,
    heading,
    note,
    paragraph,
    shortened,
)
from bot.reports.fonts import Face
from bot.reports.humane import minute
from bot.reports.report import ApprovalView, Decision, InstructionView, QuestionView, Report, StepView
from bot.reports.rows import rows
from bot.reports.sheet import MUTED, TINT, Color, Piece, Sheet, Style

T = TypeVar("T")

CALL_CHARACTERS = 120_000  # of all calls together
CALL_ROWS = 900
LEAST_ROWS = 12
WORDS = (4000, 60)  # characters and lines of what a person said
NAMES = 600  # characters of a line of names

_ASIDE = replace(SMALL, color=MUTED)
_STATE = Style(Face.BOLD, 8.4, 12)
_DECISION = Style(Face.BOLD, 9.6, 14.2)
_INKS: dict[Decision, Color] = {
    "open": (122, 92, 0),
    "approve": (24, 112, 74),
    "deny": (158, 27, 40),
    "withdrawn": MUTED,
}


def ledger(sheet: Sheet, report: Report) -> None:
    """Draw what people were asked and what they said, as far as there is any.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones.
    """
    calls = max(len(report.approvals), 1)
    approval = partial(
        _approval, characters=CALL_CHARACTERS // calls, most=max(CALL_ROWS // calls, LEAST_ROWS)
    )
    said = [said for said in report.instructions if not said.answers]
    refused = [step for step in report.steps if step.state == "refused" and not step.approval]
    _section(sheet, "Approvals", report.approvals, approval, pages=16)
    _section(sheet, "Questions", report.questions, _question, pages=5)
    _section(sheet, "Instructions", said, _instruction, pages=5)
    _section(sheet, "Refused by a rule", refused, _refusal, pages=3)


def _section(
    sheet: Sheet, title: str, entries: Sequence[T], draw: Callable[[Sheet, T], None], *, pages: int
) -> None:
    """Draw entries below a heading, on about so many pages."""
    if not entries:
        return
    heading(sheet, title, keep=90)
    last = sheet.page + pages
    for place, entry in enumerate(entries):
        if sheet.page >= last:
            note(sheet, f"… {len(entries) - place:,} more are left out of this PDF.")
            return
        sheet.gap(16 if place else 2)
        draw(sheet, entry)


def _head(sheet: Sheet, title: str, aside: str, state: str, ink: Color, *, keep: float) -> None:
    """A title with an aside at the left, how it stands at the right."""
    sheet.need(SUBHEADING.leading + keep)
    sheet.y += SUBHEADING.leading
    wide = sheet.measure(state, _STATE)
    room = sheet.width - wide - sheet.measure(title, SUBHEADING) - 20
    pieces = [Piece(title, SUBHEADING), Piece("  " + sheet.shorten(aside, _ASIDE, room), _ASIDE)]
    sheet.line(sheet.left, sheet.y - 3, pieces)
    sheet.text(sheet.right - wide, sheet.y - 3, state, replace(_STATE, color=ink))


def _approval(sheet: Sheet, view: ApprovalView, *, characters: int, most: int) -> None:
    ink = _INKS[view.state]
    _head(sheet, view.key, view.tool, phrases.DECIDED[view.state].lower(), ink, keep=90)
    paragraph(sheet, phrases.asking(view)[:NAMES], _ASIDE)
    if view.rule:
        paragraph(sheet, view.rule[:NAMES], _ASIDE)
    sheet.y += 5
    width = sheet.width - 2 * CODE_INDENT
    code(sheet, rows(view.does, characters, width, CODE, sheet.fonts).cut(most), Panel(TINT, ink))
    sheet.y += 5
    paragraph(sheet, phrases.verdict(view)[:NAMES], replace(_DECISION, color=ink))
    shortened(sheet, view.note, WORDS, left=CODE_INDENT)


def _question(sheet: Sheet, view: QuestionView) -> None:
    state = "waiting" if view.open else "answered" if view.answered else "withdrawn"
    ink = _INKS["open" if view.open else "approve" if view.answered else "withdrawn"]
    _head(sheet, "The agent asked", minute(view.asked), state, ink, keep=60)
    shortened(sheet, view.text, WORDS, left=CODE_INDENT)
    if view.options:
        paragraph(sheet, f"To choose from: {', '.join(view.options)}"[:NAMES], _ASIDE)
    sheet.y += 3
    paragraph(sheet, phrases.answered(view)[:NAMES], replace(_DECISION, color=ink))
    shortened(sheet, view.answer, WORDS, left=CODE_INDENT)


def _instruction(sheet: Sheet, view: InstructionView) -> None:
    sheet.need(40)
    paragraph(sheet, phrases.said("Told", view.by, view.door, view.at)[:NAMES], _DECISION)
    shortened(sheet, view.text, WORDS, left=CODE_INDENT)


def _refusal(sheet: Sheet, step: StepView) -> None:
    _head(sheet, f"Step {step.number:,}", step.label, "refused", COLORS["refused"], keep=40)
    shortened(sheet, step.output, WORDS, left=CODE_INDENT)
