"""What someone is mailed of a task's events; pure.

A mail cannot be changed once it is sent, so that whatever is out of date before it goes does not go at all.
"""

from collections.abc import Collection, Sequence

from bot.delivery.outlet import Message, Recipient
from bot.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Event,
    InstructionGiven,
    MailAsked,
    QuestionAsked,
    ReportFailed,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskReassigned,
    TaskRetried,
    ToolFinished,
)
from storage.tables import Cadence

OPENED, RETRIED, RESULT = "opened", "retried", "result"
APPROVAL, REMINDER, DECIDED, WITHDRAWN = "approval", "reminder", "decided", "withdrawn"
QUESTION, ANSWERED = "question", "answered"
MAIL = "mail"  # one that the agent wrote

_DECISIONS = {APPROVAL, REMINDER, DECIDED, WITHDRAWN}
_MILESTONES = {OPENED, QUESTION, ANSWERED, RESULT, *_DECISIONS}
_WANTED: dict[Cadence, Collection[str]] = {
    "all": {*_MILESTONES, RETRIED, MAIL},
    "milestones": {*_MILESTONES, MAIL},
    "daily": {RESULT, MAIL, *_DECISIONS},
    "result": {RESULT, MAIL, *_DECISIONS},
    "asked": {MAIL, *_DECISIONS},
    "called": {MAIL, *_DECISIONS},
    "none": (),
}


def plan(events: Sequence[Event], cursor: int, to: Recipient) -> list[Message]:
    """What to mail of the events past the cursor, in order.

    Args:
        events: All events of the task.
        cursor: The last event that they were told.
        to: Whom. Whoever is to decide on a call is asked, unless they want to hear nothing: the task waits.
    """
    planning = _Planning(cursor, to.address, _WANTED[to.cadence])
    for event in events:
        planning.read(event)
    return planning.messages()


class _Planning:
    """What has been planned so far.

    Args:
        cursor: The last event that was told.
        address: Whom to tell.
        wanted: What they want to hear of.
    """

    def __init__(self, cursor: int, address: str, wanted: Collection[str]) -> None:
        self._cursor = cursor
        self._address = address
        self._wanted = wanted
        self._mails: dict[str, Message] = {}  # by what they are about: there is one at a time
        self._approvals: dict[int, tuple[str, ...]] = {}  # those open that they were asked, with all who were
        self._questions: set[str] = set()
        self._over = False

    def messages(self) -> list[Message]:
        """What is left to say; that the task was opened goes without saying where there is more."""
        if len(self._mails) > 1 or self._over:
            self._mails.pop(OPENED, None)
        return sorted(self._mails.values(), key=lambda message: message.seq)

    def read(self, event: Event) -> None:
        """Take in one event."""
        seq = event.seq
        match event.fact:
            case TaskOpened():
                self._mail(OPENED, seq, OPENED)
            case ApprovalAsked() | ApprovalReminded() | ApprovalDecided() | ApprovalWithdrawn() as fact:
                self._approval(seq, fact)
            case QuestionAsked() | InstructionGiven() | ToolFinished() as fact:
                self._question(seq, fact)
            case TaskFinished() | TaskFailed() | TaskCancelled():
                self._go_another_way(seq)
                self._end()
            case MailAsked(to=addresses) if self._address in addresses:
                self._mail(f"mail {seq}", seq, MAIL)
            case TaskReassigned():
                self._go_another_way(seq)
            case TaskRetried():
                self._mails.pop(RESULT, None)
                self._mail(RETRIED, seq, RETRIED)
            case ArtifactSaved(purpose="report") | ReportFailed():
                self._mails.pop(RETRIED, None)
                self._mail(RESULT, seq, RESULT)

    def _question(self, seq: int, fact: QuestionAsked | InstructionGiven | ToolFinished) -> None:
        match fact:
            case QuestionAsked():
                self._questions.add(fact.call_id)
                self._mail(_about(fact.call_id), seq, QUESTION)
            case InstructionGiven() if fact.answers in self._questions:
                themself = _is_by(self._address, (self._address,), fact.by, fact.door)
                self._close(_about(fact.answers), seq, "" if themself else ANSWERED)
                self._questions.remove(fact.answers)
            case ToolFinished() if fact.call_id in self._questions:
                self._close(_about(fact.call_id), seq, "")
                self._questions.remove(fact.call_id)

    def _approval(
        self, seq: int, fact: ApprovalAsked | ApprovalReminded | ApprovalDecided | ApprovalWithdrawn
    ) -> None:
        about = _about(fact.approval)
        if isinstance(fact, ApprovalAsked) and self._address in fact.addresses:
            self._approvals[fact.approval] = fact.addresses
            self._mail(about, seq, APPROVAL)
        asked = self._approvals.get(fact.approval)
        if asked is None:
            return
        match fact:
            case ApprovalReminded():
                if not self._is_unsaid(about, APPROVAL):
                    self._mail(about, seq, REMINDER)
            case ApprovalDecided():
                themself = _is_by(self._address, asked, fact.by, fact.door)
                self._close(about, seq, "" if themself else DECIDED)
                del self._approvals[fact.approval]
            case ApprovalWithdrawn():
                self._close(about, seq, WITHDRAWN)
                del self._approvals[fact.approval]

    def _close(self, about: str, seq: int, part: str) -> None:
        """It is no longer open; whoever was asked hears why, if there is a part for that."""
        unsaid = self._is_unsaid(about, APPROVAL) or self._is_unsaid(about, QUESTION)
        self._mails.pop(about, None)
        if part and not unsaid:
            self._mail(about, seq, part)

    def _end(self) -> None:
        """What was withdrawn with the task's end is told by the result, to those who get that."""
        self._over = True
        if RESULT in self._wanted:
            self._mails = {about: one for about, one in self._mails.items() if one.part != WITHDRAWN}

    def _go_another_way(self, seq: int) -> None:
        """Nothing that was asked is open any longer."""
        for about in [*map(_about, self._approvals), *map(_about, self._questions)]:
            self._close(about, seq, "")
        self._approvals.clear()
        self._questions.clear()

    def _is_unsaid(self, about: str, part: str) -> bool:
        return about in self._mails and self._mails[about].part == part

    def _mail(self, about: str, seq: int, part: str) -> None:
        if seq > self._cursor and part in self._wanted:
            self._mails[about] = Message(seq, part, seq)


def _about(asked: int | str) -> str:
    """What the mails about an approval, or about the question of a call, are kept under."""
    return f"A-{asked}" if isinstance(asked, int) else f"question {asked}"


def _names(address: str) -> tuple[str, str, str]:
    name = address.partition("@")[0]
    return address, name, f"{name} ({address})"


def _is_by(address: str, asked: Collection[str], by: str, door: str) -> bool:
    """Whether it is plain that who said this by mail is whoever has this address.

    A person who is known by mail alone is called what stands before the @, and by the address too where
    somebody else is called that.
    """
    named = by.casefold()
    namesakes = [one for one in asked if named in _names(one)]
    return door == "email" and namesakes == [address]
