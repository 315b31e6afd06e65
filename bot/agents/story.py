"""What a run knows of its task: what was called, what became of it, what people said."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.agents import prompt
from bot.agents.limits import Spent
from bot.events import (
    ApprovalAsked,
    Call,
    Event,
    InstructionGiven,
    ModelTurned,
    QuestionAsked,
    RunStarted,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
)
from bot.models.base import Answer, News, Told

WARNED = 3  # times that the same call had the same result, when the agent is told


class Story:
    """A task's events as its model needs them; a task that is retried begins anew.

    Attributes:
        seq: The last event that was read.
        step: The last step.
        opened: How the task was opened.
        paused: A person paused the task.
        spent: What it used up, time aside.
        heeded: The last event that its last turn knew of.
        pending: Calls of its last turn that nothing has become of yet.
        repeats: How often in a row the same call had the same result.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.step = 0
        self.opened: TaskOpened | None = None
        self._begin()

    def _begin(self) -> None:
        self.paused = False
        self.spent = Spent()
        self.heeded = 0
        self.pending: list[Call] = []
        self.repeats = 0
        self._last: tuple[object, ...] = ()
        self._news: list[News] = []
        self._told: list[tuple[int, Told]] = []  # what the next turn is to know, and since when it is there
        self._calls: dict[str, Call] = {}
        self._answered: dict[str, InstructionGiven] = {}
        self._worked = 0.0
        self._since: datetime | None = None  # nobody works on it where this is None

    def take(self, turned: ModelTurned) -> None:
        """The model has taken its turn; it is recorded with the first of its calls."""
        self.step = turned.step
        self.pending = list(turned.calls)

    def news(self) -> list[News]:
        """What a model is to learn before its next turn, in the order that it will always have."""
        self._hear(self.seq)
        news, self._news = self._news, []
        return news

    def seconds(self, now: datetime) -> float:
        """How long the task has been worked on."""
        return self._worked + ((now - self._since).total_seconds() if self._since else 0.0)

    def read(self, events: Sequence[Event]) -> None:
        """Go on with these events; those that were read before are passed over."""
        for event in events:
            if event.seq > self.seq:
                self.seq = event.seq
                self._count_time(event)
                self._understand(event)

    def _count_time(self, event: Event) -> None:
        """Time counts from a claim on, until the task waits for people or nobody works on it any more."""
        match event.fact:
            case RunStarted():
                self._since = event.at
            case ApprovalAsked() | QuestionAsked() | TaskPaused() | TaskReassigned():
                self._worked, self._since = self.seconds(event.at), None
            case _ if self._since:
                self._worked, self._since = self.seconds(event.at), event.at

    def _understand(self, event: Event) -> None:
        match event.fact:
            case TaskOpened() as fact:
                self.opened = fact
            case ModelTurned() as fact:
                self._turned(event.seq, fact)
            case ToolFinished() as fact:
                self._settle(self._answer(fact))
            case ToolRefused() as fact:
                self._settle(Answer(call_id=fact.call_id, ok=False, text=fact.why))
            case ToolInterrupted() as fact:
                self._settle(Answer(call_id=fact.call_id, ok=False, interrupted=True))
            case InstructionGiven(answers="") as fact:
                self._told.append((event.seq, prompt.told(fact)))
            case InstructionGiven() as fact:
                self._answered[fact.answers] = fact
            case TaskPaused() | TaskResumed() as fact:
                self.paused = isinstance(fact, TaskPaused)
            case TaskRetried():
                self._begin()

    def _answer(self, fact: ToolFinished) -> Answer:
        """What became of a call; where people answered it, who did."""
        told = self._answered.pop(fact.call_id, None)
        by, words = prompt.answered(told, fact.output) if told else ("", "")
        return Answer(
            call_id=fact.call_id,
            ok=fact.ok,
            text=fact.output,
            words=words,
            exit_code=fact.exit_code,
            ended_by=fact.ended_by or "",
            by=by,
        )

    def _turned(self, seq: int, turned: ModelTurned) -> None:
        """A turn; what people said while it was taken comes after it."""
        self.take(turned)
        self.heeded = turned.heeded or seq
        self._calls = {call.id: call for call in turned.calls}
        self._hear(self.heeded)
        self._news.append(turned)
        self.spent = _more(self.spent, turned)

    def _hear(self, until: int) -> None:
        self._news += [told for seq, told in self._told if seq <= until]
        self._told = [(seq, told) for seq, told in self._told if seq > until]

    def _settle(self, answer: Answer) -> None:
        self.pending = [call for call in self.pending if call.id != answer.call_id]
        self._news.append(answer)
        if call := self._calls.get(answer.call_id):
            did = (call.tool, call.args, replace(answer, call_id=""))
            self.repeats = self.repeats + 1 if did == self._last else 1
            self._last = did
            if self.repeats == WARNED:
                self._told.append((self.seq, prompt.stuck(WARNED)))


def _more(spent: Spent, turned: ModelTurned) -> Spent:
    """What was spent, with one more turn."""
    used = turned.usage
    if used is None:
        return replace(spent, steps=spent.steps + 1)
    return replace(
        spent,
        steps=spent.steps + 1,
        tokens=spent.tokens + used.read + used.written,
        usd=spent.usd + (used.usd or 0.0),
        unpriced=spent.unpriced or (turned.model if used.usd is None else ""),
    )
