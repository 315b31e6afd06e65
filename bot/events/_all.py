"""The facts that can be recorded about a task, past tense and frozen.

Stored bytes never change, so a fact that grows keeps reading its older versions: `v` is the version of
its format, and `tests/bot/test_events.py` holds bytes of every version ever written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Ending = Literal["timeout", "memory", "disk", "inodes", "output", "processes"]


class Fact(BaseModel):
    """What every fact has in common: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    v: Literal[1] = 1


class Call(BaseModel):
    """One tool call that a model asked for.

    Attributes:
        id: Names the call within its task; one that was interrupted and is made again keeps its name.
        tool: The tool's name.
        args: Its arguments, as the model gave them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    tool: str
    args: dict[str, Any]


class Change(BaseModel):
    """One file that differs between the workspace before and after the task.

    Attributes:
        path: Relative to the workspace.
        how: What happened to it.
        size: Bytes now; 0 where it was deleted.
        added: Lines added, where both sides are text.
        removed: Lines removed, where both sides are text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str
    how: Literal["added", "changed", "deleted"]
    size: int = 0
    added: int | None = None
    removed: int | None = None


class TaskOpened(Fact):
    """Someone gave an agent a task."""

    kind: Literal["TaskOpened"] = "TaskOpened"
    title: str
    text: str
    agent: str
    asked_by: str
    door: str


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
    """The model spoke: what it said, and which calls it wants."""

    kind: Literal["ModelTurned"] = "ModelTurned"
    step: int
    words: str = ""
    calls: tuple[Call, ...] = ()


class ToolStarted(Fact):
    """A tool call is about to run; `does` is what people are shown of it."""

    kind: Literal["ToolStarted"] = "ToolStarted"
    step: int
    call: Call
    does: str


class ToolFinished(Fact):
    """A tool call ended.

    Attributes:
        ok: Whether it did what it was asked (a command: exit code 0, within its limits).
        output: What it printed, cleaned, head and tail.
        exit_code: Of a command.
        ended_by: The limit that ended it.
        seconds: Wall time.
        peak_rss_bytes: Most memory of all its processes together.
        peak_processes: Most processes at once.
    """

    kind: Literal["ToolFinished"] = "ToolFinished"
    step: int
    call_id: str
    ok: bool
    output: str
    exit_code: int | None = None
    ended_by: Ending | None = None
    seconds: float = 0.0
    peak_rss_bytes: int = 0
    peak_processes: int = 0


class ToolInterrupted(Fact):
    """A tool call never ended, because its worker died or lost its lease; nobody knows how far it got."""

    kind: Literal["ToolInterrupted"] = "ToolInterrupted"
    step: int
    call_id: str


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
        purpose: `report` is the PDF of the whole task.
        media_type: As in a Content-Type header.
        size: Bytes.
        sha256: Of the bytes, in hex.
    """

    kind: Literal["ArtifactSaved"] = "ArtifactSaved"
    name: str
    purpose: Literal["report", "file"]
    media_type: str
    size: int
    sha256: str


class ReportFailed(Fact):
    """The PDF of the task could not be drawn; people get the result without it."""

    kind: Literal["ReportFailed"] = "ReportFailed"
    why: str


class DeliveryAbandoned(Fact):
    """A far end refused a message for good; it is kept with the dead letters. A fact of the house."""

    kind: Literal["DeliveryAbandoned"] = "DeliveryAbandoned"
    task: str
    outlet: str
    address: str
    seq: int
    why: str


AnyFact = Annotated[
    TaskOpened
    | RunStarted
    | ModelTurned
    | ToolStarted
    | ToolFinished
    | ToolInterrupted
    | TaskFinished
    | TaskFailed
    | TaskCancelled
    | ArtifactSaved
    | ReportFailed
    | DeliveryAbandoned,
    Field(discriminator="kind"),
]
Ended = TaskFinished | TaskFailed | TaskCancelled


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded fact.

    Attributes:
        seq: Its place in its stream, counted from 1 without gaps.
        at: When it was recorded, in UTC.
        actor: Who or what caused it, as people are shown it.
        fact: What happened.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    seq: int
    at: datetime
    actor: str
    fact: AnyFact


_events: TypeAdapter[Event] = TypeAdapter(Event)


def encode(event: Event) -> bytes:
    """The bytes that are stored and chained."""
    return _events.dump_json(event)


def decode(body: bytes) -> Event:
    """Read stored bytes of any version.

    Raises:
        pydantic.ValidationError: The bytes are no known event.
    """
    return _events.validate_json(body)
