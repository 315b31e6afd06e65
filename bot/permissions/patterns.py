r"""Patterns of rules: anchored, case-sensitive globs.

`*` stands for any characters, line ends and none at all included, `?` for exactly one, and `\` takes the
character after it as it is. An empty pattern stands for anything, as `*` does.
"""

import functools
import re
from enum import Enum

_WRITTEN = re.compile(r"([*?])|\\?(.)", re.DOTALL)


class _Wild(Enum):
    """What stands for characters that a pattern does not name."""

    MANY = "*"
    ONE = "?"


Token = str | _Wild


def _tokens(text: str) -> list[Token]:
    r"""A pattern in its parts: characters, and what stands for others; a `\` at the end is itself."""
    return [_Wild(wild) if wild else char for wild, char in _WRITTEN.findall(text or "*")]


class Pattern:
    """A pattern, ready to be compared with texts.

    Between two `*` stands a piece of fixed length. The leftmost place where a piece fits leaves the most room
    for those after it, so that each is looked for once and no choice is ever taken back: the time is at most
    the length of the text times that of the pattern.

    Attributes:
        literals: How many characters it names; the more, the more specific it is.
    """

    def __init__(self, text: str) -> None:
        tokens = _tokens(text)
        pieces: list[list[str]] = [[]]
        for token in tokens:
            if token is _Wild.MANY:
                pieces.append([])
            else:
                pieces[-1].append("." if token is _Wild.ONE else re.escape(token))
        self.literals = sum(isinstance(token, str) for token in tokens)
        self._pieces = [re.compile("".join(piece), re.DOTALL) for piece in pieces]
        self._last_length = len(pieces[-1])

    def matches(self, text: str) -> bool:
        """Whether it stands for this text, from its first character to its last."""
        first, *rest = self._pieces
        if not rest:
            return first.fullmatch(text) is not None
        *between, last = rest
        found = first.match(text)
        for piece in between:
            if found is None:
                return False
            found = piece.search(text, found.end())
        end = len(text) - self._last_length
        return found is not None and found.end() <= end and last.match(text, end) is not None


@functools.lru_cache(maxsize=1024)
def read(text: str) -> Pattern:
    """The pattern that is written like this."""
    return Pattern(text)


def overlap(one: str, other: str) -> bool:
    """Whether there is a text that both patterns stand for."""
    mine, theirs = _tokens(one), _tokens(other)
    # From the end on: `row[j]` is whether what is left of one pattern and `theirs[j:]` have a text in common.
    row = [all(token is _Wild.MANY for token in theirs[j:]) for j in range(len(theirs) + 1)]
    for token in reversed(mine):
        below = row
        row = [token is _Wild.MANY and below[-1]]
        for j in range(len(theirs) - 1, -1, -1):
            if _Wild.MANY in (token, theirs[j]):
                row.append(below[j] or row[-1])
            else:
                row.append(below[j + 1] and (_Wild.ONE in (token, theirs[j]) or token == theirs[j]))
        row.reverse()
    return row[0]
