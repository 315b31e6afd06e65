"""What people are asked by mail, and what became of it.

What is approved is what runs, to the byte: a call is shown whole, and is attached where it is too long.
"""

from datetime import datetime

from bot.delivery.mail_parts import Box, Bullets, Choice, Heading, Line, Piece, Prose, Quote, one_line
from bot.delivery.mail_view import AMBER, BLUE, GREEN, GREY, RED, Answer, View
from bot.delivery.outlet import Attachment
from bot.reports import phrases
from bot.reports.humane import minute, size
from bot.reports.report import ApprovalView, Decision, QuestionView, Report, label_of

COLOURS: dict[Decision, str] = {"open": AMBER, "approve": GREEN, "deny": RED, "withdrawn": GREY}
HOW = "Reply with `approve` or `deny: why` on the first line"


def approval(
    report: Report, view: ApprovalView, answer: Answer | None, subject: str, *, again: bool = False
) -> View:
    """An exact call, why it is asked and who may decide, and how to answer.

    Args:
        report: The task.
        view: What is asked.
        answer: How the mail can be answered, if it can.
        subject: Of the mail.
        again: It was asked before.
    """
    box = Box.around(view.does)
    name = f"{view.key}.txt"
    whole = box.whole.encode()
    cut = (
        f"It is cut here, being too long for a mail: you see {size(len(box.shown.encode()))} of "
        f"{size(len(whole))}. The whole is attached: {name}"
    )
    decided_by = f"{', '.join(view.approvers)} may decide" if view.approvers else "Any team member may decide"
    waits = f"It has waited for an answer since {minute(view.asked)}. " if again else ""
    return View(
        badge="Still waiting" if again else "Approval needed",
        colour=AMBER,
        heading=f"May @{report.agent} do this?",
        kicker=f"{view.key} · {report.key}",
        lead=_title(report),
        pieces=(
            box,
            *((Line(cut),) if box.is_cut else ()),
            *_ways(view, answer, f"Re: {subject}"),
            Line(f"{waits}{decided_by}; the first answer counts."),
            Line(f"Why it is asked: {view.rule}"),
        ),
        foot=f"With {view.tool}, for {report.key}, which {report.asked_by} asked @{report.agent} to do.",
        files=(Attachment(name, "text/plain", whole),) if box.is_cut else (),
    )


def decided(report: Report, view: ApprovalView) -> View:
    """Who decided, when and by which door; or why it is no longer asked."""
    reason = (Heading("The reason"), Quote(view.note)) if view.note.strip() else ()
    return View(
        badge=phrases.DECIDED[view.state],
        colour=COLOURS[view.state],
        heading=one_line(label_of(view.does)),
        kicker=f"{view.key} · {report.key}",
        lead=_title(report),
        pieces=(Line(_plain(phrases.verdict(view))), *reason),
        foot="Nothing is left for you to do.",
    )


def question(report: Report, view: QuestionView, answer: Answer | None) -> View:
    """What the agent asks, and the answers that it offers.

    Args:
        report: The task.
        view: What is asked.
        answer: How the mail can be answered, if it can.
    """
    options = tuple(one_line(option) for option in view.options if option.strip())
    how = "Just reply" if answer else f"Answer in Slack, or with: `task say {report.key} …`"
    offered: tuple[Piece, ...] = ()
    if options:
        offered = (Heading("It offers"), Bullets(options))
        how += ": with one of these, or in your own words" if answer else ""
    return View(
        badge="Question",
        colour=BLUE,
        heading=f"@{report.agent} asks",
        kicker=report.key,
        lead=_title(report),
        pieces=(Prose(view.text), *offered, Line(f"{how}." if answer else how)),
        foot=f"{report.asked_by} asked @{report.agent}. The task waits; the first answer counts.",
    )


def answered(report: Report, view: QuestionView) -> View:
    """Who answered what."""
    return View(
        badge="Answered",
        colour=GREEN,
        heading=f"@{report.agent} has its answer",
        kicker=report.key,
        lead=_title(report),
        pieces=(Prose(view.text), Line(f"{_plain(phrases.answered(view))}:"), Quote(view.answer)),
        foot="Nothing is left for you to do.",
    )


def _ways(view: ApprovalView, answer: Answer | None, subject: str) -> tuple[Piece, ...]:
    """How to answer."""
    if answer is None:
        return (Line(f"Decide in Slack, or with: `task approve {view.key}`, `task deny {view.key} why`"),)
    buttons = Choice(answer.address, subject, ("Approve", "Deny …"), ("approve", "deny: "))
    return (buttons, Line(f"{HOW}{_until(answer.until)}."))


def _until(until: datetime | None) -> str:
    return f", until {minute(until)}" if until else ""


def _title(report: Report) -> str:
    return one_line(report.title)


def _plain(words: str) -> str:
    """Words of people, with nothing in them that would be read as code."""
    return " ".join(words.replace("`", "\u02cb").split())
