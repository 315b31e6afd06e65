"""The timeline: a bar for each step on an axis of time.

How a step went is told by color and by how its bar is filled, so that it can be read in greyscale too: ok
is light, failed is dark, interrupted is hatched; a thin line is a wait for people.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.reports import phrases
from bot.reports.flow import heading
from bot.reports.fonts import Face
from bot.reports.humane import DAY, HOUR, MINUTE, duration, moment
from bot.reports.phrases import STEP
from bot.reports.report import Report, Span, StepState, StepView
from bot.reports.sheet import INK, MUTED, RULE, TINT, WHITE, Color, Sheet, Style

COLORS: dict[StepState, Color] = {
    "ok": (96, 178, 140),
    "failed": (158, 27, 40),
    "interrupted": (163, 98, 0),
    "refused": (112, 46, 110),
    "waiting": (196, 160, 60),
    "running": (90, 140, 205),
}
MOST_LABELLED = 18  # steps that get a line of their own with their command
MOST_LINKED = 200
TALLEST = 250.0  # points, of all steps
JUMPS = (5, 10, 20, 50, 100, 200, 500, 10**9)

_APART = 14  # points between two numbers at the left
_HATCHED_FROM = 2  # points of height

_TICK = Style(Face.TEXT, 7, 9, MUTED)
_FIGURE = Style(Face.TEXT, 7.4, 9, MUTED)
_COMMAND = Style(Face.CODE, 7.2, 9, INK)
_STEPS_S = (
    *(unit * 10**power for power in range(-3, 1) for unit in (1, 2, 5)),
    *(10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a moment lies on the paper."""

    begin: datetime
    seconds: float
    left: float
    right: float

    def x(self, seconds: float) -> float:
        """The place of a moment, given in seconds since the beginning."""
        share = min(max(seconds / self.seconds, 0.0), 1.0)
        return self.left + share * (self.right - self.left)

    def at(self, moment_: datetime) -> float:
        """Seconds from the beginning to a moment."""
        return (moment_ - self.begin).total_seconds()


def timeline(sheet: Sheet, report: Report, places: Sequence[int]) -> None:
    """Draw when each step ran and where time went by between them.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones.
        places: Where each step is told of, to link its bar to.
    """
    steps = [step for step in report.steps if step.started or step.approval]
    if not steps:
        return
    labelled = len(steps) <= MOST_LABELLED
    pitch = 13.0 if labelled else min(TALLEST / len(steps), 6.0)
    height = pitch * len(steps)
    heading(sheet, "Timeline", keep=height + 62)
    axis = _axis(sheet, report, steps, labelled=labelled)
    top = sheet.y + 20
    _grid(sheet, axis, top, top + height)
    working = _strip(sheet, axis, steps, top - 12)
    every = 1 if labelled else next(jump for jump in JUMPS if jump * pitch >= _APART)
    for row, step in enumerate(steps):
        y = top + row * pitch
        if labelled:
            _label(sheet, step, y, pitch, axis)
        elif row == 0 or step.number % every == 0:
            sheet.text_right(axis.left - 5, y + pitch / 2 + 2.4, f"{step.number:,}", _TICK)
        for span, state in _spans(step):
            _bar(sheet, axis, span, state, y + pitch * 0.18, max(pitch * 0.64, 0.5))
        if len(steps) <= MOST_LINKED:
            sheet.pdf.link(sheet.left, y, sheet.width, pitch, places[step.number - 1])
    for run in report.runs[1:]:
        if run.follows == "wait":
            continue
        x = axis.x(axis.at(run.started))
        sheet.pdf.set_dash_pattern(dash=2, gap=2)
        sheet.rule(x, top - 14, x, top + height, MUTED, 0.6)
        sheet.pdf.set_dash_pattern()
        how = {"retry": "retried", "reassign": "reassigned"}.get(run.follows, f"run {run.attempt:,}")
        sheet.text(x + 2.5, top - 15, how, _TICK)
    sheet.y = top + height + 14
    _caption(sheet, axis, working, steps)


def _axis(sheet: Sheet, report: Report, steps: list[StepView], *, labelled: bool) -> _Axis:
    spans = [span for step in steps for span, _ in _spans(step)]
    asked = [step.approval.asked for step in steps if step.approval]
    begin = min([*asked, *(span.started for span in spans), *([report.started] if report.started else [])])
    ends = [(span.started - begin).total_seconds() + span.seconds for span in spans]
    last = report.ended or report.as_of
    seconds = max([*ends, (last - begin).total_seconds() if last else 0.0, 0.001])
    return _Axis(
        begin, seconds, sheet.left + (168 if labelled else 44), sheet.right - (52 if labelled else 4)
    )


def _spans(step: StepView) -> Iterator[tuple[Span, StepState]]:
    asked, question = step.approval, step.question
    if asked and asked.decided:
        yield Span(asked.asked, max((asked.decided - asked.asked).total_seconds(), 0.0)), "waiting"
    if question and question.answered:
        yield Span(question.asked, max((question.answered - question.asked).total_seconds(), 0.0)), "waiting"
    for span in step.earlier:
        yield span, "interrupted"
    if step.started:
        yield Span(step.started, step.seconds), step.state


