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
        disk_bytes: What the workspace took when it was measured last.
    """

    kind: Literal["ToolFinished"] = "ToolFinished"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    step: int
    call_id: str
    ok: bool
    output: str
    exit_code: int | None = None
    ended_by: Ending | None = None
    seconds: float = 0.0
    peak_rss_bytes: int = 0
    peak_processes: int = 0
    disk_bytes: int = 0


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


class HostAsked(Fact):
    """A tool call asked for connections to a host; those with the same outcome are one fact.

    Attributes:
        host: Empty where a request could not be read, and for the rest where there are too many to tell.
        port: 0 likewise.
        outcome: `failed` is a host that was allowed and not reached.
        address: What the last one was connected to.
        connections: How many there were.
        sent: Bytes that went to the host.
        received: Bytes that came from it.
        seconds: How long they lasted, added up.
        why: Of the last one that was refused, failed or was cut off, a sentence.
    """

    kind: Literal["HostAsked"] = "HostAsked"
    step: int
    call_id: str
    host: str = ""
    port: int = 0
    outcome: Literal["allowed", "refused", "failed"] = "allowed"
    address: str = ""
    connections: int = 0
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    why: str = ""

    def __add__(self, later: "HostAsked") -> "HostAsked":
        """Both together, as the later one calls them."""
        return later.model_copy(
            update={
                "address": later.address or self.address,
                "connections": self.connections + later.connections,
                "sent": self.sent + later.sent,
                "received": self.received + later.received,
                "seconds": self.seconds + later.seconds,
                "why": later.why or self.why,
            }
        )


class ApprovalAsked(Fact):
    """A tool call needs a person's word; the task waits for it.

    Attributes:
        approval: Its number: 17 is called A-17.
        digest: Of the exact call, see `bot.work.approvals.digest`.
        does: The call as people are shown it, whole.
        rule: Why it is asked, as a sentence.
        subjects: What the call acts on, as rules are compared with it.
        default: What holds for it where no rule is about it; None where that was not kept.
        approvers: Who may decide, by name; empty where any member may.
        addresses: Who is asked by email.
    """

    kind: Literal["ApprovalAsked"] = "ApprovalAsked"
    v: Literal[1, 2] = 2  # type: ignore[assignment]  # it reads the older one too
    approval: int
    step: int
    call: Call
    does: str
    digest: str
    rule: str
    subjects: tuple[str, ...] = ()
    default: Literal["allow", "ask", "deny"] | None = None
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
    """An approval is no longer asked: the task was stopped or goes another way, or the rules changed."""

    kind: Literal["ApprovalWithdrawn"] = "ApprovalWithdrawn"
    approval: int
    call_id: str
    why: str


class ApprovalReminded(Fact):
    """Nobody has answered for a while; whoever may is asked again."""

    kind: Literal["ApprovalReminded"] = "ApprovalReminded"
    approval: int
