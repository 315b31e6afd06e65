"""A task as Block Kit: pure functions from a report to the payload of one message.

Limits: https://docs.slack.dev/reference/block-kit/blocks (3,000 characters of text in a section). Slack takes
a `markdown` block apart at headings and rules, and the pieces count towards the 50 blocks of a message; all
text together may have some 12,000 characters (slackapi/bolt-js#2509 and #2867).
"""

import re
from typing import Any

from bot.delivery.mrkdwn import code, cut, escape, fenced, fitted, neutral
from bot.reports.humane import duration
from bot.reports.report import label_of
from bot.reports.summary import Report, StepView, headline
from bot.reports.visible import revealed

Payload = dict[str, Any]

SECTION_CHARS = 2_900
MARKDOWN_CHARS = 8_000
MARKDOWN_HEADINGS = 20
REQUEST_CHARS = 1_200
REQUEST_CODE_LINES = 4
OUTPUT_CHARS = 1_500
LONGEST_ENTITY = len("&amp;")
COMMAND_CHARS = 70
NAME_CHARS = 200
SHOWN_STEPS = 8
ICONS = {
    "queued": ":clock3:",
    "running": ":gear:",
    "done": ":white_check_mark:",
    "failed": ":x:",
    "cancelled": ":black_square_for_stop:",
}
STEP_ICONS = {"running": ":gear:", "ok": ":white_check_mark:", "failed": ":x:", "interrupted": ":warning:"}


def root(report: Report, astray: str = "") -> Payload:
    """The first message of a task's thread: what was asked, of whom, by whom.

    Args:
        report: The task.
        astray: The channel where the thread should be, and the bot may not write.
    """
    title = f"*{report.key}*  {_name(report.title)}"
    blocks = [_section(f"{ICONS[report.state]} {title}")]
    if request := _request(report):
        blocks.append(_section(request))
    blocks.append(_context(f"{_name(report.asked_by)} asked @{_name(report.agent)} · {report.state}"))
    if astray:
        hint = f"I cannot write in <#{astray}>, so this thread is here. Invite me there: `/invite`"
        blocks.append(_context(hint))
    return _payload(f"{report.key} {report.title}", blocks)


def progress(report: Report) -> Payload:
    """How the work goes: the last steps, each in a line."""
    hidden = max(len(report.steps) - SHOWN_STEPS, 0)
    lines = [_line(step) for step in report.steps[hidden:]]
    if hidden:
        lines.insert(0, f"_… {hidden} earlier_")
    if not lines:
        lines = ["Getting ready …"]
    if report.lost_workers:
        lines.append(f"_Taken over by {_name(report.runs[-1].worker)} after a worker was lost._")
    text = cut("\n".join(lines), SECTION_CHARS)
    return _payload(f"{report.key}: {headline(report)}", [_section(text)])


def result(report: Report) -> Payload:
    """How it ended: the agent's words, and of a failure what the last step printed."""
    head = f"{ICONS[report.state]} *{report.key}* is {report.state}"
    blocks = [_section(head)]
    if report.outcome:
        blocks.append({"type": "markdown", "text": _markdown(report.outcome)})
    last = report.steps[-1] if report.steps else None
    if report.state == "failed" and last and last.output.strip():
        blocks.append(_section(fenced(_tail(last.output))))
    blocks.append(_context(escape(headline(report))))
    return _payload(f"{report.key} is {report.state}: {report.title}", blocks)


def no_report(report: Report, why: str) -> Payload:
    """That the thread gets no PDF, and why."""
    return _payload(f"{report.key} has no PDF", [_context(_name(why))])


def _name(text: str) -> str:
    return escape(cut(revealed(text), NAME_CHARS))


def _line(step: StepView) -> str:
    took = f" · {duration(step.seconds)}" if step.state != "running" else " …"
    return f"{STEP_ICONS[step.state]} {step.number}. {code(cut(revealed(step.label), COMMAND_CHARS))}{took}"


def _request(report: Report) -> str:
    """What was asked beyond the title: prose, and its blocks of code in short."""
    text = revealed(report.text).strip()
    if text.partition("\n")[0].strip() == revealed(report.title):
        text = text.partition("\n")[2].strip()
    shown, room = [], REQUEST_CHARS
    for place, piece in enumerate(_FENCED.split(text)):
        if piece.strip() and room > 0:
            shown.append(_excerpt(piece) if place % 2 else fitted(piece.strip(), room))
            room -= len(shown[-1])
    return "\n".join(shown)


_FENCED = re.compile(r"(?ms)^ {0,3}```[^\n`]*\n(.*?)(?:```[ \t]*$|\Z)")


def _excerpt(script: str) -> str:
    """A block of code: whole if it is short, else what it does and how long it is."""
    lines = script.strip("\n").split("\n")
    if len(lines) <= REQUEST_CODE_LINES:
        return fenced("\n".join(cut(line, COMMAND_CHARS) for line in lines))
    return f"▸ {code(cut(label_of(script), COMMAND_CHARS))} · {len(lines)} lines"


def _markdown(text: str) -> str:
    """An agent's Markdown as one block that Slack takes: its mentions dead, its headings not too many."""
    text = revealed(text)
    if len(_HEADING.findall(text)) > MARKDOWN_HEADINGS:
        text = _HEADING.sub("", text)
    return cut(neutral(text), MARKDOWN_CHARS)


_HEADING = re.compile(r"(?m)^ {0,3}(?:#{1,6}\s+|[-*_]{3,}\s*$)")


def _tail(output: str) -> str:
    """The end of an output, from the beginning of a line where that is not too long itself."""
    lines = revealed(output).strip("\n").split("\n")
    shown: list[str] = []
    room = OUTPUT_CHARS
    while lines and (room := room - len(escape(lines[-1])) - 1) >= 0:
        shown.insert(0, lines.pop())
    if lines:
        shown.insert(0, "…" if shown else "…" + lines[-1][-OUTPUT_CHARS // LONGEST_ENTITY :])
    return "\n".join(shown)


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, "expand": True}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": cut(text, SECTION_CHARS)}]}


def _payload(text: str, blocks: list[dict[str, Any]]) -> Payload:
    return {"text": escape(cut(revealed(text), 300)), "blocks": blocks}
