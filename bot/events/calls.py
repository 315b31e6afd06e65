"""Facts about the calls that a model wants made, and about who lets them."""

from typing import Literal

from bot.events.base import Call, Ending, Fact


class ToolStarted(Fact):
    """A tool call is about to run; `does` is what people are shown of it.

    Attributes:
        approval: The approval that this call used up; 0 where none was needed.
    """

    kind: Literal["ToolStarted"] = "ToolStarted"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    step: int
    call: Call
    does: str
    approval: int = 0


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


class ToolRefused(Fact):
    """A tool call was not made, because a rule or a person said no; `why` is a sentence for the agent."""

    kind: Literal["ToolRefused"] = "ToolRefused"
    step: int
    call_id: str
    does: str
    why: str


class ToolInterrupted(Fact):
    """A tool call never ended, because its worker died or lost its lease; nobody knows how far it got."""

    kind: Literal["ToolInterrupted"] = "ToolInterrupted"
    step: int
    call_id: str


class ApprovalAsked(Fact):
    """A tool call needs a person's word; the task waits for it.

    Attributes:
        approval: Its number: 17 is called A-17.
        digest: Of the exact call, see `bot.work.approvals.digest`.
        does: The call as people are shown it, whole.
        rule: Why it is asked, as a sentence.
        approvers: Who may decide, by name; empty where any member may.
        addresses: Who is asked by email.
    """

    kind: Literal["ApprovalAsked"] = "ApprovalAsked"
    approval: int
    step: int
    call: Call
    does: str
    digest: str
    rule: str
    approvers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class ApprovalDecided(Fact):
    """The first answer to an approval; it counts.

    Attributes:
        note: The reason that was given; it reaches the agent.
    """

    kind: Literal["ApprovalDecided"] = "ApprovalDecided"
    approval: int
    call_id: str
    decision: Literal["approve", "deny"]
    by: str
    door: str
    note: str = ""


class ApprovalWithdrawn(Fact):
    """An approval is no longer asked: the task was stopped, or goes another way."""

    kind: Literal["ApprovalWithdrawn"] = "ApprovalWithdrawn"
    approval: int
    call_id: str
    why: str


class ApprovalReminded(Fact):
    """Nobody has answered for a while; whoever may is asked again."""

    kind: Literal["ApprovalReminded"] = "ApprovalReminded"
    approval: int
