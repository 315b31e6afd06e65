"""A task's result as the two bodies of a mail: plain text, and HTML that mail programs draw alike."""

from html import escape
from importlib import resources
from string import Template

import css_inline

from bot.reports import html
from bot.reports.humane import duration
from bot.reports.phrases import STATE, STEP
from bot.reports.summary import Report, StepView, headline
from bot.reports.visible import revealed

STEPS_NAMED = 20
COMMAND_CHARS = 90
COLOURS = {"done": "#1a7f37", "failed": "#b42318", "cancelled": "#57606a"}

_TEMPLATE = Template(resources.files("bot.delivery").joinpath("mail.html").read_text())
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


def text(report: Report, attached: str) -> str:
    """The body for those who read text.

    Args:
        report: The task.
        attached: Name of the attached report; empty where there is none.
    """
    steps = [f"  {s.number}. {_command(s)}  ({_how(s)})" for s in report.steps[:STEPS_NAMED]]
    parts = [
        f"{report.key}  {report.title}\n{headline(report)}",
        report.outcome,
        "\n".join(["What was done:", *steps, *_more(report)]) if steps else "",
        _foot(report, attached),
    ]
    return revealed("\n\n".join(part for part in parts if part)) + "\n"


def page(report: Report, attached: str) -> str:
    """The body in HTML: tables and inline styles, since mail programs drop what stands in the head.

    Args:
        report: The task.
        attached: Name of the attached report; empty where there is none.
    """
    rows = [
        f'<tr><td>{s.number}.</td><td width="100%"><code>{escape(_command(s))}</code></td>'
        f'<td class="took">{escape(_how(s))}</td></tr>'
        for s in report.steps[:STEPS_NAMED]
    ]
    rows += [f"<tr><td></td><td>{more.strip()}</td><td></td></tr>" for more in _more(report)]
    filled = _TEMPLATE.substitute(
        colour=COLOURS.get(report.state, "#57606a"),
        state=STATE[report.state],
        key=escape(report.key),
        title=escape(report.title),
        headline=escape(headline(report)),
        outcome=html.render(report.outcome),
        steps="".join(rows) or "<tr><td>Nothing was run.</td></tr>",
        foot=escape(_foot(report, attached)).replace("\n", "<br>"),
    )
    return _INLINER.inline(revealed(filled))


def _command(step: StepView) -> str:
    return step.label if len(step.label) <= COMMAND_CHARS else step.label[: COMMAND_CHARS - 1] + "…"


def _how(step: StepView) -> str:
    took = duration(step.seconds)
    return took if step.state == "ok" else f"{STEP[step.state]}, {took}"


def _more(report: Report) -> list[str]:
    more = len(report.steps) - STEPS_NAMED
    return [f"  and {more} more"] if more > 0 else []


def _foot(report: Report, attached: str) -> str:
    whole = f"\nThe whole report is attached: {attached}" if attached else "\nThe report could not be drawn."
    return f"{report.asked_by} asked @{report.agent}.{whole}"
