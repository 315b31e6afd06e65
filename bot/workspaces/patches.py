"""Unified diffs, as `diff -u` and git write them, read and applied to texts. Pure.

Models count lines badly, so a hunk is found by its lines: where it says it is, or else at the one other place
where they stand. The lines themselves have to be exact. See POSIX diff(1), "Diff -u Output Format".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.errors import UserMistake
from bot.workspaces.names import inside

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_NOTHING = "/dev/null"


@dataclass(slots=True)
class Hunk:
    """One place of a file: the lines that stand there, and those that shall.

    Attributes:
        line: Where it says it is, from 1.
        old: Lines without their ends.
        new: The same.
        ends: Whether the text ends with a line end afterwards, where the patch says that.
    """

    line: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    ends: bool | None = None


@dataclass(slots=True)
class Section:
    """What becomes of one file.

    Attributes:
        old: Its path before; empty where it is new.
        new: Its path afterwards; empty where it is deleted.
        hunks: What changes in it.
    """

    old: str = ""
    new: str = ""
    hunks: list[Hunk] = field(default_factory=list)


def parse(patch: str) -> list[Section]:
    """Read a patch.

    Raises:
        UserMistake: It is none, or none that can be applied to texts below a workspace.
    """
    reading = _Reading()
    lines = patch.replace("\r\n", "\n").removesuffix("\n").split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        reading.take(line, following)
    if not reading.sections:
        raise UserMistake(
            "This is no unified diff: it needs the lines `--- a/FILE`, `+++ b/FILE` and `@@ -1,2 +1,3 @@`."
        )
    return reading.sections


def apply(section: Section, text: str) -> str:
    """A text with the hunks of its section applied.

    Raises:
        UserMistake: A hunk fits nowhere, or at several places.
    """
    lines, ends = text.removesuffix("\n").split("\n") if text else [], text.endswith("\n") or not text
    shift = 0
    for number, hunk in enumerate(section.hunks, 1):
        expected = (max(hunk.line - 1, 0) if hunk.old else hunk.line) + shift
        place = _place(lines, hunk, expected, f"Hunk {number} of {section.new or section.old}")
        shift += place - expected + len(hunk.new) - len(hunk.old)
        lines[place : place + len(hunk.old)] = hunk.new
        ends = ends if hunk.ends is None else hunk.ends
    return "\n".join(lines) + ("\n" if lines and ends else "")


def _place(lines: list[str], hunk: Hunk, expected: int, called: str) -> int:
    """Where a hunk begins, counted from 0."""
    if not hunk.old:
        return min(expected, len(lines))
    if expected >= 0 and lines[expected : expected + len(hunk.old)] == hunk.old:
        return expected
    body, sought = _framed(lines), _framed(hunk.old)
    found = body.find(sought)
    if found < 0:
        missing = next((line for line in hunk.old if line not in lines), None)
        why = (
            f"its line {missing[:200]!r} is not there" if missing is not None else "its lines do not stand so"
        )
        raise UserMistake(f"{called} fits nowhere: {why}. Nothing was changed. Read the file, and try again.")
    if body.find(sought, found + 1) >= 0:
        raise UserMistake(
            f"{called} fits at several places. Nothing was changed. Give it more lines around what changes."
        )
    return body.count("\n", 0, found)


def _framed(lines: Iterable[str]) -> str:
    return "\n" + "\n".join(lines) + "\n"


class _Reading:
    """What has been read of a patch so far."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._old_left = self._new_left = 0
        self._last = ""
        self._from = ""

    def take(self, line: str, following: str) -> None:
        """Read a line; the one that follows it tells a header from a line that is removed."""
        hunk = self.sections[-1].hunks[-1] if self.sections and self.sections[-1].hunks else None
        if hunk and line.startswith("\\"):
            hunk.ends = False if self._last != "-" else (True if hunk.ends is None else hunk.ends)
        elif hunk and self._goes_on(line, following):
            self._add(hunk, line)
        else:
            self._head(line, following)

    def _goes_on(self, line: str, following: str) -> bool:
        """Whether a line belongs to the hunk; where its counts are wrong, the look of the line decides."""
        if self._old_left > 0 or self._new_left > 0:
            return not line.startswith(("@@ -", "diff --git "))
        header = line.startswith("--- ") and following.startswith("+++ ")
        return line[:1] in ("+", "-", " ") and not header and line != "-- "

    def _add(self, hunk: Hunk, line: str) -> None:
        self._last = line[:1] or " "  # an empty line lost its space on the way
        if self._last in " -":
            hunk.old.append(line[1:])
            self._old_left -= 1
        if self._last in " +":
            hunk.new.append(line[1:])
            self._new_left -= 1
        if self._last not in " +-":
            raise UserMistake(
                f"The patch has the line {line[:200]!r} where one with ` `, `+` or `-` has to be."
            )

    def _head(self, line: str, following: str) -> None:
        if line.startswith("--- ") and following.startswith("+++ "):
            old, new = _paths(line[4:], following[4:])
            last = self.sections[-1] if self.sections else None
            if (
                last is None or last.hunks or (last.old, last.new) != (old, new)
            ):  # unless it was renamed above
                self.sections.append(Section(old, new))
        elif found := _HUNK.match(line):
            if not self.sections:
                raise UserMistake("The patch names no file before its first `@@`: begin it with --- and +++.")
            self._old_left, self._new_left = (int(count or 1) for count in found.group(2, 3))
            self.sections[-1].hunks.append(Hunk(int(found[1])))
        elif line.startswith("rename from "):
            self._from = line.removeprefix("rename from ")
        elif line.startswith("rename to "):
            self.sections.append(Section(inside(self._from), inside(line.removeprefix("rename to "))))
        elif line.startswith(("GIT binary patch", "Binary files ")):
            raise UserMistake("The patch changes a binary file: write that one in the terminal.")


def _paths(old: str, new: str) -> tuple[str, str]:
    """The paths of a header, without the `a/` and `b/` that git puts before them."""
    old, new = (path.partition("\t")[0].rstrip() for path in (old, new))
    prefixed = old.startswith(("a/", _NOTHING)) and new.startswith(("b/", _NOTHING))
    if old == new == _NOTHING:
        raise UserMistake("The patch has a file that is /dev/null before and afterwards: name one of them.")
    named = (
        "" if path == _NOTHING else inside(path.removeprefix(side) if prefixed else path)
        for path, side in ((old, "a/"), (new, "b/"))
    )
    before, after = named
    return before, after
