"""What a person wrote in an answer, parted from what their mail program put around it.

First each line is told what it is, then the sequence of kinds decides. Work is linear in the length of the
text: every line is looked at a bounded number of times, through a bounded window.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from bot.reply_marker import MARKER
from handlers.email import quotes, signatures

# A rule of three dashes with this much text below it parts a text; a signature is shorter.
_LONGER_THAN_A_SIGNATURE = 8
# A quoted line this long may have been wrapped by the program that sent it on, its rest left without a mark.
_WRAPPED_AT = 50
_TEXT_QUOTE_TEXT = 3
_A_FAREWELL = 6
_SHORTEST_SIGN = 2  # characters: `--`
# How many lines of one body may be tried for an attribution: a letter has a few, a trap has thousands.
_MOST_LOOKS = 500

_LINE_END = re.compile(r"\r\n?|[\u2028\u2029]")
_OTHER_QUOTE = re.compile(r"\s*([A-Za-z]{1,16}[>|])")
_SIGNED = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----[^\S\n]*\n(?:[A-Z][A-Za-z-]{0,20}: ?[^\n]{0,80}\n){0,4}[^\S\n]*\n?"
)
_LINK_ALONE = re.compile(r"\W{0,4}https?://\S+[\s>]*")
_ARMOUR = "-----BEGIN PGP SIGNATURE-----"


class Kind(StrEnum):
    """What a line is."""

    EMPTY = "e"
    TEXT = "t"
    QUOTE = "q"
    ATTRIBUTION = "a"
    BLOCK = "b"
    DEVICE = "d"
    SIGNATURE = "s"


@dataclass(frozen=True, slots=True)
class Visible:
    """A body, parted.

    Attributes:
        text: What the person wrote.
        elided: The rest: quotes, signatures, footers.
    """

    text: str
    elided: str


def visible(body: str) -> Visible:
    """Part what was written from what was quoted, signed and added."""
    lines = _lines(body)
    kinds = _kinds(lines)
    kept = _kept(kinds)
    return Visible(_joined(lines, kept, wanted=True), _joined(lines, kept, wanted=False))


def _lines(body: str) -> list[str]:
    text = _LINE_END.sub("\n", body.replace("\0", "").removeprefix("\ufeff"))
    text = _SIGNED.sub("", text, count=1) if text.lstrip().startswith("-----BEGIN PGP SIGNED") else text
    return [line.rstrip() for line in quotes.parted_from_answers(text).split("\n")]


def _joined(lines: Sequence[str], kept: Sequence[bool], *, wanted: bool) -> str:
    return "\n".join(line for line, keep in zip(lines, kept, strict=True) if keep is wanted).strip()


def _kinds(lines: Sequence[str]) -> list[Kind]:
    """What each line is, by itself and its neighbours."""
    kinds = [_quoted_or_not(line) for line in lines]
    _join_wrapped_quotes(lines, kinds)
    _find_other_quotes(lines, kinds)
    named = quotes.fields(lines)
    fenced = _fenced(lines)
    index = free = 0  # `free` is the first line that no attribution has taken
    looks = 0
    while index < len(lines):
        begun = index
        index += 1
        if begun in fenced:
            kinds[begun] = Kind.TEXT
            continue
        if len(lines[begun]) < _SHORTEST_SIGN or not _may_be_sign(lines, kinds, begun):
            continue
        if quotes.is_forwarded(lines[begun]):
            kinds[begun:] = [kind if kind is Kind.EMPTY else Kind.TEXT for kind in kinds[begun:]]
            break
        first = end = None
        if looks < _MOST_LOOKS and (named[begun] or quotes.may_end(lines[begun])):
            looks += 1
            first = quotes.attribution(lines, begun, free)
            end = None if first is not None else quotes.block(lines, named, begun)
        if first is not None:
            kinds[first:index] = [Kind.ATTRIBUTION] * (index - first)
            free = index
        elif end is not None or quotes.is_original(lines[begun]):
            end = end or next((at for at in range(index, len(lines)) if not named[at]), len(lines))
            kinds[begun:end] = [Kind.BLOCK] * (end - begun)
            free = index = end
        else:
            kinds[begun] = _signed_or_not(lines, kinds, begun)
    return kinds


def _quoted_or_not(line: str) -> Kind:
    if not line:
        return Kind.EMPTY
    if MARKER in line:
        return Kind.SIGNATURE
    return Kind.QUOTE if line.lstrip()[0] == ">" else Kind.TEXT


def _may_be_sign(lines: Sequence[str], kinds: Sequence[Kind], index: int) -> bool:
    """Whether a line is worth a look: all but quotes, of which some are the rest of an attribution."""
    if kinds[index] is not Kind.QUOTE:
        return kinds[index] is Kind.TEXT
    return (
        index > 0 and kinds[index - 1] is Kind.TEXT and quotes.is_broken_end(lines[index], lines[index - 1])
    )


def _join_wrapped_quotes(lines: Sequence[str], kinds: list[Kind]) -> None:
    """The rest of a quoted line that was wrapped on the way is a quote, too."""
    for index in range(1, len(lines) - 1):
        if kinds[index] is Kind.TEXT and kinds[index - 1] is kinds[index + 1] is Kind.QUOTE:
            before = lines[index - 1]
            wrapped = len(before) >= _WRAPPED_AT and before[-1] not in ".?!:"
            if wrapped or _LINK_ALONE.fullmatch(lines[index]):
                kinds[index] = Kind.QUOTE


def _find_other_quotes(lines: Sequence[str], kinds: list[Kind]) -> None:
    """Lines that follow each other with the same mark (`Name> `) are quotes, where no `>` stands first."""
    marks = [
        _OTHER_QUOTE.match(line) if kind is Kind.TEXT and (">" in line or "|" in line) else None
        for line, kind in zip(lines, kinds, strict=True)
    ]
    for index in range(1, len(lines)):
        here, before = marks[index], marks[index - 1]
        if here and before and here[1] == before[1]:
            kinds[index - 1] = kinds[index] = Kind.QUOTE


def _fenced(lines: Sequence[str]) -> frozenset[int]:
    """The lines in closed code fences: nothing in them is looked at."""
    fences = [index for index, line in enumerate(lines) if line.startswith("```")]
    pairs = zip(fences[::2], fences[1::2], strict=False)
    return frozenset(index for start, end in pairs for index in range(start, end + 1))


def _signed_or_not(lines: Sequence[str], kinds: Sequence[Kind], index: int) -> Kind:
    line = lines[index]
    if signatures.is_device(line):
        return Kind.DEVICE
    if signatures.is_notice(line) or line.startswith(_ARMOUR):
        return Kind.SIGNATURE
    if signatures.is_rule(line) and not _parts_text(lines, kinds, index):
        return Kind.SIGNATURE
    return Kind.TEXT


def _parts_text(lines: Sequence[str], kinds: Sequence[Kind], index: int) -> bool:
    """Whether a rule belongs to the text: below a heading, or between two parts of a longer text."""
    above = kinds[index - 1] if index else Kind.EMPTY
    if above is Kind.TEXT and lines[index].strip("= ") == "":
        return True
    if above is not Kind.EMPTY or not signatures.is_markdown_rule(lines[index]):
        return False
    following = kinds[index + 1 : index + 1 + 3 * _LONGER_THAN_A_SIGNATURE]
    return following[:1] == [Kind.EMPTY] and following.count(Kind.TEXT) >= _LONGER_THAN_A_SIGNATURE


def _kept(kinds: Sequence[Kind]) -> list[bool]:
    """Which lines are the person's words, or quotes that they answer line by line."""
    end = _end(kinds)
    answered = _answered_quotes(kinds[:end])
    return [
        index < end and (kind is Kind.TEXT or kind is Kind.EMPTY or index in answered)
        for index, kind in enumerate(kinds)
    ]


