"""What every view of a task's report needs, and nothing of how it looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.events import ArtifactSaved, Change, Ending

State = Literal["queued", "running", "done", "failed", "cancelled"]
StepState = Literal["running", "ok", "failed", "interrupted"]


def label_of(script: str) -> str:
    """What a script does in one line: the comment that it opens with, or its first line."""
    lines = (line.strip() for line in script.splitlines())
    first = next((line for line in lines if line and not line.startswith("#!")), "")
    return first.lstrip("#/").strip() or first if first.startswith(("# ", "// ")) else first


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time.

    Attributes:
        started: Its beginning, in UTC.
        seconds: How long it lasted.
    """

    started: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class RunView:
    """One worker's go at the task.

    Attributes:
        attempt: Counts from 1; grows where a worker was lost, not where one handed over in order.
        worker: Who worked.
        model: What decided on the steps, as `provider:model`.
        started: When the worker claimed the task.
    """

    attempt: int
    worker: str
    model: str
    started: datetime


@dataclass(frozen=True, slots=True)
class StepView:
    """One tool call, as people see it.

    Attributes:
        number: Its place in the report, from 1.
        tool: The tool's name.
        what: What the tool was to do: of a terminal, the command.
        words: What the agent said when it asked for this; often nothing.
        state: How it stands. One that never ended is interrupted once its task or its run is over.
        output: What it printed, as it was recorded.
        exit_code: Of a command.
        ended_by: The limit that ended it.
        started: When its last attempt began.
        seconds: Wall time of the last attempt; of an interrupted one, until that was noticed.
        peak_rss_bytes: Most memory at once; 0 where it was not measured.
        attempts: How often it was begun.
        earlier: The attempts before the last one; each was interrupted.
    """

    number: int
    tool: str
    what: str
    words: str = ""
    state: StepState = "running"
    output: str = ""
    exit_code: int | None = None
    ended_by: Ending | None = None
    started: datetime | None = None
    seconds: float = 0.0
    peak_rss_bytes: int = 0
    attempts: int = 1
    earlier: tuple[Span, ...] = ()

    @property
    def label(self) -> str:
        """What it does in one line."""
        return label_of(self.what) or self.tool


@dataclass(frozen=True, slots=True)
class Report:
    """One task, as its events tell it.

    Attributes:
        key: How people call the task: `T-12`.
        title: Its title.
        text: What was asked, in the asker's words.
        agent: Who was asked.
        asked_by: Who asked.
        door: The door it came through.
        state: Where the task stands.
        opened: When it was asked, in UTC, like every time here.
        started: When a worker first claimed it.
        ended: When it was over.
        as_of: When the newest event was recorded.
        outcome: The agent's summary, the reason of a failure, or who stopped it; empty before the end.
        steps: Every tool call, in the order in which they began.
        runs: Every claim, in order.
        changes: The first of the files that differ.
        more_changes: How many more there are.
        artifacts: The files that were kept, without the reports.
    """

    key: str
    title: str = ""
    text: str = ""
    agent: str = ""
    asked_by: str = ""
    door: str = ""
    state: State = "queued"
    opened: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    as_of: datetime | None = None
    outcome: str = ""
    steps: tuple[StepView, ...] = ()
    runs: tuple[RunView, ...] = ()
    changes: tuple[Change, ...] = ()
    more_changes: int = 0
    artifacts: tuple[ArtifactSaved, ...] = ()

    @property
    def files_changed(self) -> int:
        """How many files differ, those beyond `changes` included."""
        return len(self.changes) + self.more_changes

    @property
    def lost_workers(self) -> int:
        """How many workers were lost; one that ends in order hands its run over, and is none."""
        return max([1, *(run.attempt for run in self.runs)]) - 1

    @property
    def seconds(self) -> float:
        """How long the work took, or has taken so far, in wall time since the first claim."""
        begin, end = self.started or self.opened, self.ended or self.as_of
        return max((end - begin).total_seconds(), 0.0) if begin and end else 0.0

    def texts(self) -> Iterator[str]:
        """Every text in it that may hold any character at all."""
        yield from (self.key, self.title, self.text, self.agent, self.asked_by, self.door, self.outcome)
        for step in self.steps:
            yield from (step.tool, step.what, step.words, step.output)
        for run in self.runs:
            yield from (run.worker, run.model)
        yield from (change.path for change in self.changes)
        for kept in self.artifacts:
            yield from (kept.name, kept.media_type)
