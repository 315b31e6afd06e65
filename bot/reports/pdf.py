"""The report as a PDF: the pages, top to bottom.

Drawing takes seconds and holds the interpreter: see `bot.reports.child`. The same report gives the same
bytes.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

from fpdf.prefs import ViewerPreferences

from bot.reports import phrases
from bot.reports.changed import MOST_FILES, artifacts, changes
from bot.reports.charts import timeline
from bot.reports.cover import cover
from bot.reports.flow import heading, shortened
from bot.reports.fonts import Fonts
from bot.reports.ledger import ledger
from bot.reports.network import network
from bot.reports.planned import plan
from bot.reports.report import Report
from bot.reports.sheet import Sheet
from bot.reports.spending import spending
from bot.reports.steps import steps

MAX_PAGES = 60
REQUEST = (12_000, 160)  # characters and lines of it that are shown
_SHEBANG = re.compile(r"\A#!.*\n")  # says who runs a script, and is no part of the request
_FENCED = re.compile(r"(?ms)^(?P<fence>`{3,})[^\n`]*\n(?P<code>.*?)\n?(?P=fence)[ \t]*$")
LONGEST_NAME = 120  # of a person in the ledger: whatever they are called, the moment stands beside it

_FILLED = 0.8  # of a page's height, on average: a heading takes along what it heads


def draw(report: Report) -> bytes:
    """Draw a report.

    Args:
        report: Any; what would make it longer than `MAX_PAGES` is left out, and the page says so.

    Returns:
        The PDF: A4, fonts embedded, with an outline and links.
    """
    sheet = Sheet(report.texts(), foot=(report.key, report.title))
    report = _shown(report, sheet.fonts)
    _describe(sheet, report)
    places = [sheet.place() for _ in report.steps]
    cover(sheet, report)
    if report.plan:
        plan(sheet, report)
    timeline(sheet, report, places)
    if report.turns:
        spending(sheet, report)
    if report.text.strip():
        _request(sheet, _asked(report))
    ledger(sheet, report)
    if report.steps:
        rows = min(len(report.changes) + len(report.artifacts), MOST_FILES)
        reserve = 1 + rows / 30 + report.diff.text.count("\n") / 50
        page = sheet.bottom - sheet.top
        steps(sheet, report.steps, places, (MAX_PAGES - sheet.page - reserve) * page * _FILLED)
    if report.changes:
        changes(sheet, report, MAX_PAGES)
    if report.hosts:
        network(sheet, report)
    if report.artifacts:
        artifacts(sheet, report, MAX_PAGES)
    return bytes(sheet.pdf.output())


def _shown(report: Report, fonts: Fonts) -> Report:
    """The report with every text as it will be written."""
    show, line = fonts.show, fonts.show_line

    def name(text: str) -> str:
        text = line(text[: 2 * LONGEST_NAME])
        return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"

    approvals = {
        view.number: replace(
            view,
            tool=line(view.tool),
            does=show(view.does),
            rule=line(view.rule),
            approvers=tuple(map(name, view.approvers)),
            addresses=tuple(map(name, view.addresses)),
            by=name(view.by),
            door=name(view.door),
            note=show(view.note),
        )
        for view in report.approvals
    }
    return replace(
        report,
        key=line(report.key),
        title=line(report.title),
        text=show(report.text),
        agent=line(report.agent),
        asked_by=line(report.asked_by),
        paused_by=name(report.paused_by),
        door=line(report.door),
        outcome=show(report.outcome),
        steps=tuple(
            replace(
                step,
                tool=line(step.tool),
                what=show(step.what),
                words=show(step.words),
                output=show(step.output),
                approval=step.approval and approvals.get(step.approval.number),
            )
            for step in report.steps
        ),
        runs=tuple(replace(run, worker=line(run.worker), model=line(run.model)) for run in report.runs),
        changes=tuple(change.model_copy(update={"path": line(change.path)}) for change in report.changes),
        artifacts=tuple(
            kept.model_copy(update={"name": line(kept.name), "media_type": line(kept.media_type)})
            for kept in report.artifacts
        ),
        approvals=tuple(approvals.values()),
        questions=tuple(
            replace(
                question,
                text=show(question.text),
                options=tuple(map(line, question.options)),
                answer=show(question.answer),
                by=name(question.by),
                door=name(question.door),
            )
            for question in report.questions
        ),
        turns=tuple(replace(turn, model=name(turn.model)) for turn in report.turns),
        diff=replace(report.diff, text=show(report.diff.text)),
        hosts=tuple(host.model_copy(update={"host": line(host.host)}) for host in report.hosts),
        plan=tuple(item.model_copy(update={"text": line(item.text)}) for item in report.plan),
        instructions=tuple(
            replace(said, text=show(said.text), by=name(said.by), door=name(said.door))
            for said in report.instructions
        ),
    )


def _describe(sheet: Sheet, report: Report) -> None:
    """What viewers and archives know of the document."""
    pdf = sheet.pdf
    pdf.set_title(f"{report.key} · {report.title}"[:300])
    pdf.set_author("Legwork")
    pdf.set_creator("Legwork")
    pdf.set_subject(phrases.headline(report))
    pdf.set_lang("en")
    pdf.set_creation_date(report.as_of or datetime(1970, 1, 1, tzinfo=UTC))
    pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)


def _asked(report: Report) -> str:
    """The request; a block of code in it that became a step is named and not shown twice."""
    numbers = {_SHEBANG.sub("", step.what).strip("\n"): step.number for step in report.steps}

    def named(found: re.Match[str]) -> str:
        number = numbers.get(found["code"].strip("\n"))
        return f"*The script of step {number:,}*\n" if number else found[0]

    return _FENCED.sub(named, report.text)


def _request(sheet: Sheet, asked: str) -> None:
    heading(sheet, "What was asked", keep=30)
    shortened(sheet, asked, REQUEST)
