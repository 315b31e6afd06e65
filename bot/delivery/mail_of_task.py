"""What a task's mails say: one view for each kind of event that is mailed."""

from bot.delivery import mail_asking
from bot.delivery.mail_parts import Bullets, Heading, Line, Prose, Steps, one_line
from bot.delivery.mail_view import BLUE, GREEN, GREY, RED, Answer, View
from bot.delivery.outlet import Letter
from bot.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    InstructionGiven,
    MailAsked,
    QuestionAsked,
    TaskOpened,
    TaskRetried,
)
from bot.reports import phrases
from bot.reports.humane import size
from bot.reports.report import ApprovalView, InstructionView, QuestionView, Report, State

COLOURS: dict[State, str] = {"done": GREEN, "failed": RED, "cancelled": GREY}
REQUEST_CHARS = 20_000
SAID_NAMED = 10
PLAN_NAMED = 20
CHANGES_NAMED = 10
ATTACHED_BYTES = 10_000_000  # base64 makes 14 MB of them; most servers take 20 to 25
SAID_CHARS = 200


def view(letter: Letter, answer: Answer | None, subject: str) -> View:  # noqa: PLR0911  one for each kind
    """What a mail about an event says.

    Args:
        letter: The event, and the task as it stands.
        answer: How the mail can be answered, if it can.
        subject: Of the mail.
    """
    report = letter.report
    match letter.event.fact:
        case ArtifactSaved(name=name):
            return result(report, name)
        case TaskOpened():
            return opened(report, answer)
        case TaskRetried(by=by):
            return retried(report, by)
        case MailAsked() as fact:
            return written(report, fact)
        case QuestionAsked(call_id=call_id):
            return mail_asking.question(report, _question(report, call_id), answer)
        case InstructionGiven(answers=call_id):
            return mail_asking.answered(report, _question(report, call_id))
        case ApprovalAsked() | ApprovalReminded() as fact:
            asked, again = _approval(report, fact.approval), isinstance(fact, ApprovalReminded)
            return mail_asking.approval(report, asked, answer, subject, again=again)
        case ApprovalDecided() | ApprovalWithdrawn() as fact:
            return mail_asking.decided(report, _approval(report, fact.approval))
    return result(report, "")


def opened(report: Report, answer: Answer | None) -> View:
    """That an agent is on it, what was asked, and how to steer."""
    request = report.text if len(report.text) <= REQUEST_CHARS else report.text[: REQUEST_CHARS - 1] + "…"
    steer = (
        f"Write what @{report.agent} should know or do differently; its next step sees it.",
        "A first line of `status` tells how it goes, and one of `diff` what it changed so far.",
        f"For {_asker(report)} and the team: `pause` lets it rest, `resume` go on, and `cancel` stops it.",
    )
    return View(
        badge="On it",
        colour=BLUE,
        heading=one_line(report.title),
        kicker=report.key,
        lead=f"@{report.agent} is on it; {_asker(report)} asked.",
        pieces=(
            Heading("What was asked"),
            Prose(request),
            *((Heading("Steer it by replying"), Bullets(steer)) if answer else ()),
        ),
        foot=f"You are told when {report.key} is over, and when something is asked of you.",
    )


def result(report: Report, attached: str) -> View:
    """How a task ended: the agent's words, what was done, who let it, and what people said.

    Args:
        report: The task.
        attached: Name of the attached report; empty where there is none.
    """
    whole = f"The whole report is attached: {attached}" if attached else "The report could not be drawn."
    said = tuple(_said(one) for one in report.instructions[:SAID_NAMED])
    more = len(report.instructions) - SAID_NAMED
    files = _files(report)
    return View(
        badge=phrases.STATE[report.state],
        colour=COLOURS.get(report.state, GREY),
        heading=one_line(report.title),
        kicker=report.key,
        lead=phrases.headline(report),
        pieces=(
            *((Prose(report.outcome),) if report.outcome.strip() else ()),
            Heading("What was done"),
            Steps(report.steps) if report.steps else Line("Nothing was run."),
            *((Heading("Files changed"), Bullets(_changes(report))) if report.changes else ()),
            *((Heading("Files"), Bullets(files)) if files else ()),
            *((Heading("Plan"), Bullets(_plan(report))) if report.plan else ()),
            *((Heading("What people said"), Bullets(said)) if said else ()),
            *((Line(f"And {more:,} more, in the report."),) if more > 0 else ()),
        ),
        foot=f"{report.asked_by} asked @{report.agent}.\n{whole}",
    )


