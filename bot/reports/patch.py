"""The beginning of a patch, as people read it.

Its contents are those of hostile files. A line of a file stands behind a blank, a `+` or a `-`, so that none
can pass for a line of the patch itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.reports.report import Excerpt

MOST_LINES = 500
MOST_CHARS = 60_000
LINE_CHARS = 2_000

Kind = Literal["file", "note", "place", "same", "added", "removed"]

_FILE = "diff --git "
_KINDS: dict[str, Kind] = {"+": "added", "-": "removed", "\\": "note"}
_MODES = ("new file", "deleted file", "old mode", "new mode")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of it: what it is, and what it says."""

    kind: Kind
    text: str


def excerpt(patch: bytes) -> Excerpt:
    """The first lines of a patch, as text.

    Args:
        patch: As `git apply` reads it.
    """
    lines = patch.decode(errors="replace").removesuffix("\n").split("\n")
    room, kept = MOST_CHARS, []
    for line in lines[:MOST_LINES]:
        shown = line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + " …"
        room -= len(shown) + 1
        if room < 0:
            break
        kept.append(shown)
    return Excerpt("\n".join(kept), len(lines) - len(kept)) if patch else Excerpt()


def lines(text: str) -> Iterator[Line]:
    """The lines of a patch but those that only programs need, each file begun by its name."""
    inside = False
    for line in text.split("\n"):
        if line.startswith(_FILE):
            inside = False
            sides = line.removeprefix(_FILE)
            yield Line("file", sides[: (len(sides) - 1) // 2].replace("a/", "", 1))
        elif line.startswith("@@ "):
            inside = True
            yield Line("place", line)
        elif inside:
            yield Line(_KINDS.get(line[:1], "same"), line)
        elif line.startswith("#"):
            yield Line("note", line.removeprefix("# "))
        elif line.startswith(_MODES):
            yield Line("note", line)
