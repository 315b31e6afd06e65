"""The union of all facts, and the stored form of what happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter

from bot.events.calls import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    HostAsked,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
)
from bot.events.house import (
    AgentChanged,
    ChannelChanged,
    DeliveryAbandoned,
    LetterQuarantined,
    PersonLinked,
    PolicyReset,
    PolicySet,
    RoleChanged,
)
from bot.events.work import (
    ArtifactSaved,
    InstructionGiven,
    MailAsked,
    ModelTurned,
    PlanUpdated,
    QuestionAsked,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
    WordsCame,
)

AnyFact = Annotated[
    TaskOpened
    | RunStarted
    | ModelTurned
    | InstructionGiven
    | QuestionAsked
    | PlanUpdated
    | MailAsked
    | TaskRetried
    | TaskPaused
    | TaskResumed
    | WordsCame
    | TaskReassigned
    | TaskFinished
    | TaskFailed
    | TaskCancelled
    | ArtifactSaved
    | ReportFailed
    | ToolStarted
    | ToolFinished
    | ToolRefused
    | ToolInterrupted
    | HostAsked
    | ApprovalAsked
    | ApprovalDecided
    | ApprovalWithdrawn
    | ApprovalReminded
    | DeliveryAbandoned
    | PolicySet
    | PolicyReset
    | AgentChanged
    | ChannelChanged
    | PersonLinked
    | RoleChanged
    | LetterQuarantined,
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
