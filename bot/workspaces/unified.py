"""Unified diffs of texts, as git writes them and `git apply` and `patch -p1` read them. Pure.

This file is also run as a script, in a process of its own: see `bot.workspaces.comparing`. It imports nothing
of the house, so that such a process is there at once.
"""

import json
import os
import resource
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

CONTEXT = 3  # lines around what changes
MOST_STEPS = 2_000_000  # of looking for the shortest diff of one file
ALL_STEPS = 8_000_000
_NICENESS = 10
_MEMORY = 1 << 30
_WITHOUT_END = b"\n\\ No newline at end of file\n"
_QUOTED = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_UNSEEN = ("\x7f", "\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\ufeff")
_TURNING = (("\x80", "\x9f"), ("\u202a", "\u202e"), ("\u2066", "\u2069"))

Change = tuple[int, int, int, int]  # lines from and to, before; from and to, afterwards


@dataclass(frozen=True, slots=True)
class Side:
    """A file before or afterwards."""

    text: bytes
    program: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """What became of one file.

    Attributes:
        patch: Its part of the patch.
        added: Lines.
        removed: Lines.
    """

    patch: bytes
    added: int
    removed: int


class Budget:
    """How much may still be done to find short diffs; without any, they are long."""

    def __init__(self, steps: int = ALL_STEPS) -> None:
        self.steps = steps

    def spend(self, steps: int) -> None:
        """So much was done."""
        self.steps -= steps


def section(path: bytes, old: Side | None, new: Side | None, budget: Budget) -> Section:
    """The part of a patch that is about one file.

    Args:
        path: Below the folder that the patch is for.
        old: The file before; None if there was none.
        new: Afterwards; None if there is none.
        budget: Is spent.
    """
    before, after = _lines(old.text if old else b""), _lines(new.text if new else b"")
    named, renamed = _named(b"a/" + path), _named(b"b/" + path)
    parts = [b"diff --git %s %s\n" % (named, renamed), *_modes(old, new)]
    changes = differing(before, after, budget)
    if changes:
        parts.append(b"--- %s\n" % (_closed(named) if old else b"/dev/null"))
        parts.append(b"+++ %s\n" % (_closed(renamed) if new else b"/dev/null"))
        parts += _hunks(before, after, changes)
    added = sum(end - begin for _, _, begin, end in changes)
    removed = sum(end - begin for begin, end, _, _ in changes)
    return Section(b"".join(parts), added, removed)


def differing(old: Sequence[bytes], new: Sequence[bytes], budget: Budget) -> list[Change]:
    """Where two texts differ, in order: as few lines as the budget allows to find (Myers, 1986).

    Without the budget, all from the first to the last line that differs is one place.
    """
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    numbers: dict[bytes, int] = {}
    a = [numbers.setdefault(line, len(numbers)) for line in old[first : len(old) - last]]
    b = [numbers.setdefault(line, len(numbers)) for line in new[first : len(new) - last]]
    if not a and not b:
        return []
    trace = _search(a, b, budget) if a and b else None
    if trace is None:
        return [(first, len(old) - last, first, len(new) - last)]
    shift = first
    return [(i + shift, j + shift, k + shift, m + shift) for i, j, k, m in _way(a, b, trace)]


def _search(a: list[int], b: list[int], budget: Budget) -> list["array[int]"] | None:
    """How far each diagonal reaches with 0, 1, 2 … lines that differ, up to the end; None if that is far."""
    most = min(budget.steps, MOST_STEPS)
    reach = {1: 0}
    trace: list[array[int]] = []
    done = 0
    for count in range(len(a) + len(b) + 1):
        trace.append(array("i", [reach.get(k, 0) for k in range(-count - 1, count + 2)]))
        done += count
        for k in range(-count, count + 1, 2):
            down = k == -count or (k != count and reach[k - 1] < reach[k + 1])
            x = start = reach[k + 1] if down else reach[k - 1] + 1
            while x < len(a) and 0 <= x - k < len(b) and a[x] == b[x - k]:
                x += 1
            done += 1 + x - start
            reach[k] = x
            if x >= len(a) and x - k >= len(b):
                budget.spend(done)
                return trace
        if done > most:
            budget.spend(done)
            return None
    return None


