"""What a command answers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, for people and for machines.

    Attributes:
        text: Markdown for people.
        data: The same facts as JSON-ready values, for programs.
        ok: False where the command was not carried out; the text says why.
        shown: The task's own views show what was done: a door that is one of them need not repeat it.
    """

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    ok: bool = True
    shown: bool = False
