"""What every view of a task's report needs, and nothing of how it looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.events import ArtifactSaved, Change, Ending, PlanItem, Usage

State = Literal["queued", "running", "waiting", "paused", "done", "failed", "cancelled"]
StepState = Literal["waiting", "running", "ok", "failed", "refused", "interrupted"]
Decision = Literal["open", "approve", "deny", "withdrawn"]
Follows = Literal["", "wait", "retry", "reassign"]


_NO_LABEL = ("#!", "ANSWER=")  # who runs it, and what people answered: see `bot.models.runbook`


def label_of(script: str) -> str:
    """What a script does in one line: the comment that it opens with, or its first line."""
    lines = (line.strip() for line in script.splitlines())
    first = next((line for line in lines if line and not line.startswith(_NO_LABEL)), "")
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
        follows: What it came after: a wait for people, a retry, or a change of agents; attempts count anew
            after the latter two. Empty where it is the first, or goes on for a worker that was lost or left.
    """

    attempt: int
    worker: str
    model: str
    started: datetime
    follows: Follows = ""


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One call that a person had to let, and who did.

    Attributes:
        number: 17 of A-17.
        call_id: Which call.
        tool: The tool's name.
        does: The exact call, as people were shown it, whole.
        rule: Why it was asked.
        approvers: Who may decide, by name; empty where any member may.
        addresses: Who was asked by email.
        asked: When.
        state: `open`, or the answer that counted, or `withdrawn`.
        by: Who decided.
        door: The door that the answer came through.
        note: The reason that was given; of one that was withdrawn, why.
        decided: When it was decided or withdrawn.
        reminded: How often it was asked again.
    """

    number: int
    call_id: str
    tool: str
    does: str
    rule: str
    approvers: tuple[str, ...]
    addresses: tuple[str, ...]
    asked: datetime
    state: Decision = "open"
    by: str = ""
    door: str = ""
    note: str = ""
    decided: datetime | None = None
    reminded: int = 0

    @property
    def key(self) -> str:
        """What people call it: `A-17`."""
        return f"A-{self.number}"


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What the agent asked the task's people, and what they answered.

    Attributes:
        call_id: The call that asks.
        text: The question.
        options: Answers to choose from.
        asked: When.
        answer: Empty until there is one.
        by: Who answered.
        door: The door that the answer came through.
        answered: When.
        withdrawn: The task went on, or ended, without an answer.
    """

    call_id: str
    text: str
    options: tuple[str, ...]
    asked: datetime
    answer: str = ""
    by: str = ""
    door: str = ""
    answered: datetime | None = None
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        """Whether an answer is still waited for."""
        return self.answered is None and not self.withdrawn


@dataclass(frozen=True, slots=True)
class InstructionView:
    """What a person told the agent; `answers` is the call whose question it answers, if it answers one."""

    text: str
    by: str
    door: str
    at: datetime
    answers: str = ""


@dataclass(frozen=True, slots=True)
class StepView:
    """One tool call, as people see it.

    Attributes:
        number: Its place in the report, from 1.
        tool: The tool's name.
        what: What the tool was to do: of a terminal, the command.
        words: What the agent said when it asked for this; often nothing.
        state: How it stands. One that waits for people, or was let by them, has not begun. One that never
            ended is interrupted once its task or its run is over.
        output: What it printed, as it was recorded; of one that was refused, why.
        exit_code: Of a command.
        ended_by: The limit that ended it.
        started: When its last attempt began; None where none did.
        seconds: Wall time of the last attempt; of an interrupted one, until that was noticed.
        peak_rss_bytes: Most memory at once; 0 where it was not measured.
        attempts: How often it was begun.
        earlier: The attempts before the last one; each was interrupted.
        approval: The last one that was asked for it.
        question: What it asks people.
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
    approval: ApprovalView | None = None
    question: QuestionView | None = None

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
        plan: What the agent last said it is going to do.
        saying: The last words of a turn that is not over; empty where none is under way.
        usage: What its models used, all together; None where none used anything.
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
    plan: tuple[PlanItem, ...] = ()
    saying: str = ""
    usage: Usage | None = None

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
        yield self.saying
        for step in self.steps:
            yield from (step.tool, step.what, step.words, step.output)
        for run in self.runs:
            yield from (run.worker, run.model)
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
