"""Who acts, and through which door."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person may do; each role includes the ones before it."""

    STAKEHOLDER = "stakeholder"
    MEMBER = "member"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether someone with this role may do what `other` may do."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Door(StrEnum):
    """The ways into the house."""

    SLACK = "slack"
    EMAIL = "email"
    HTTP = "http"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Actor:
    """A known person.

    Attributes:
        id: Row id of the person.
        name: What others are shown.
        role: What they may do.
    """

    id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, so that results can go back there.

    Attributes:
        door: Which door it came through.
        place: The address of the discussion there: a Slack channel id; empty where there is none.
        private: The discussion is not open to the whole team.
        thread: What was said there, if the call answers it: a Slack timestamp; empty where it stands alone.
        vouched: The door knows for sure who acts; of a mail only where our own server vouches for its sender.
    """

    door: Door
    place: str = ""
    private: bool = False
    thread: str = ""
    vouched: bool = True
