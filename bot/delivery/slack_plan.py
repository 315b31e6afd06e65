"""What a Slack thread is told of a task's events; pure.

Something new is posted where the log has come to it. What changes a message that stands there already is
gathered, and done in one go at the end: until then the cursor stays before it.
"""

from collections.abc import Sequence

from bot.delivery import asking_blocks
from bot.delivery.outlet import Message
from bot.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Event,
    InstructionGiven,
    QuestionAsked,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
    ToolFinished,
)
from storage.tables import Cadence

ROOT, PROGRESS, RESULT, REPORT, NO_REPORT = "root", "progress", "result", "report", "no report"
FILE = "file"
SAID, NOTE, EDIT = "said", "note", "edit"
APPROVAL, REMINDER, QUESTION = "approval-", "reminder-", "question-"
CALL_ID_CHARS = 100

ASKED = (APPROVAL, REMINDER, QUESTION)
_WANTED: dict[Cadence, tuple[str, ...]] = {
    "asked": ASKED,
    "called": ASKED,
    "result": (*ASKED, ROOT, RESULT, REPORT, NO_REPORT, FILE),
}


def plan(events: Sequence[Event], cursor: int, cadence: Cadence) -> list[Message]:
    """What to tell of the events past the cursor, in order.

    Args:
        events: All events of the task.
        cursor: The last event that was told.
        cadence: As of a recipient. Whoever wants results is asked too: without answers there may be none.
    """
    if cadence == "none":
        return []
    planning = _Planning(cursor, _WANTED.get(cadence, ("",)))
    for event in events:
        planning.read(event)
    return planning.messages(events[-1].seq) if events else []


def question_part(call_id: str) -> str:
    """The part that asks this call's question."""
    return QUESTION + call_id[:CALL_ID_CHARS]


class _Planning:
    """What has been planned so far.

    Args:
        cursor: The last event that was told.
        wanted: How the parts begin that they want to be posted.
    """

    def __init__(self, cursor: int, wanted: tuple[str, ...]) -> None:
        self._cursor = cursor
        self._wanted = wanted
        self._posts: list[tuple[int, str]] = []
        self._changed: dict[str, None] = {}
        self._since = 0  # the first event that something is to be changed for
        self._begun = 0  # the first claim since the task was opened or begun anew, while it lasts
        self._progress = PROGRESS
        self._asked: dict[str, list[str]] = {}  # what is open, with the parts that show it

    def messages(self, last: int) -> list[Message]:
        """Everything new, then all that changes."""
        posts = list(self._posts)
        if self._begun > self._cursor and PROGRESS.startswith(self._wanted):
            posts.append((self._begun, self._progress))
        held = self._since - 1 if self._since else last
        planned = [Message(seq, part, min(seq, held)) for seq, part in posts]
        if self._changed:
            planned.append(Message(last, EDIT, last, edits=tuple(self._changed)))
        return planned

    def read(self, event: Event) -> None:
        """Take in one event."""
        if not self._of_people(event):
            self._of_task(event)

    def _of_people(self, event: Event) -> bool:
        """Take in what people were asked and said; False where it tells of something else."""
        match event.fact:
            case ApprovalAsked() | QuestionAsked() as fact:
                self._ask(event.seq, fact)
            case ApprovalReminded() as fact:
                self._remind(event.seq, fact.approval)
            case ApprovalDecided() | ApprovalWithdrawn() as fact:
                self._close(event.seq, f"{APPROVAL}{fact.approval}")
            case InstructionGiven() as fact:
                self._hear(event.seq, fact)
            case _:
                return False
        return True

    def _of_task(self, event: Event) -> None:
        """Take in how the work goes."""
        seq = event.seq
        match event.fact:
            case TaskOpened():
                self._post(seq, ROOT)
            case RunStarted():
                self._begun = self._begun or seq
                self._change(seq, ROOT, self._progress)
            case ToolFinished() as fact:
                self._change(seq, self._progress, *self._asked.pop(question_part(fact.call_id), ()))
            case TaskFinished() | TaskFailed() | TaskCancelled():
                self._end(seq)
            case TaskPaused() | TaskResumed():
                self._change(seq, ROOT, self._progress)
            case TaskReassigned():
                self._post(seq, NOTE)
                self._close(seq, *self._asked)
            case TaskRetried():
                self._begin_anew(seq)
            case ArtifactSaved(purpose="report" | "file") as fact:  # of a diff the result tells enough
                self._post(seq, REPORT if fact.purpose == "report" else FILE)
            case ReportFailed():
                self._post(seq, NO_REPORT)
            case _:
                self._change(seq, self._progress)

    def _ask(self, seq: int, fact: ApprovalAsked | QuestionAsked) -> None:
        if isinstance(fact, QuestionAsked):
            part = question_part(fact.call_id)
        else:
            part = f"{APPROVAL}{fact.approval}"
            before = asking_blocks.messages(fact.does) - 1 if seq > self._cursor else 0
            for number in range(before):
                self._post(seq, f"{part}.{number + 1}")
        self._post(seq, part)
        self._asked[part] = [part]
        self._change(seq, ROOT, self._progress)

    def _remind(self, seq: int, approval: int) -> None:
        part = f"{REMINDER}{approval}.{seq}"
        self._post(seq, part)
        self._asked.setdefault(f"{APPROVAL}{approval}", []).append(part)

    def _hear(self, seq: int, fact: InstructionGiven) -> None:
        """What was said in Slack stands in the thread, and an answer is shown by its question."""
        if fact.answers:
            self._close(seq, question_part(fact.answers))
        elif fact.door != "slack":
            self._post(seq, SAID)

    def _close(self, seq: int, *asked: str) -> None:
        """These are no longer open, and where the task stands has changed."""
        parts = [part for one in asked for part in self._asked.pop(one, ())]
        self._change(seq, ROOT, self._progress, *parts)

    def _end(self, seq: int) -> None:
        """The result tells all that a progress message would have told from now on."""
        self._post(seq, RESULT)
        self._close(seq, *self._asked)
        self._begun = 0

    def _begin_anew(self, seq: int) -> None:
        """Work begins in a progress message of its own; a result that was never told is out of date."""
        self._posts = [(at, part) for at, part in self._posts if part != RESULT]
        self._post(seq, NOTE)
        self._change(seq, ROOT)
        self._begun, self._progress = 0, f"{PROGRESS}-{seq}"

    def _post(self, seq: int, part: str) -> None:
        if seq > self._cursor and part.startswith(self._wanted):
            self._posts.append((seq, part))

    def _change(self, seq: int, *parts: str) -> None:
        if seq > self._cursor:
            self._since = self._since or seq
            self._changed.update(dict.fromkeys(parts))
