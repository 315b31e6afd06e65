"""A task's tool calls, read from its events into steps."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from bot.events import (
    ApprovalAsked,
    Call,
    ModelTurned,
    QuestionAsked,
    ToolFinished,
    ToolRefused,
    ToolStarted,
)
from bot.reports.asking import Asking
from bot.reports.report import Span, StepState, StepView

LONGEST_S = 1e9  # some 30 years: a figure beyond it is no time that anything took


@dataclass
class Draft:
    """A step while its events are still being read.

    Attributes:
        past: The task was retried since: a call of this name is another one from now on.
        approval: The number of the last approval that was asked for it.
        question: The place of what it asks people.
    """

    tool: str
    what: str
    words: str = ""
    state: StepState = "interrupted"
    started: datetime | None = None
    seconds: float = 0.0
    finished: ToolFinished | None = None
    refusal: str = ""
    earlier: list[Span] = field(default_factory=list)
    past: bool = False
    approval: int = 0
    question: int | None = None

    def begin(self, fact: ToolStarted, at: datetime) -> None:
        """An attempt begins."""
        self._shelve(at)
        self.tool, self.what = fact.call.tool, fact.does
        self.state, self.started, self.seconds, self.finished = "running", at, 0.0, None

    def wait(self, call: Call, does: str, at: datetime) -> None:
        """The call has to wait for people."""
        self._shelve(at)
        self.tool, self.what, self.state = call.tool, does, "waiting"

    def finish(self, fact: ToolFinished, at: datetime) -> None:
        """The call ended."""
        self.state, self.finished = "ok" if fact.ok else "failed", fact
        self.seconds = min(max(fact.seconds, 0.0), LONGEST_S) if math.isfinite(fact.seconds) else 0.0
        self.started = self.started or at

    def refuse(self, why: str) -> None:
        """The call is not made."""
        self.state, self.refusal = "refused", why

    def break_off(self, at: datetime) -> None:
        """Nobody goes on with the call; what had ended stays as it ended."""
        if self.state in ("running", "waiting"):
            self.state = "interrupted"
            self.seconds = _between(self.started, at)

    def _shelve(self, at: datetime) -> None:
        """The attempt so far was not the last."""
        if self.started:
            self.earlier.append(Span(self.started, self.seconds or _between(self.started, at)))
            self.started, self.seconds = None, 0.0

    def view(self, number: int, asking: Asking) -> StepView:
        """The step, as people see it."""
        end = self.finished
        return StepView(
            number=number,
            tool=self.tool,
            what=self.what,
            words=self.words,
            state=self.state,
            output=end.output if end else self.refusal,
            exit_code=end.exit_code if end else None,
            ended_by=end.ended_by if end else None,
            started=self.started,
            seconds=self.seconds,
            peak_rss_bytes=max(end.peak_rss_bytes, 0) if end else 0,
            peak_processes=max(end.peak_processes, 0) if end else 0,
            disk_bytes=max(end.disk_bytes, 0) if end else 0,
            attempts=max(len(self.earlier) + (self.started is not None), 1),
            earlier=tuple(self.earlier),
            approval=asking.approvals.get(self.approval),
            question=None if self.question is None else asking.questions[self.question],
        )


def _between(begin: datetime | None, end: datetime) -> float:
    return min(max((end - begin).total_seconds(), 0.0), LONGEST_S) if begin else 0.0


class Calls:
    """The steps, as far as the events reach."""

    def __init__(self) -> None:
        self.steps: list[Draft] = []
        self.last_words = ""
        self._newest: dict[str, Draft] = {}
        self._asked: dict[str, Draft] = {}  # calls that the model asked for and that have not begun

    def turn(self, fact: ModelTurned) -> None:
        """The model says which calls it wants."""
        self.last_words = fact.words
        for place, call in enumerate(fact.calls):
            self._asked[call.id] = Draft(call.tool, call.tool, words="" if place else fact.words)

    def begin(self, fact: ToolStarted, at: datetime) -> None:
        """A call begins, the first or another time."""
        self._coming(fact.call.id).begin(fact, at)

    def ask(self, fact: ApprovalAsked, at: datetime) -> None:
        """A call waits for an approval."""
        draft = self._coming(fact.call.id)
        draft.wait(fact.call, fact.does, at)
        draft.approval = fact.approval

    def question(self, fact: QuestionAsked, place: int) -> None:
        """A call waits for an answer."""
        draft = self._coming(fact.call_id)
        draft.tool, draft.what, draft.state, draft.question = draft.tool or "ask", fact.text, "waiting", place

    def refuse(self, fact: ToolRefused) -> None:
        """A call is not made."""
        draft = self._coming(fact.call_id)
        draft.what = fact.does
        draft.refuse(fact.why)

    def finish(self, fact: ToolFinished, at: datetime) -> Draft:
        """A call ended."""
        draft = self._newest.get(fact.call_id) or self._coming(fact.call_id)
        draft.finish(fact, at)
        return draft

    def interrupt(self, call_id: str, at: datetime) -> None:
        """A call never ended, even where that is found out after the task went another way."""
        (self._newest.get(call_id) or self._coming(call_id)).break_off(at)

    def decided(self, call_id: str, approval: int, *, refused: bool, at: datetime) -> None:
        """A call that waits is let no more: it was denied, or is not asked for any longer."""
        draft = self._newest.get(call_id)
        if draft is None or draft.approval != approval or draft.state != "waiting":
            return
        if refused:
            draft.refuse("")
        else:
            draft.break_off(at)

    def close(self, at: datetime) -> None:
        """The task ended, or goes another way: nothing runs or waits any more."""
        for draft in self.steps:
            draft.break_off(at)

    def begin_anew(self) -> None:
        """The task is retried: names of calls may be used again, for other calls."""
        for draft in self.steps:
            draft.past = True
        self._asked.clear()
        self.last_words = ""

    def views(self, asking: Asking) -> tuple[StepView, ...]:
        """The steps, as people see them."""
        return tuple(draft.view(number, asking) for number, draft in enumerate(self.steps, 1))

    def _coming(self, call_id: str) -> Draft:
        """The step of a call that begins, waits or is refused: its own one, unless that is past."""
        draft = self._newest.get(call_id)
        if draft is None or draft.past:
            draft = self._asked.get(call_id) or Draft(tool="", what=call_id)
            self._newest[call_id] = draft
            self.steps.append(draft)
        return draft
