"""Facts about a task: opened, run, told, ended, reported on."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.events.base import Call, Change, Fact, Said, Usage


class TaskOpened(Fact):
    """Someone gave an agent a task; `context` is what was said last where it was asked."""

    kind: Literal["TaskOpened"] = "TaskOpened"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    title: str
    text: str
    agent: str
    asked_by: str
    door: str
    context: tuple[Said, ...] = ()


class RunStarted(Fact):
    """A worker claimed the task, the first or another one after it.

    Attributes:
        attempt: Counts from 1; grows where the worker before was lost, not where it handed over in order.
        worker: Who claimed it.
        model: What decides on the steps, as `provider:model`.
    """

    kind: Literal["RunStarted"] = "RunStarted"
    attempt: int
    worker: str
    model: str


class ModelTurned(Fact):
    """The model spoke: what it said, and which calls it wants.

    Attributes:
        heeded: The last event that it knew of; what people said after that comes after its turn. 0 is all.
        model: Which one it was, as `provider:model`.
        usage: What the turn used.
        wire: The message as the provider sent it, so that its history can be told again exactly.
    """

    kind: Literal["ModelTurned"] = "ModelTurned"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    step: int
    words: str = ""
    calls: tuple[Call, ...] = ()
    heeded: int = 0
    model: str = ""
    usage: Usage | None = None
    wire: dict[str, Any] | None = None


class WordsCame(Fact):
    """The model is still speaking; these are the last of its words so far. Its turn will hold all of them."""

    kind: Literal["WordsCame"] = "WordsCame"
    step: int
    words: str


class InstructionGiven(Fact):
    """A person told the agent something.

    Attributes:
        answers: The call whose question this answers; empty where it answers none.
        commands: Whether its author may have the agent run commands, as the blocks of a runbook are.
        person: Its author's number; 0 where it was not kept.
    """

    kind: Literal["InstructionGiven"] = "InstructionGiven"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    text: str
    by: str
    door: str
    answers: str = ""
    commands: bool = False
    person: int = 0


class QuestionAsked(Fact):
    """The agent asks the task's people something, and waits for what they say.

    Attributes:
        call_id: The call that asks; the answer is its result.
        options: Answers to choose from; another may be given all the same.
    """

    kind: Literal["QuestionAsked"] = "QuestionAsked"
    step: int
    call_id: str
    text: str
    options: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """What answers name it by: `3.2` is the second call of step 3; a step of one call is its number."""
        return self.call_id if "." in self.call_id else str(self.step)


class TaskRetried(Fact):
    """A task that was over begins anew, in the same workspace; `person` is who wanted it, 0 if not kept."""

    kind: Literal["TaskRetried"] = "TaskRetried"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    by: str
    person: int = 0


class TaskPaused(Fact):
    """A person wants the task to rest after the call that is under way."""

    kind: Literal["TaskPaused"] = "TaskPaused"
    by: str


class TaskResumed(Fact):
    """A person lets a paused task go on."""

    kind: Literal["TaskResumed"] = "TaskResumed"
    by: str


class TaskReassigned(Fact):
    """Another agent goes on with the task."""

    kind: Literal["TaskReassigned"] = "TaskReassigned"
    agent: str
    by: str


class TaskFinished(Fact):
    """The agent did what it was asked; `changes` is cut to the first ones where `more_changes` is not 0."""

    kind: Literal["TaskFinished"] = "TaskFinished"
    summary: str
    changes: tuple[Change, ...] = ()
    more_changes: int = 0


class TaskFailed(Fact):
    """The task ended without doing what it was asked; `reason` is a sentence that says what to do next."""

    kind: Literal["TaskFailed"] = "TaskFailed"
    reason: str
    changes: tuple[Change, ...] = ()
    more_changes: int = 0


class TaskCancelled(Fact):
    """A person stopped the task."""

    kind: Literal["TaskCancelled"] = "TaskCancelled"
    by: str


class ArtifactSaved(Fact):
    """A file of the task was kept.

    Attributes:
        name: As people see it; unique within the task.
        purpose: `report` is the PDF of the whole task, `diff` a patch of the files that it changed.
        media_type: As in a Content-Type header.
        size: Bytes.
        sha256: Of the bytes, in hex.
    """

    kind: Literal["ArtifactSaved"] = "ArtifactSaved"
    name: str
    purpose: Literal["report", "diff", "file"]
    media_type: str
    size: int
    sha256: str


class ReportFailed(Fact):
    """The PDF of the task could not be drawn; people get the result without it."""

    kind: Literal["ReportFailed"] = "ReportFailed"
    why: str


class PlanItem(BaseModel):
    """One part of a plan, and how it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    state: Literal["todo", "doing", "done"]


class PlanUpdated(Fact):
    """The agent says what it is going to do, and how far it is; the last plan is the one that holds."""

    kind: Literal["PlanUpdated"] = "PlanUpdated"
    items: tuple[PlanItem, ...]


class MailAsked(Fact):
    """The agent wrote a mail, which is sent as soon as the far end takes it.

    Attributes:
        to: Addresses.
        text: In Markdown.
    """

    kind: Literal["MailAsked"] = "MailAsked"
    to: tuple[str, ...]
    subject: str
    text: str
