"""What tells a task's events, for the tests of reports."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    Call,
    Event,
    ModelTurned,
    RunStarted,
    TaskOpened,
    ToolFinished,
    ToolStarted,
)
from bot.reports.report import Report
from bot.reports.summary import read

BEGIN = datetime(2026, 11, 21, 14, 3, 12, tzinfo=UTC)


class Story:  # each method lets time pass and records what happened
    """Events of one task in the making."""

    def __init__(self, title: str, text: str, **opened: str) -> None:
        self.events: list[Event] = []
        self.now = BEGIN
        self.steps = 0
        who = {"agent": "coder", "asked_by": "Ana Souza", "door": "slack", **opened}
        self.add(TaskOpened(title=title, text=text, **who))

    def add(self, fact: AnyFact, after: float = 0.0) -> "Story":
        """Record a fact."""
        self.now += timedelta(seconds=after)
        self.events.append(Event(len(self.events) + 1, self.now, "test", fact))
        return self

    def run(self, attempt: int = 1, after: float = 0.4) -> "Story":
        """A worker claims the task."""
        return self.add(RunStarted(attempt=attempt, worker=f"atlas-{attempt}", model="runbook"), after)

    def want(self, what: str, *, words: str = "", tool: str = "terminal", think: float = 0.2) -> Call:
        """A call is asked for."""
        self.steps += 1
        call = Call(id=f"c{self.steps}", tool=tool, args={"command": what})
        self.add(ModelTurned(step=self.steps, words=words, calls=(call,)), think)
        return call

    def start(self, what: str, **aside: Any) -> Call:
        """A call is asked for and begins."""
        call = self.want(what, **aside)
        self.add(ToolStarted(step=self.steps, call=call, does=what), 0.01)
        return call

    def ask(self, what: str, approval: int = 17, **more: Any) -> Call:
        """A call is asked for, and waits for an approval."""
        call = self.want(what)
        who = {"rule": "An admin (Ada) wants every push to be asked for.", "digest": "d", **more}
        self.add(ApprovalAsked(approval=approval, step=self.steps, call=call, does=what, **who))
        return call

    def decide(self, call: Call, decision: str, approval: int = 17, after: float = 90, **how: str) -> "Story":
        """Someone decides on it."""
        said: Any = {"decision": decision, "by": "Mel", "door": "slack", **how}
        return self.add(ApprovalDecided(approval=approval, call_id=call.id, **said), after)

    def step(self, what: str, output: str = "", seconds: float = 1.0, **ended: Any) -> "Story":
        """A call begins and ends."""
        aside = {name: ended.pop(name) for name in ("words", "tool", "think") if name in ended}
        call = self.start(what, **aside)
        measured = {"ok": True, "exit_code": 0, "peak_rss_bytes": 18_400_000, **ended}
        fact = ToolFinished(step=self.steps, call_id=call.id, output=output, seconds=seconds, **measured)
        return self.add(fact, seconds)

    def report(self, key: str = "T-12") -> Report:
        """The report so far."""
        return read(key, self.events)
