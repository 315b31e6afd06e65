"""Facts about the house: policies, people, agents, channels, letters and dead letters."""

from datetime import datetime
from typing import Literal

from bot.events.base import Fact


class DeliveryAbandoned(Fact):
    """A far end refused a message for good; it is kept with the dead letters. A fact of the house."""

    kind: Literal["DeliveryAbandoned"] = "DeliveryAbandoned"
    task: str
    outlet: str
    address: str
    seq: int
    why: str


class PolicySet(Fact):
    """An admin said what agents may do with a tool; an empty agent, tool or pattern is any. Of the house."""

    kind: Literal["PolicySet"] = "PolicySet"
    agent: str
    tool: str
    pattern: str
    effect: Literal["allow", "ask", "deny"]
    by: str
    until: datetime | None = None


class PolicyReset(Fact):
    """The rules that admins had set for an agent, or for all, are gone. A fact of the house."""

    kind: Literal["PolicyReset"] = "PolicyReset"
    agent: str
    tool: str
    removed: int
    by: str


class AgentChanged(Fact):
    """An agent was made or changed; `what` is a sentence. A fact of the house."""

    kind: Literal["AgentChanged"] = "AgentChanged"
    agent: str
    what: str
    by: str


class ChannelChanged(Fact):
    """What holds for a discussion was changed; `what` is a sentence. A fact of the house."""

    kind: Literal["ChannelChanged"] = "ChannelChanged"
    place: str
    what: str
    by: str


class PersonLinked(Fact):
    """A person is known by one more identity. A fact of the house.

    Attributes:
        how: `code` where they proved it themselves, `admin` where an admin vouched.
    """

    kind: Literal["PersonLinked"] = "PersonLinked"
    person: str
    identity: str
    how: Literal["code", "admin"]
    by: str


class RoleChanged(Fact):
    """A person's role was changed. A fact of the house."""

    kind: Literal["RoleChanged"] = "RoleChanged"
    person: str
    role: str
    by: str


class LetterQuarantined(Fact):
    """A mail was kept and not acted on; `why` is a sentence. A fact of the house."""

    kind: Literal["LetterQuarantined"] = "LetterQuarantined"
    letter: int
    sender: str
    why: str
