"""The parts of a report, each as people see it: runs, steps, approvals, questions, what was said and used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.events import Ending, Usage

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
        peak_processes: Most processes at once; 0 where they were not counted.
        disk_bytes: What the workspace took; 0 where that was not measured.
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
    peak_processes: int = 0
    disk_bytes: int = 0
    attempts: int = 1
    earlier: tuple[Span, ...] = ()
    approval: ApprovalView | None = None
    question: QuestionView | None = None

    @property
    def label(self) -> str:
        """What it does in one line."""
        return label_of(self.what) or self.tool


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of a model that used something.

    Attributes:
        model: Which one it was.
        usage: What it used.
    """

    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class SpentView:
    """What one model used in all its turns.

    Attributes:
        model: Which one.
        turns: How many it took.
        usage: All together; its cost is None where that of a turn is not known.
    """

    model: str
    turns: int
    usage: Usage