def _way(a: list[int], b: list[int], trace: list["array[int]"]) -> list[Change]:
    """The way back from the end, as places that differ."""
    changes: list[Change] = []
    x, y = len(a), len(b)
    for count in range(len(trace) - 1, 0, -1):
        reach, k = trace[count], x - y
        middle = count + 1
        down = k == -count or (k != count and reach[middle + k - 1] < reach[middle + k + 1])
        above = k + 1 if down else k - 1
        x = reach[middle + above]
        y = x - above
        i, j = (x, x) if down else (x, x + 1)
        m, n = (y, y + 1) if down else (y, y)
        if changes and changes[-1][0] == j and changes[-1][2] == n:
            changes[-1] = (i, changes[-1][1], m, changes[-1][3])
        else:
            changes.append((i, j, m, n))
    return changes[::-1]


def _hunks(old: list[bytes], new: list[bytes], changes: list[Change]) -> Iterator[bytes]:
    """The changes with the lines around them; those near each other together."""
    group: list[Change] = []
    for change in changes:
        if group and change[0] - group[-1][1] > 2 * CONTEXT:
            yield from _hunk(old, new, group)
            group = []
        group.append(change)
    yield from _hunk(old, new, group)


def _hunk(old: list[bytes], new: list[bytes], group: list[Change]) -> Iterator[bytes]:
    before = min(group[0][0], CONTEXT)
    after = min(len(old) - group[-1][1], CONTEXT)
    begin, end = group[0][0] - before, group[-1][1] + after
    begin_new, end_new = group[0][2] - before, group[-1][3] + after
    yield b"@@ -%s +%s @@\n" % (_range(begin, end), _range(begin_new, end_new))
    place = begin
    for i, j, m, n in group:
        yield from (_marked(b" ", line) for line in old[place:i])
        yield from (_marked(b"-", line) for line in old[i:j])
        yield from (_marked(b"+", line) for line in new[m:n])
        place = j
    yield from (_marked(b" ", line) for line in old[place:end])


def _range(begin: int, end: int) -> bytes:
    count = end - begin
    return b"%d,%d" % (begin + bool(count), count)


def _marked(mark: bytes, line: bytes) -> bytes:
    return mark + (line if line.endswith(b"\n") else line + _WITHOUT_END)


def _lines(text: bytes) -> list[bytes]:
    """Lines with their ends; a carriage return ends none."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _modes(old: Side | None, new: Side | None) -> list[bytes]:
    if old is None or new is None:
        verb, side = (b"new", new) if new else (b"deleted", old)
        return [b"%s file mode %s\n" % (verb, _mode(side))]
    if old.program != new.program:
        return [b"old mode %s\n" % _mode(old), b"new mode %s\n" % _mode(new)]
    return []


def _mode(side: Side | None) -> bytes:
    return b"100755" if side and side.program else b"100644"


def _named(path: bytes) -> bytes:
    """A path as git writes it: in quotes where something in it is no plain letter."""
    try:
        letters = path.decode()
    except UnicodeDecodeError:
        letters = ""
    if letters and not any(_is_special(letter) for letter in letters):
        return path
    return b'"%s"' % "".join(map(_escaped, path)).encode()


def _is_special(letter: str) -> bool:
    turning = any(first <= letter <= last for first, last in _TURNING)
    return letter < " " or letter in '"\\' or letter in _UNSEEN or turning


def _escaped(byte: int) -> str:
    if byte in _QUOTED:
        return "\\" + _QUOTED[byte]
    return chr(byte) if " " <= chr(byte) <= "~" else f"\\{byte:03o}"


def _closed(named: bytes) -> bytes:
    """A path at the end of a line: a tab says where it ends if it holds a space."""
    return named + b"\t" if b" " in named and not named.startswith(b'"') else named


def packed(told: list[list[int]], contents: Iterable[bytes]) -> bytes:
    """What the process is given, and answers: figures in a line, contents after it."""
    return b"".join((json.dumps(told).encode(), b"\n", *contents))


def main() -> None:
    """What the process does: files from standard input, sections to standard output."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    given, budget, made = sys.stdin.buffer, Budget(), []
    for path, old, old_program, new, new_program in json.loads(given.readline()):
        named = given.read(path)
        before = Side(given.read(old), bool(old_program)) if old >= 0 else None
        after = Side(given.read(new), bool(new_program)) if new >= 0 else None
        made.append(section(named, before, after, budget))
    told = [[len(one.patch), one.added, one.removed] for one in made]
    sys.stdout.buffer.write(packed(told, (one.patch for one in made)))


if __name__ == "__main__":
    main()
