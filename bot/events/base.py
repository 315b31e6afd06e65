"""What every fact has in common, and what several of them hold."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Ending = Literal["timeout", "memory", "disk", "inodes", "output", "processes"]


class Fact(BaseModel):
    """What every fact has in common: frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    v: Literal[1] = 1


# The one argument of a call whose arguments were no JSON object: what the model gave instead.
UNREADABLE = "unreadable"


class Call(BaseModel):
    """One tool call that a model asked for.

    Attributes:
        id: Names the call within its task; one that was interrupted and is made again keeps its name.
        tool: The tool's name.
        args: Its arguments, as the model gave them; where they could not be read, `UNREADABLE` holds them.
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


class Said(BaseModel):
    """One thing that was said in a discussion; to an agent it is data, and nobody vouches for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    author: str
    text: str
    at: datetime


class Usage(BaseModel):
    """What one turn of a model used.

    Attributes:
        read: Tokens that it read, those of its provider's cache included.
        cached: How many of them came out of that cache.
        stored: How many of them were put into it.
        written: Tokens that it wrote, those of its thoughts included.
        usd: What that cost, in US dollars; None where no price is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    read: int = 0
    cached: int = 0
    stored: int = 0
    written: int = 0
    usd: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """What both used; what they cost is unknown where one's cost is."""
        return Usage(
            read=self.read + other.read,
            cached=self.cached + other.cached,
            stored=self.stored + other.stored,
            written=self.written + other.written,
            usd=None if self.usd is None or other.usd is None else self.usd + other.usd,
        )
