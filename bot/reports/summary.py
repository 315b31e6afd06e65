"""A task's events, read into a report: the one place where events become what people see."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.events import (
    ArtifactSaved,
    Ended,
    Event,
    ModelTurned,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from bot.reports.markdown import markdown
from bot.reports.phrases import headline
from bot.reports.report import Report, RunView, Span, State, StepState, StepView

__all__ = ["Report", "RunView", "Span", "StepView", "headline", "markdown", "read"]

LONGEST_S = 1e9  # some 30 years: a figure beyond it is no time that anything took


@dataclass
class _Draft:
    """A step while its events are still being read."""

    tool: str
    what: str
    words: str = ""
    state: StepState = "interrupted"
    started: datetime | None = None
    seconds: float = 0.0
    finished: ToolFinished | None = None
    earlier: list[Span] = field(default_factory=list)

    def begin(self, fact: ToolStarted, at: datetime) -> None:
        if self.started:
            self.earlier.append(Span(self.started, self.seconds or _between(self.started, at)))
        self.tool, self.what = fact.call.tool, fact.does
        self.state, self.started, self.seconds, self.finished = "running", at, 0.0, None

    def finish(self, fact: ToolFinished, at: datetime) -> None:
        self.state, self.finished = "ok" if fact.ok else "failed", fact
        self.seconds = min(max(fact.seconds, 0.0), LONGEST_S) if math.isfinite(fact.seconds) else 0.0
        self.started = self.started or at

    def break_off(self, at: datetime) -> None:
        self.state = "interrupted"
        self.seconds = _between(self.started, at)

    def view(self, number: int) -> StepView:
        end = self.finished
        return StepView(
            number=number,
            tool=self.tool,
            what=self.what,
            words=self.words,
            state=self.state,
            output=end.output if end else "",
            exit_code=end.exit_code if end else None,
            ended_by=end.ended_by if end else None,
            started=self.started,
            seconds=self.seconds,
            peak_rss_bytes=max(end.peak_rss_bytes, 0) if end else 0,
            attempts=1 + len(self.earlier),
            earlier=tuple(self.earlier),
        )


def _between(begin: datetime | None, end: datetime) -> float:
    return min(max((end - begin).total_seconds(), 0.0), LONGEST_S) if begin else 0.0


def read(key: str, events: Iterable[Event]) -> Report:
    """Derive a task's report from its events and nothing else.

    Args:
        key: How people call the task: `T-12`.
        events: In the order of their `seq`. Facts of other things are passed over.

    Returns:
        The report as far as the events reach; a task may still be running.
    """
    reading = _Reading()
    for event in events:
        reading.of_task(event)
        reading.of_steps(event)
    return reading.report(key)


class _Reading:
    """What has been understood so far."""

    def __init__(self) -> None:
        self.opened: tuple[TaskOpened, datetime] | None = None
        self.ended: tuple[Ended, datetime] | None = None
        self.last: datetime | None = None
        self.last_words = ""
        self.runs: list[RunView] = []
        self.artifacts: list[ArtifactSaved] = []
        self.drafts: dict[str, _Draft] = {}
        self.asked: dict[str, _Draft] = {}  # calls that the model asked for and that have not begun

    def of_task(self, event: Event) -> None:
        self.last = event.at
        match event.fact:
            case TaskOpened() as fact:
                self.opened = self.opened or (fact, event.at)
            case RunStarted() as fact:
                self.runs.append(RunView(fact.attempt, fact.worker, fact.model, event.at))
            case TaskFinished() | TaskFailed() | TaskCancelled() as fact:
                self.ended = (fact, event.at)
            case ArtifactSaved(purpose="file") as fact:
                self.artifacts.append(fact)

    def of_steps(self, event: Event) -> None:
        match event.fact:
            case ModelTurned() as fact:
                self.last_words = fact.words
                for place, call in enumerate(fact.calls):
                    self.asked[call.id] = _Draft(call.tool, call.tool, words="" if place else fact.words)
            case ToolStarted() as fact:
                self.draft(fact.call.id).begin(fact, event.at)
            case ToolFinished() as fact:
                self.draft(fact.call_id).finish(fact, event.at)
            case ToolInterrupted() as fact:
                self.draft(fact.call_id).break_off(event.at)

    def draft(self, call_id: str) -> _Draft:
        if call_id not in self.drafts:
            self.drafts[call_id] = self.asked.get(call_id) or _Draft(tool="", what=call_id)
        return self.drafts[call_id]

    def report(self, key: str) -> Report:
        task, opened = self.opened or (None, None)
        end, ended = self.ended or (None, None)
        if ended:
            for draft in self.drafts.values():
                if draft.state == "running":
                    draft.break_off(ended)
        state, outcome = _outcome(end, self.last_words)
        changed = end if isinstance(end, TaskFinished | TaskFailed) else None
        return Report(
            key=key,
            title=(task.title.strip() if task else "") or key,
            text=task.text if task else "",
            agent=task.agent if task else "",
            asked_by=task.asked_by if task else "",
            door=task.door if task else "",
            state="running" if self.runs and not end else state,
            opened=opened,
            started=self.runs[0].started if self.runs else None,
            ended=ended,
            as_of=self.last,
            outcome=outcome,
            steps=tuple(draft.view(number) for number, draft in enumerate(self.drafts.values(), 1)),
            runs=tuple(self.runs),
            changes=changed.changes if changed else (),
            more_changes=max(changed.more_changes, 0) if changed else 0,
            artifacts=tuple(self.artifacts),
        )


def _outcome(end: Ended | None, last_words: str) -> tuple[State, str]:
    match end:
        case TaskFinished():
            return "done", end.summary.strip() or last_words
        case TaskFailed():
            return "failed", end.reason.strip()
        case TaskCancelled():
            return "cancelled", f"Cancelled by {' '.join(end.by.split())}."
    return "queued", ""
