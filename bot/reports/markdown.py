"""The report as Markdown: for threads, for mails, for reading as it is.

CommonMark with tables. Whatever people or models wrote is escaped or fenced, so that it cannot pass for a
part of the report: https://spec.commonmark.org/0.31.2/
"""

import re
from collections.abc import Iterable, Iterator

from bot.reports import phrases
from bot.reports.humane import counted, minute, size
from bot.reports.prose import Block, Code, Item, Line, Words, blocks
from bot.reports.report import Report, StepView
from bot.reports.visible import revealed

HEAD_LINES, TAIL_LINES = 40, 20  # of an output

_ACTIVE = re.compile(r"[\\`*\[\]|]|(?<![^\W_])_|_(?![^\W_])")
_AT_START = re.compile(r"^()([#=]|[+-](?=[\s+-]|$))|^(\d{1,9})([.)])(?=\s|$)")
_EDGES = re.compile(r"^(\s*)(.*?)(\s*)$", re.DOTALL)


def escape(text: str) -> str:
    """Text of others as one line of Markdown that shows it as it is."""
    return _guard(_neutral(" ".join(revealed(text).split())))


def _neutral(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("~~", "&#126;&#126;")
    return _ACTIVE.sub(lambda found: "\\" + found[0], text)


def _guard(line: str) -> str:
    """Keep a line's beginning from opening a heading, a list or an underline."""
    return _AT_START.sub(r"\1\3\\\2\4", line)


def fence(text: str, language: str = "text") -> str:
    """Text of others as a block of code that nothing in it can close."""
    text = revealed(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.strip(chr(10))}\n{ticks}"


def folded(output: str) -> str:
    """What a command printed: all of it, or its head and its tail with how many lines are left out."""
    lines = output.strip("\n").split("\n")
    if len(lines) <= HEAD_LINES + TAIL_LINES:
        return output
    lost = len(lines) - HEAD_LINES - TAIL_LINES
    return "\n".join((*lines[:HEAD_LINES], f"… {counted(lost, 'line')} left out …", *lines[-TAIL_LINES:]))


def markdown(report: Report) -> str:
    """The whole report: facts, outcome, what was asked, each step with its output folded, files, cost."""
    return "\n\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {escape(report.key)} · {escape(report.title)}"
    yield f"**{escape(phrases.headline(report))}**"
    facts = phrases.facts(report)
    yield _table(("Fact", "Value"), ((name, escape(value)) for name, value in facts))
    if report.outcome:
        yield "## Outcome"
        yield from _prose(report.outcome)
    if report.plan:
        yield "## Plan"
        yield "\n".join(f"- {escape(item.text)} ({phrases.PLAN[item.state]})" for item in report.plan)
    if report.text.strip():
        yield "## What was asked"
        yield from _prose(report.text)
    yield from _people(report)
    if report.steps:
        yield "## Steps"
    for step in report.steps:
        yield from _step(step)
    if report.turns:
        yield from _spending(report)
    if report.hosts:
        yield "## Network"
        rows = ((escape(host), *figures) for host, *figures in phrases.reached(report))
        yield _table(phrases.REACHED, rows)
    yield from _files(report)


def _people(report: Report) -> Iterator[str]:
    """What people were asked and what they said; who said it stands in headings, which nobody can forge."""
    if report.approvals:
        yield "## Approvals"
    for view in report.approvals:
        yield f"### {view.key}: {escape(phrases.verdict(view))}"
        yield "  \n".join(escape(part) for part in (phrases.asking(view), view.rule) if part.strip())
        yield fence(view.does, "sh" if view.tool == "terminal" else "text")
        yield from _prose(view.note)
    if report.questions:
        yield "## Questions"
    for number, question in enumerate(report.questions, 1):
        yield f"### Question {number}: asked {minute(question.asked)}"
        yield from _prose(question.text)
        if question.options:
            yield f"To choose from: {escape(', '.join(question.options))}"
        yield f"### Answer {number}: {escape(phrases.answered(question))}"
        yield from _prose(question.answer)
    told = [said for said in report.instructions if not said.answers]
    if told:
        yield "## Instructions"
    for said in told:
        yield f"### {escape(phrases.said('Told', said.by, said.door, said.at))}"
        yield from _prose(said.text)


def _step(step: StepView) -> Iterator[str]:
    yield f"### Step {step.number}: {', '.join(phrases.step(step))}"
    if step.approval:
        yield f"{step.approval.key}: {escape(phrases.decided(step.approval))}"
    if step.words.strip():
        yield from _prose(step.words)
    yield fence(step.what, "sh" if step.tool == "terminal" else "text")
    if step.output.strip():
        yield fence(folded(step.output))


def _files(report: Report) -> Iterator[str]:
    if report.changes:
        yield "## Files changed"
        rows = (
            (escape(change.path), change.how, phrases.lines(change), phrases.file_size(change))
            for change in report.changes
        )
        yield _table(("File", "What", "Lines", "Size"), rows)
        if report.more_changes:
            yield f"… and {report.more_changes:,} more."
    if report.diff.text:
        yield from _diff(report)
    if report.artifacts:
        yield "## Files kept"
        kept = ((escape(file.name), escape(file.media_type), size(file.size)) for file in report.artifacts)
        yield _table(("File", "Type", "Size"), kept)


def _spending(report: Report) -> Iterator[str]:
    yield "## Cost"
    rows = ((escape(model), *figures) for model, *figures in phrases.spending(report))
    yield _table(("Model", "Turns", "Tokens read", "of a cache", "written", "Cost"), rows)
    if why := phrases.unpriced(report):
        yield escape(why)


def _diff(report: Report) -> Iterator[str]:
    yield "## What changed in them"
    yield fence(report.diff.text, "diff")
    if report.diff.more:
        where = f": {escape(report.patch.name)} has them all" if report.patch else ""
        yield f"… {counted(report.diff.more, 'more line')}{where}."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _prose(text: str) -> Iterator[str]:
    items: list[str] = []
    for block in blocks(revealed(text)):
        if isinstance(block, Item):
            marker = "-" if block.marker == "•" else block.marker
            items.append(f"{'    ' * block.depth}{marker} {_line(block.line)}")
            continue
        if items:
            yield "\n".join(items)
            items = []
        yield _block(block)
    if items:
        yield "\n".join(items)


def _block(block: Block) -> str:
    match block:
        case Code():
            return fence(block.text, block.language or "text")
        case Item():
            return _line(block.line)
    return "  \n".join(_line(line) for line in block.lines)


def _line(line: Line) -> str:
    return _guard("".join(_words(words) for words in line).strip())


def _words(words: Words) -> str:
    if words.url:
        return f"<{words.url}>"
    lead, text, trail = _EDGES.findall(" ".join(re.split(r"\s+", words.text)))[0]
    if not text:
        return str(lead)
    shown = f"`{text}`" if words.code else _neutral(text)
    mark = "*" * (2 * words.bold + words.italic)
    return f"{lead}{mark}{shown}{mark}{trail}"
