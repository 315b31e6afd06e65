"""A task's events, read into a report: the one place where events become what people see."""

from collections.abc import Iterable
from datetime import datetime

from bot.events import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Ended,
    Event,
    HostAsked,
    InstructionGiven,
    ModelTurned,
    PlanItem,
    PlanUpdated,
    QuestionAsked,
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
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
    WordsCame,
)
from bot.reports.asking import Asking
from bot.reports.calls import Calls
from bot.reports.markdown import markdown
from bot.reports.phrases import headline
from bot.reports.report import (
    ApprovalView,
    Follows,
    InstructionView,
    QuestionView,
    Report,
    RunView,
    Span,
    State,
    StepView,
    TurnView,
)

__all__ = [
    "ApprovalView",
    "InstructionView",
    "QuestionView",
    "Report",
    "RunView",
    "Span",
    "StepView",
    "headline",
    "markdown",
    "read",
]


SOMEBODY = "somebody"


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
        reading.last = event.at
        if not (reading.of_calls(event) or reading.of_people(event)):
            reading.of_task(event)
    return reading.report(key)


class _Reading:
    """What has been understood so far."""

    def __init__(self) -> None:
        self.opened: tuple[TaskOpened, datetime] | None = None
        self.ended: tuple[Ended, datetime] | None = None
        self.last: datetime | None = None
        self.agent = ""
        self.retries = 0
        self.paused_by = ""
        self.saying = ""
        self.turns: list[TurnView] = []
        self.hosts: dict[tuple[str, int, str], HostAsked] = {}
        self.patch: ArtifactSaved | None = None
        self.held = False  # by a worker, as far as is known
        self.follows: Follows = ""
        self.runs: list[RunView] = []
        self.artifacts: list[ArtifactSaved] = []
        self.plan: tuple[PlanItem, ...] = ()
        self.calls = Calls()
        self.asking = Asking()

    def of_calls(self, event: Event) -> bool:
        """Read what tells of calls; False where it tells of something else."""
        match event.fact:
            case ModelTurned() as fact:
                self.held, self.saying = True, ""
                if fact.usage:
                    self.turns.append(TurnView(fact.model, fact.usage))
                self.calls.turn(fact)
            case ToolStarted() as fact:
                self.held = True
                self.calls.begin(fact, event.at)
            case ToolFinished() as fact:
                draft = self.calls.finish(fact, event.at)
                if draft.question is not None:
                    self.asking.drop(draft.question)
            case HostAsked() as fact:
                asked = (fact.host, fact.port, fact.outcome)
                self.hosts[asked] = self.hosts[asked] + fact if asked in self.hosts else fact
            case ToolInterrupted() as fact:
                self.calls.interrupt(fact.call_id, event.at)
            case ToolRefused() as fact:
                self.calls.refuse(fact)
            case _:
                return False
        return True

    def of_people(self, event: Event) -> bool:
        """Read what people were asked and said; False where it tells of something else."""
        match event.fact:
            case ApprovalAsked() as fact:
                self.asking.ask(fact, event.at)
                self.calls.ask(fact, event.at)
                self.park()
            case ApprovalDecided() as fact:
                if self.asking.decide(fact, event.at) and fact.decision == "deny":
                    self.calls.decided(fact.call_id, fact.approval, refused=True, at=event.at)
            case ApprovalWithdrawn() as fact:
                if self.asking.withdraw(fact, event.at):
                    self.calls.decided(fact.call_id, fact.approval, refused=False, at=event.at)
            case ApprovalReminded() as fact:
                self.asking.remind(fact.approval)
            case QuestionAsked() as fact:
                self.calls.question(fact, self.asking.question(fact, event.at))
                self.park()
            case InstructionGiven() as fact:
                self.asking.say(fact, event.at)
            case _:
                return False
        return True

    def of_task(self, event: Event) -> None:
        """Read what tells of the task itself."""
        match event.fact:
            case TaskOpened() as fact:
                self.opened = self.opened or (fact, event.at)
                self.agent = self.agent or fact.agent
            case RunStarted() as fact:
                self.runs.append(RunView(fact.attempt, fact.worker, fact.model, event.at, self.follows))
                self.held, self.follows, self.saying = True, "", ""
            case TaskFinished() | TaskFailed() | TaskCancelled() as fact:
                self.ended, self.saying, self.paused_by = (fact, event.at), "", ""
                self.calls.close(event.at)
                self.asking.close("The task is over.", event.at)
            case TaskRetried():
                self.ended, self.retries, self.plan, self.patch = None, self.retries + 1, (), None
                self.go_another_way("retry", "The task was begun anew.", event.at)
                self.calls.begin_anew()
            case TaskPaused() | TaskResumed() as fact:
                self.paused_by = (fact.by or SOMEBODY) if isinstance(fact, TaskPaused) else ""
            case WordsCame() as fact:
                self.saying = fact.words
            case TaskReassigned() as fact:
                self.agent = fact.agent
                self.go_another_way("reassign", f"@{fact.agent} goes on with the task.", event.at)
            case PlanUpdated() as fact:
                self.plan = fact.items
            case ArtifactSaved(purpose="file" | "diff") as fact:
                self.artifacts.append(fact)
                self.patch = fact if fact.purpose == "diff" else self.patch

    def park(self) -> None:
        """The task waits for people, and no worker with it."""
        self.held = False
        if self.runs:
            self.follows = "wait"

    def go_another_way(self, how: Follows, why: str, at: datetime) -> None:
        """What was under way is over, and another run will begin."""
        self.calls.close(at)
        self.asking.close(why, at)
        self.held = False
        if self.runs and self.follows != "retry":
            self.follows = how

    def report(self, key: str) -> Report:
        """What there is to show."""
        task, opened = self.opened or (None, None)
        end, ended = self.ended or (None, None)
        changed = end if isinstance(end, TaskFinished | TaskFailed) else None
        return Report(
            key=key,
            title=(task.title.strip() if task else "") or key,
            text=task.text if task else "",
            agent=self.agent,
            asked_by=task.asked_by if task else "",
            door=task.door if task else "",
            state=self.state(),
            opened=opened,
            started=self.runs[0].started if self.runs else None,
            ended=ended,
            as_of=self.last,
            outcome=_outcome(end, self.calls.last_words),
            steps=self.calls.views(self.asking),
            runs=tuple(self.runs),
            changes=changed.changes if changed else (),
            more_changes=max(changed.more_changes, 0) if changed else 0,
            artifacts=tuple(self.artifacts),
            approvals=tuple(self.asking.approvals.values()),
            questions=tuple(self.asking.questions),
            instructions=tuple(self.asking.instructions),
            retries=self.retries,
            paused_by=self.paused_by,
            plan=self.plan,
            saying=self.saying,
            turns=tuple(self.turns),
            hosts=tuple(self.hosts.values()),
            patch=self.patch,
        )

    def state(self) -> State:
        """Where the task stands."""
        match self.ended and self.ended[0]:
            case TaskFinished():
                return "done"
            case TaskFailed():
                return "failed"
            case TaskCancelled():
                return "cancelled"
        if self.paused_by:
            return "paused"
        if self.asking.open:
            return "waiting"
        return "running" if self.runs and self.held else "queued"


def _outcome(end: Ended | None, last_words: str) -> str:
    match end:
        case TaskFinished():
            return end.summary.strip() or last_words
        case TaskFailed():
            return end.reason.strip()
        case TaskCancelled():
            return f"Cancelled by {' '.join(end.by.split())}."
    return ""
