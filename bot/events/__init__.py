"""The facts that can be recorded about a task, past tense and frozen.

Stored bytes never change, so a fact that grows keeps reading its older versions: `v` is the version of
its format, and `tests/bot/test_events.py` holds bytes of every version ever written.
"""

from bot.events.base import (
    Call,
    Change,
    Ending,
    Fact,
    Said,
)
from bot.events.calls import (
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
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
from bot.events.log import (
    AnyFact,
    Ended,
    Event,
    decode,
    encode,
)
from bot.events.work import (
    ArtifactSaved,
    InstructionGiven,
    ModelTurned,
    QuestionAsked,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskReassigned,
    TaskRetried,
)

__all__ = [
    "AgentChanged",
    "AnyFact",
    "ApprovalAsked",
    "ApprovalDecided",
    "ApprovalReminded",
    "ApprovalWithdrawn",
    "ArtifactSaved",
    "Call",
    "Change",
    "ChannelChanged",
    "DeliveryAbandoned",
    "Ended",
    "Ending",
    "Event",
    "Fact",
    "InstructionGiven",
    "LetterQuarantined",
    "ModelTurned",
    "PersonLinked",
    "PolicyReset",
    "PolicySet",
    "QuestionAsked",
    "ReportFailed",
    "RoleChanged",
    "RunStarted",
    "Said",
    "TaskCancelled",
    "TaskFailed",
    "TaskFinished",
    "TaskOpened",
    "TaskReassigned",
    "TaskRetried",
    "ToolFinished",
    "ToolInterrupted",
    "ToolRefused",
    "ToolStarted",
    "decode",
    "encode",
]