def _end(kinds: Sequence[Kind]) -> int:
    """Where the person's words end: nothing from here on is theirs."""
    said = False
    last_answered = _last_answered(kinds)
    for index, kind in enumerate(kinds):
        if kind is Kind.TEXT:
            said = True
        elif said and (kind is Kind.SIGNATURE or (kind is Kind.DEVICE and last_answered < index)):
            return index
        elif (kind is Kind.ATTRIBUTION or kind is Kind.BLOCK) and kinds[index + 1 : index + 2] != [kind]:
            follows = next((after for after in kinds[index + 1 :] if after is not Kind.EMPTY), None)
            if follows is not Kind.QUOTE and (said or kind is Kind.BLOCK):
                return index
    return len(kinds)


def _last_answered(kinds: Sequence[Kind]) -> int:
    """The index of the last quote with text below it, -1 where there is none."""
    below = False
    for index in range(len(kinds) - 1, -1, -1):
        if kinds[index] is Kind.TEXT:
            below = True
        elif below and kinds[index] is Kind.QUOTE:
            return index
    return -1


def _answered_quotes(kinds: Sequence[Kind]) -> frozenset[int]:
    """The quotes without which the text between and below them would make no sense.

    One quote with its attribution, above an answer, is only repeated; several with text between them are what
    the text speaks of, and so is one in the midst of a text, or put there without an attribution. What stands
    below the last words answers nothing.
    """
    runs = [
        (kind, [index for index, _ in run])
        for kind, run in groupby(
            ((index, kind) for index, kind in enumerate(kinds) if kind is Kind.QUOTE or kind is Kind.TEXT),
            key=itemgetter(1),
        )
    ]
    quoted = [run for kind, run in runs if kind is Kind.QUOTE]
    attributed = Kind.ATTRIBUTION in kinds or Kind.BLOCK in kinds
    if len(quoted) == len(runs) or (attributed and len(quoted) == 1 and not _is_answered(runs)):
        return frozenset()
    if runs[-1][0] is Kind.QUOTE:
        del quoted[-1]
    return frozenset(index for run in quoted for index in run)


def _is_answered(runs: Sequence[tuple[Kind, list[int]]]) -> bool:
    """Whether the only quote has words above it, and more below it than a greeting and a name."""
    return len(runs) == _TEXT_QUOTE_TEXT and len(runs[-1][1]) > _A_FAREWELL
