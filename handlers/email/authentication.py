"""What our own mail server found out about a letter's sender (RFC 8601, RFC 7489)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from handlers.email.headers import uncommented

Verdict = Literal["pass", "fail", "none"]

_MOST_CHARS = 16_000
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|([=;/])|([^\s"()=;/\\]+)|(\s+)|.', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_VERSION = "1"
_PROPERTY = "header.from"


@dataclass(frozen=True, slots=True)
class _Word:
    """A token, a quoted string, or one of the marks that part them (quoted strings are never marks)."""

    value: str
    mark: bool = False


def dmarc(results: Sequence[str], sender: str, authserv_id: str) -> Verdict:
    """Whether the domain that a letter says it is from let it be sent.

    Only the topmost header counts, and only where our own server wrote it: whatever lies below may have come
    with the letter.

    Args:
        results: The values of Authentication-Results, topmost first.
        sender: The address in From.
        authserv_id: The name that our server signs its results with; empty where none does.

    Returns:
        `pass` where DMARC passed for the domain of this very address; `fail` where it did not, or another
        domain is named; `none` where our server says nothing of it, or it cannot be read.
    """
    domain = sender.rpartition("@")[2].lower()
    if not results or not domain or not authserv_id or len(results[0]) > _MOST_CHARS:
        return "none"
    words = _words(results[0])
    first, *statements = _split(words) if words else [[]]
    if not first or first[0].mark or first[0].value.lower() != authserv_id.lower():
        return "none"
    if len(first) > 1 and [word.value for word in first[1:]] != [_VERSION]:
        return "none"
    verdicts = {verdict for verdict in (_verdict(statement, domain) for statement in statements) if verdict}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} else "none"


def _words(value: str) -> list[_Word]:
    """The words of a value without comments; empty where quotes or comments stay open."""
    written, ended = uncommented(value)
    found: list[_Word] = []
    glued = False  # to the word before: `"a b"@example.org` is one
    for piece in _PIECE.finditer(written if ended else ""):
        quoted, mark, token, space = piece.groups()
        if space:
            glued = False
        elif mark:
            found.append(_Word(mark, mark=True))
            glued = False
        elif token is None and quoted is None:
            return []
        else:
            word = token if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
            found.append(_Word(found.pop().value + word if glued else word))
            glued = True
    return found


def _split(words: list[_Word]) -> list[list[_Word]]:
    """The statements between semicolons."""
    statements: list[list[_Word]] = [[]]
    for word in words:
        if word == _Word(";", mark=True):
            statements.append([])
        else:
            statements[-1].append(word)
    return statements


def _verdict(statement: list[_Word], domain: str) -> Verdict | None:
    """What one statement says of DMARC, None where it speaks of something else."""
    if not statement or statement[0].mark or statement[0].value.lower() != "dmarc":
        return None
    pairs = _pairs(statement)
    if pairs is None:
        return "none"
    (_, result), *properties = pairs
    named = [value.rpartition("@")[2].lower() for name, value in properties if name == _PROPERTY]
    if any(one != domain for one in named):
        return "fail"
    known: dict[str, Verdict] = {"pass": "pass", "fail": "fail"}
    return known.get(result.lower(), "none")


def _pairs(statement: list[_Word]) -> list[tuple[str, str]] | None:
    """`name=value` of a statement, its method first; None where it is otherwise made."""
    words = list(statement)
    if len(words) > 1 and words[1] == _Word("/", mark=True):
        if len(words) < 3 or words[2].value != _VERSION:  # noqa: PLR2004  # method, slash, version
            return None
        del words[1:3]
    pairs: list[tuple[str, str]] = []
    while words:
        if len(words) < 3 or words[0].mark or words[1] != _Word("=", mark=True) or words[2].mark:  # noqa: PLR2004  # name=value
            return None
        name = words[0].value.lower()
        value = words[2].value
        del words[:3]
        while words[:1] == [_Word("/", mark=True)]:  # a slash in a value, as in `policy.x=a/b`
            value += "/" + "".join(word.value for word in words[1:2])
            del words[:2]
        pairs.append((name, value))
    return pairs
