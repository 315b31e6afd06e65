"""A task as Block Kit: pure functions from a report to the payload of one message.

Slack takes a `markdown` block apart at headings and rules, and the pieces count towards the 50 blocks of a
message; all text together may have some 12,000 characters (slackapi/bolt-js#2509 and #2867).
"""

import re

from bot.delivery.kit import SECTION_CHARS, Block, Payload, context, name, payload, section
from bot.delivery.mrkdwn import code, cut, escape, fenced, fitted, inert, neutral
from bot.reports import phrases
from bot.reports.humane import duration
from bot.reports.report import Report, StepView, label_of
from bot.reports.visible import revealed

MARKDOWN_CHARS = 8_000
MARKDOWN_HEADINGS = 20
REQUEST_CHARS = 1_200
REQUEST_CODE_LINES = 4
OUTPUT_CHARS = 1_500
LONGEST_ENTITY = len("&amp;")
COMMAND_CHARS = 70
SAYING_CHARS = 200
SHOWN_STEPS = 8
SHOWN_PLAN = 6
PLAN_CHARS = 150
ICONS = {
    "queued": ":clock3:",
    "running": ":gear:",
    "waiting": ":hourglass_flowing_sand:",
    "paused": ":double_vertical_bar:",
    "done": ":white_check_mark:",
    "failed": ":x:",
    "cancelled": ":black_square_for_stop:",
}
PLAN_ICONS = {"todo": ":white_small_square:", "doing": ":arrow_forward:", "done": ":white_check_mark:"}
STEP_ICONS = {
    "waiting": ":hourglass_flowing_sand:",
    "running": ":gear:",
    "ok": ":white_check_mark:",
    "failed": ":x:",
    "refused": ":no_entry:",
    "interrupted": ":warning:",
}


def root(report: Report, astray: str = "") -> Payload:
    """The first message of a task's thread: what was asked, of whom, by whom.

    Args:
        report: The task.
        astray: The channel where the thread should be, and the bot may not write.
    """
    title = f"*{report.key}*  {name(report.title)}"
    blocks = [section(f"{ICONS[report.state]} {title}")]
    if request := _request(report):
        blocks.append(section(request))
    state = _standing(report)
    blocks.append(context(f"{name(report.asked_by)} asked @{name(report.agent)} · {state}"))
    if astray:
        hint = f"I cannot write in <#{astray}>, so this thread is here. Invite me there: `/invite`"
        blocks.append(context(hint))
    return payload(f"{report.key} {report.title}", blocks)


def _standing(report: Report) -> str:
    """The state, with what it waits for, or who let it rest and how it goes on."""
    match report.state:
        case "waiting":
            return f"waiting {phrases.waits_for(report)}"
        case "paused":
            return f"paused by {name(report.paused_by)}; `/task resume {report.key}` lets it go on"
    return report.state


def progress(report: Report) -> Payload:
    """How the work goes: the plan as far as it matters now, and the last steps, each in a line."""
    hidden = max(len(report.steps) - SHOWN_STEPS, 0)
    lines = [_line(step) for step in report.steps[hidden:]]
    if hidden:
        lines.insert(0, f"_… {hidden} earlier_")
    if report.saying:
        lines.append(f":speech_balloon: _{name(cut(' '.join(report.saying.split()), SAYING_CHARS))}_")
    if not lines:
        lines = ["Nothing was run." if report.ended else "Getting ready …"]
    if report.lost_workers:
        lines.append(f"_Taken over by {name(report.runs[-1].worker)} after a worker was lost._")
    sections = [section(cut("\n".join(part), SECTION_CHARS)) for part in (_plan(report), lines) if part]
    return payload(f"{report.key}: {phrases.headline(report)}", sections)


def result(report: Report) -> Payload:
    """How it ended: the agent's words, and of a failure what the last step printed."""
    head = f"{ICONS[report.state]} *{report.key}* {phrases.standing(report)}"
    blocks = [section(head)]
    if report.outcome:
        blocks.append(markdown(report.outcome))
    last = report.steps[-1] if report.steps else None
    failed = last is not None and last.state == "failed"  # else the outcome says why
    if report.state == "failed" and last and failed and last.output.strip():
        blocks.append(section(fenced(_tail(last.output))))
    blocks.append(context(inert(phrases.headline(report))))
    return payload(f"{report.key} {phrases.standing(report)}: {report.title}", blocks)


def no_report(report: Report, why: str) -> Payload:
    """That the thread gets no PDF, and why."""
    return payload(f"{report.key} has no PDF", [context(name(why) or "It could not be drawn.")])


def _plan(report: Report) -> list[str]:
    """The items that are under way and come next; of those before and after them how many there are."""
    plan = report.plan
    done = next((place for place, item in enumerate(plan) if item.state != "done"), len(plan))
    first = max(min(done - 1, len(plan) - SHOWN_PLAN), 0)
    shown = plan[first : first + SHOWN_PLAN]
    lines = [f"{PLAN_ICONS[item.state]} {name(cut(item.text, PLAN_CHARS))}" for item in shown]
    if first:
        lines.insert(0, f"_{first} done before_")
    if more := len(plan) - first - len(shown):
        lines.append(f"_… {more} more_")
    return lines


def _line(step: StepView) -> str:
    label = code(cut(revealed(step.label), COMMAND_CHARS))
    return f"{STEP_ICONS[step.state]} {step.number}. {label}{_course(step)}"


def _course(step: StepView) -> str:
    """How a step goes, as its line ends."""
    match step.state:
        case "running":
            return " …"
        case "refused":
            return " · refused"
        case "waiting":
            return f" · {_waits_for(step)}"
        case "interrupted" if not step.started:
            return ""
    return f" · {duration(step.seconds)}"


def _waits_for(step: StepView) -> str:
    if step.approval and step.approval.state == "open":
        return f"waits for {step.approval.key}"
    if step.question and step.question.open:
        return "waits for an answer"
    return "waits for a worker"


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


def markdown(text: str) -> Block:
    """An agent's Markdown as one block that Slack takes: its mentions dead, its headings not too many."""
    text = revealed(text)
    if len(_HEADING.findall(text)) > MARKDOWN_HEADINGS:
        text = _HEADING.sub("", text)
    return {"type": "markdown", "text": cut(neutral(text), MARKDOWN_CHARS)}


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