def _grid(sheet: Sheet, axis: _Axis, top: float, bottom: float) -> None:
    least = axis.seconds / 6
    jump = next((step for step in _STEPS_S if step >= least), math.ceil(least / DAY) * DAY)
    for number in range(int(axis.seconds / jump) + 1):
        x = axis.x(number * jump)
        sheet.rule(x, top - 2, x, bottom + 3, RULE, 0.4)
        text = duration(number * jump) if number else "0"
        sheet.text(x - sheet.measure(text, _TICK) / 2, bottom + 11, text, _TICK)


def _strip(sheet: Sheet, axis: _Axis, steps: list[StepView], y: float) -> float:
    """The whole time as one strip, dark where a step ran; says how many seconds those are."""
    spans = _stretches(axis, steps, waiting=False)
    sheet.text_right(axis.left - 6, y + 5.6, "all steps", _TICK)
    sheet.box(axis.left, y, axis.right - axis.left, 6, TINT)
    thinnest = 0.5 if len(steps) <= MOST_LABELLED else 0.15
    for begin, seconds in spans:
        x = axis.x(begin)
        sheet.box(x, y, max(axis.x(begin + seconds) - x, thinnest), 6, MUTED)
    return _covered(spans)


def _stretches(axis: _Axis, steps: list[StepView], *, waiting: bool) -> list[tuple[float, float]]:
    """When steps ran, or waited for people: pairs of a beginning and a length, in seconds."""
    spans = (span for step in steps for span, state in _spans(step) if (state == "waiting") == waiting)
    return sorted((axis.at(span.started), span.seconds) for span in spans)


def _covered(spans: list[tuple[float, float]]) -> float:
    """How long any of these was; where they overlap counts once."""
    total, reached = 0.0, 0.0
    for begin, seconds in spans:
        total += max(begin + seconds - max(begin, reached), 0.0)
        reached = max(reached, begin + seconds)
    return total


def _label(sheet: Sheet, step: StepView, y: float, pitch: float, axis: _Axis) -> None:
    baseline = y + pitch / 2 + 2.6
    sheet.text_right(sheet.left + 11, baseline, f"{step.number}", _TICK)
    room = axis.left - sheet.left - 26
    sheet.text(sheet.left + 17, baseline, sheet.shorten(step.label, _COMMAND, room), _COMMAND)
    figure = duration(step.seconds) if step.started else phrases.step(step)[0]
    sheet.text_right(sheet.right, baseline, figure, _FIGURE)


def _bar(sheet: Sheet, axis: _Axis, span: Span, state: StepState, y: float, h: float) -> None:
    begin = axis.at(span.started)
    x = min(axis.x(begin), axis.right - 1.2)
    w = max(axis.x(begin + span.seconds) - x, 1.2)
    if state == "waiting":
        sheet.rule(x, y + h / 2, x + w, y + h / 2, COLORS[state], 1.2)
        return
    if state != "interrupted":
        sheet.box(x, y, w, h, COLORS[state])
        return
    sheet.box(x, y, w, h, WHITE)
    color = COLORS[state]
    for corner in ((x, y, x + w, y), (x, y + h, x + w, y + h), (x, y, x, y + h), (x + w, y, x + w, y + h)):
        sheet.rule(*corner, color, 0.5)
    offset = 3.0 - h
    while h > _HATCHED_FROM and offset < w:
        low, high = max(offset, 0.0), min(offset + h, w)
        sheet.rule(x + low, y + h - (low - offset), x + high, y + h - (high - offset), color, 0.5)
        offset += 3.0


def _caption(sheet: Sheet, axis: _Axis, working: float, steps: list[StepView]) -> None:
    begin = axis.begin.astimezone(UTC)
    between = duration(max(axis.seconds - working, 0.0))
    waited = _covered(_stretches(axis, steps, waiting=True))
    between += f" went by between them, {duration(waited)} of it" if waited else " went by between them"
    people = " waiting for people" if waited else ""
    parts = f"Steps ran for {duration(working)}; {between}{people}. From {moment(begin)}."
    sheet.y += 10
    sheet.text(sheet.left, sheet.y, parts, _FIGURE)
    x = sheet.right
    shown: dict[StepState, None] = dict.fromkeys(state for step in steps for _, state in _spans(step))
    legend = sum(sheet.measure(STEP[state], _FIGURE) + 27 for state in shown)
    if sheet.measure(parts, _FIGURE) + legend > sheet.width:
        sheet.y += 12
    for state in reversed(list(shown)):
        x -= sheet.measure(STEP[state], _FIGURE)
        sheet.text(x, sheet.y, STEP[state], _FIGURE)
        x -= 17
        _bar(sheet, _Axis(axis.begin, 1, x, x + 13), Span(axis.begin, 1), state, sheet.y - 6, 6.5)
        x -= 10
    sheet.y += 4
