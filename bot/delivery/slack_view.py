"""What each part of a task's thread shows: a pure function from a letter to a payload."""

from bot.delivery import asking_blocks, blocks
from bot.delivery.kit import PERSON, Payload
from bot.delivery.outlet import Letter
from bot.delivery.slack_plan import APPROVAL, PROGRESS, QUESTION, REMINDER, ROOT, question_part
from bot.events import InstructionGiven, QuestionAsked, ReportFailed, TaskReassigned, TaskRetried
from bot.reports.report import ApprovalView, Report


def view(letter: Letter, part: str, home: str = "") -> Payload:
    """What a part shows as the task stands now.

    Args:
        letter: Of the message that is to be sent, or that changes the part.
        part: Which one.
        home: The channel of the task's own thread, where somebody is asked outside of it.
    """
    message = _shown(letter, part)
    return asking_blocks.away(letter.report, home, message) if home else message


def _shown(letter: Letter, part: str) -> Payload:
    report, kind = letter.report, part.partition("-")[0]
    if kind == ROOT:
        return blocks.root(report, _astray(letter))
    if kind == PROGRESS:
        return blocks.progress(report)
    if part.startswith((APPROVAL, REMINDER)):
        return _approval(letter, part)
    if part.startswith(QUESTION):
        return _question(letter, part)
    return _said(letter)


def _question(letter: Letter, part: str) -> Payload:
    report, fact = letter.report, letter.event.fact
    asked = next(one for one in reversed(report.questions) if question_part(one.call_id) == part)
    named = ""  # later changes only close it
    if isinstance(fact, QuestionAsked) and fact.call_id == asked.call_id:
        named = fact.named
    return asking_blocks.question(report, asked, named, letter.to.address)


def _approval(letter: Letter, part: str) -> Payload:
    number, _, detail = part.partition("-")[2].partition(".")
    asked = _numbered(letter.report, int(number))
    if part.startswith(REMINDER):
        return asking_blocks.reminder(asked, letter.to.address)
    if detail:
        return asking_blocks.part(letter.report, asked, int(detail))
    return asking_blocks.approval(letter.report, asked, letter.to.address)


def _numbered(report: Report, number: int) -> ApprovalView:
    return next(one for one in report.approvals if one.number == number)


def _said(letter: Letter) -> Payload:
    """What tells of one event, once."""
    report = letter.report
    match letter.event.fact:
        case InstructionGiven() as fact:
            return asking_blocks.said(fact.by, fact.door, fact.text)
        case TaskRetried() as fact:
            return asking_blocks.begun_anew(report, fact.by)
        case TaskReassigned() as fact:
            return asking_blocks.given(report, fact.agent, fact.by)
        case ReportFailed() as fact:
            return blocks.no_report(report, fact.why)
    return blocks.result(report)


def _astray(letter: Letter) -> str:
    """The channel where the thread should be, if the root had to be sent elsewhere."""
    root, address = letter.earlier.get(ROOT, ""), letter.to.address
    elsewhere = root and not root.startswith(address) and not PERSON.fullmatch(address)
    return address if elsewhere else ""
