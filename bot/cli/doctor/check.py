"""What a look at one thing found."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bot.app.house import House

State = Literal["good", "warn", "bad", "off"]
SIGNS: dict[State, str] = {"good": "✓", "warn": "!", "bad": "✗", "off": "·"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: Whether it is as it should be; `warn` where it works and is not safe or not whole, `off` where
            it is not set up, which is no fault.
        found: What was seen.
        mend: What to do next; empty where all is well.
    """

    name: str
    state: State
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def line(self) -> str:
        """For people."""
        head = f"{SIGNS[self.state]} {self.name}: {self.found}"
        return f"{head}\n    → {self.mend}" if self.mend else head


Look = Callable[[House], Awaitable[Check]]