def written(report: Report, fact: MailAsked) -> View:
    """What the agent wrote; that it did stands above it and below it."""
    return View(
        badge="Message",
        colour=BLUE,
        heading=one_line(fact.subject),
        kicker=report.key,
        lead=f"@{report.agent} writes to you about this task.",
        pieces=(Prose(fact.text),),
        foot=f"@{report.agent} is an agent, and wrote this while it worked on {report.key}: "
        f"{one_line(report.title)}. {_asker(report)} asked for that.",
    )


def retried(report: Report, by: str) -> View:
    """That somebody began a task anew."""
    return View(
        badge="Begun anew",
        colour=BLUE,
        heading=one_line(report.title),
        kicker=report.key,
        lead=f"{one_line(by)} began it anew; @{report.agent} is on it.",
        pieces=(),
        foot=f"You are told when {report.key} is over.",
    )


def attached(report: Report) -> tuple[ArtifactSaved, ...]:
    """The files of the task that go with a mail of its result: the first that fit, each name once.

    A patch goes where something that was there was changed: one that only adds would say it all again.
    """
    room, fitting = ATTACHED_BYTES, []
    adds = all(change.how == "added" for change in report.changes) and not report.more_changes
    for saved in {saved.name: saved for saved in report.artifacts}.values():
        if saved.purpose == "diff" and adds:
            continue
        if saved.size <= room:
            room -= saved.size
            fitting.append(saved)
    return tuple(fitting)


def _files(report: Report) -> tuple[str, ...]:
    """Every file that was kept, and which of them is not attached."""
    names = {saved.name for saved in attached(report)}
    return tuple(
        f"`{saved.name}`, {size(saved.size)}" + ("" if saved.name in names else ": too large for a mail")
        for saved in {saved.name: saved for saved in report.artifacts}.values()
        if saved.name in names or saved.purpose == "file"
    )


def _changes(report: Report) -> tuple[str, ...]:
    """The first of the files that differ."""
    named = [
        f"{one_line(change.path)} {change.how} {phrases.lines(change)}".rstrip().replace("`", "\u02cb")
        for change in report.changes[:CHANGES_NAMED]
    ]
    more = report.files_changed - len(named)
    return (*named, *((f"and {more:,} more",) if more > 0 else ()))


def _plan(report: Report) -> tuple[str, ...]:
    """How the first items of the plan stand."""
    shown = [
        f"{one_line(item.text)} ({phrases.PLAN[item.state]})".replace("`", "\u02cb")
        for item in report.plan[:PLAN_NAMED]
    ]
    more = len(report.plan) - PLAN_NAMED
    return (*shown, *((f"and {more:,} more",) if more > 0 else ()))


def _asker(report: Report) -> str:
    return one_line(report.asked_by) or "somebody"


def _said(view: InstructionView) -> str:
    how = phrases.DOOR.get(view.door, view.door)
    return one_line(f"{view.by} {how}: {view.text}", SAID_CHARS).replace("`", "\u02cb")


def _approval(report: Report, number: int) -> ApprovalView:
    return next(view for view in report.approvals if view.number == number)


def _question(report: Report, call_id: str) -> QuestionView:
    """The last question of this call."""
    return next(view for view in reversed(report.questions) if view.call_id == call_id)
