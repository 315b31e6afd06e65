"""What every view of a task's report needs, and nothing of how it looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add
from typing import Literal

from bot.events import ArtifactSaved, Change, HostAsked, PlanItem, Usage
from bot.reports.views import (
    ApprovalView,
    Decision,
    Follows,
    InstructionView,
    QuestionView,
    RunView,
    Span,
    SpentView,
    StepState,
    StepView,
    TurnView,
    label_of,
)

__all__ = [
    "ApprovalView",
    "Decision",
    "Excerpt",
    "Follows",
    "InstructionView",
    "QuestionView",
    "Report",
    "RunView",
    "Span",
    "SpentView",
    "State",
    "StepState",
    "StepView",
    "TurnView",
    "label_of",
]

State = Literal["queued", "running", "waiting", "paused", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The first part of a patch.

    Attributes:
        text: Its lines.
        more: How many lines follow.
    """

    text: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """One task, as its events tell it.

    Attributes:
        key: How people call the task: `T-12`.
        title: Its title.
        text: What was asked, in the asker's words.
        agent: Who was asked, or went on with it.
        asked_by: Who asked.
        door: The door it came through.
        state: Where the task stands.
        opened: When it was asked, in UTC, like every time here.
        started: When a worker first claimed it.
        ended: When it was over; None again after a retry.
        as_of: When the newest event was recorded.
        outcome: The agent's summary, the reason of a failure, or who stopped it; empty before the end.
        steps: Every tool call, in the order in which they began.
        runs: Every claim, in order.
        changes: The first of the files that differ.
        more_changes: How many more there are.
        artifacts: The files that were kept, without the reports.
        approvals: Every one that was asked, in order.
        questions: Every one that the agent asked, in order.
        instructions: All that people told the agent, in order; answers are among them.
        retries: How often it was begun anew.
        paused_by: Who lets it rest; empty while nobody does.
        plan: What the agent last said it is going to do.
        saying: The last words of a turn that is not over; empty where none is under way.
        turns: Every turn of a model that used something, in order.
        hosts: What its programs asked of the network: each host, port and outcome once.
        patch: What it changed, as a file that was kept; None before the end, or where no text changed.
        diff: The beginning of that; whoever draws the report adds it, since it is no part of the events.
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
    approvals: tuple[ApprovalView, ...] = ()
    questions: tuple[QuestionView, ...] = ()
    instructions: tuple[InstructionView, ...] = ()
    retries: int = 0
    paused_by: str = ""
    plan: tuple[PlanItem, ...] = ()
    saying: str = ""
    turns: tuple[TurnView, ...] = ()
    hosts: tuple[HostAsked, ...] = ()
    patch: ArtifactSaved | None = None
    diff: Excerpt = Excerpt()

    @property
    def usage(self) -> Usage | None:
        """What its models used, all together; None where none used anything."""
        used = [turn.usage for turn in self.turns]
        return reduce(add, used) if used else None

    @property
    def spent(self) -> tuple[SpentView, ...]:
        """What each model used, in the order in which they came."""
        by_model: dict[str, list[Usage]] = {}
        for turn in self.turns:
            by_model.setdefault(turn.model, []).append(turn.usage)
        return tuple(SpentView(model, len(used), reduce(add, used)) for model, used in by_model.items())

    @property
    def file_name(self) -> str:
        """What its PDF is called; a task that is retried gets another one."""
        again = f"-{self.retries + 1}" if self.retries else ""
        return f"{self.key}-report{again}.pdf"

    @property
    def files_changed(self) -> int:
        """How many files differ, those beyond `changes` included."""
        return len(self.changes) + self.more_changes

    @property
    def lost_workers(self) -> int:
        """How many workers were lost; one that ends in order hands its run over, and is none."""
        lost, most = 0, 1
        for run in self.runs:
            if run.follows in ("retry", "reassign"):
                lost, most = lost + most - 1, 1
            most = max(most, run.attempt)
        return lost + most - 1

    @property
    def seconds(self) -> float:
        """How long the work took or has so far: wall time since the first claim, anew after a retry."""
        anew = next((run.started for run in reversed(self.runs) if run.follows == "retry"), None)
        begin, end = anew or self.started or self.opened, self.ended or self.as_of
        return max((end - begin).total_seconds(), 0.0) if begin and end else 0.0

    def texts(self) -> Iterator[str]:
        """Every text in it that may hold any character at all."""
        yield from (self.key, self.title, self.text, self.agent, self.asked_by, self.door, self.outcome)
        yield from (self.saying, self.paused_by)
        for step in self.steps:
            yield from (step.tool, step.what, step.words, step.output)
        for run in self.runs:
            yield from (run.worker, run.model)
        yield from (turn.model for turn in self.turns)
        yield from (host.host for host in self.hosts)
        yield self.diff.text
        for approval in self.approvals:
            yield from (
                approval.tool,
                approval.does,
                approval.rule,
                approval.by,
                approval.door,
                approval.note,
            )
            yield from (*approval.approvers, *approval.addresses)
        for question in self.questions:
            yield from (question.text, *question.options, question.answer, question.by, question.door)
        for said in self.instructions:
            yield from (said.text, said.by, said.door)
        yield from (change.path for change in self.changes)
        yield from (item.text for item in self.plan)
        for kept in self.artifacts:
            yield from (kept.name, kept.media_type)
