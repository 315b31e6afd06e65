"""Where the letter that is answered begins: the line that mail programs put above it, in many languages.

What is looked for is what such lines have in common (a date near the start, an address, a verb at the end,
a colon), not the template of each program: words are translated, their order differs, lines are wrapped.
"""

import re
from collections.abc import Sequence

from handlers.email import words

# How far an attribution may be wrapped, and how long it may be: a bound on the work, too.
_WRAPPED_LINES = 5
_ATTRIBUTION_CHARS = 400
_DATE_TAIL = 4
_VERB_CHARS = 24
_BLOCK_LINES = 16
_LEAST_FIELDS = 2
_LOOSE_LINES = 2  # a list of names that is wrapped, or a blank line, between two fields

_COLONS = ":\uff1a"
_VERB = re.compile(rf"(?<![^\W\d_])(?:{words.ANY_WROTE})")
_OPENER = re.compile(rf"\W{{0,8}}(?:{words.ANY_ON})\b", re.IGNORECASE)
_EARLY_NUMBER = re.compile(r"\W{0,8}(?:[^\W\d]{1,14}\W{1,4}){0,3}\d")
_DAY = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|(?<!\d)\d{1,2}[-\s]\w{3,9}[-\s.]"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.hH]\d\d(?!\d)")
_ADDRESS = re.compile(r"[^\s@<>()\[\]]@[\w.-]")
_ADDRESS_END = re.compile(r"[^\s@<>]@[^\s@<>]{1,255}>{1,2}\s*[:\uff1a]$")
# Programs that end their line without a verb and without a colon.
_BARE = re.compile(
    r"\W{0,8}\d{4}[-./]\d\d?[-./]\d\d?\s"
    r"(?:\d\d?:\d\d(?::\d\d)?\s(?:GMT|UTC)[+-]\d\d:?\d\d\s\S|[^<]{1,80}<[^<>\s@]{1,64}@[^<>\s]{1,255}>$)"
    r"|Posted by \S.{1,80} on \d\d?/\d\d?/\d{4}$"
)
# Without one of these in it, nothing is taken for an attribution.
_HINT = re.compile(r"\d[./:hH-]?\d|@| via ")
_VIA = re.compile(r"\S via \S")
_BROKEN_END = re.compile(rf"\s*>\s*(?:\S{{1,12}}\s)?(?:{words.ANY_WROTE})?\s*[{_COLONS}]\s*")
_SHARED_LINE = re.compile(r"(?<=[^\s-])[ \t]?-{2,12}[ \t]?(?=On\s)")

_ORIGINAL = re.compile(rf"[\s>*]*-{{2,}}\s*(?:{words.ANY_ORIGINAL})\s*(?:-{{2,}}|$)", re.IGNORECASE)
_FORWARDED = re.compile(
    rf"[\s*]*(?:(?:-{{2,}}\s*)?(?:{words.ANY_FORWARDS})\s*:|-{{2,}}\s*(?:{words.ANY_FORWARDED}))",
    re.IGNORECASE,
)
_FIELD = re.compile(rf"[\s>*_|]{{0,12}}([^\W\d_][^{_COLONS}*<>@]{{0,24}})[*_\s]{{0,4}}[{_COLONS}]")
_FIELD_CHARS = 60


def is_original(line: str) -> bool:
    """Whether this is a line such as `-----Original Message-----`."""
    return "--" in line and _ORIGINAL.match(line) is not None


def is_forwarded(line: str) -> bool:
    """Whether a letter that the writer passes on begins here: that is part of what they say."""
    return _FORWARDED.match(line) is not None


def parted_from_forwarded(text: str) -> tuple[str, str]:
    """What somebody wrote themselves, and the letter of others that they pass on below it."""
    lines = text.split("\n")
    begins = next((at for at, line in enumerate(lines) if is_forwarded(line)), len(lines))
    return "\n".join(lines[:begins]).strip(), "\n".join(lines[begins:]).strip()


def parted_from_answers(text: str) -> str:
    """The text, with a line end where an attribution follows an answer's last words after dashes."""
    return _SHARED_LINE.sub("\n", text) if "-On " in text or "- On " in text else text


def is_broken_end(line: str, before: str) -> bool:
    """Whether a line that looks like a quote is the rest of an attribution, wrapped inside of `<address>`."""
    return "@" in before and _BROKEN_END.fullmatch(line) is not None


def may_end(line: str) -> bool:
    """Whether an attribution may end in this line, at a first glance."""
    tail = _bare(line)
    return bool(tail) and (
        tail[-1] in f"{_COLONS}>"
        or tail[0].isdigit()
        or tail[-_DATE_TAIL:].isdigit()
        or _says(tail, words.WROTE_OR_SAID)
    )


def attribution(lines: Sequence[str], last: int, floor: int) -> int | None:
    """Where the attribution that ends in line `last` starts.

    Args:
        lines: The body.
        last: A line that may be the end of one.
        floor: The first line that it may reach back to.

    Returns:
        The index of its first line, or None where there is none.
    """
    tail = _bare(lines[last])
    if _BARE.match(tail):
        return last
    if lines[last].startswith("--") and lines[last].endswith("--") and _says(tail, words.WROTE):
        return last
    start = max(floor, last - _WRAPPED_LINES)
    if not _HINT.search(" ".join(lines[start : last + 1])):
        return None
    undated: int | None = None
    joined = ""
    for first in range(last, start - 1, -1):
        line = lines[first].replace("\xa0", " ").strip()
        if not line:
            if joined.startswith("<"):
                continue
            break
        joined = f"{line} {joined}".rstrip()
        if len(joined) > _ATTRIBUTION_CHARS:
            break
        whole = _bare(joined)
        if _dated(whole):
            return first
        if undated is None and _undated(whole):
            undated = first
    return undated


def _bare(line: str) -> str:
    return line.strip(" \t\xa0\ufeff-*_")


def _says(text: str, verbs: tuple[str, ...]) -> bool:
    """Whether the text ends with one of these verbs."""
    return text[-_VERB_CHARS:].rstrip(f"{_COLONS} .").lower().endswith(verbs)


def _dated(text: str) -> bool:
    """Whether this is an attribution that starts with a date."""
    opened = _OPENER.match(text) is not None
    if not opened and not _EARLY_NUMBER.match(text):
        return False
    addressed = _ADDRESS.search(text) is not None
    if not _DAY.search(text) and not _TIME.search(text):
        return (
            opened
            and addressed
            and (_says(text, words.WROTE_OR_SAID) or _ADDRESS_END.search(text) is not None)
        )
    if _says(text, words.WROTE) or (
        addressed and (_says(text, words.WROTE_OR_SAID) or _ADDRESS_END.search(text))
    ):
        return True
    return text[-1] in _COLONS and _VERB.search(text.lower()) is not None


def _undated(text: str) -> bool:
    """Whether this is one that starts with a name."""
    if _says(text, words.WROTE_OR_SAID) and (
        _ADDRESS.search(text) or (_VIA.search(text) and _says(text, words.WROTE))
    ):
        return True
    if text[-1] not in _COLONS or not _VERB.search(text.lower()):
        return False
    return bool((_DAY.search(text) and _TIME.search(text)) or _ADDRESS_END.search(text))


def fields(lines: Sequence[str]) -> list[str]:
    """What header field each line looks like: `from`, `date`, `to`, `cc`, `subject`, `reply-to`, or empty."""
    return [_field(line) for line in lines]


def _field(line: str) -> str:
    match = _FIELD.match(line, 0, _FIELD_CHARS) if ":" in line or "\uff1a" in line else None
    return words.FIELDS.get(match[1].strip().lower(), "") if match else ""


def block(lines: Sequence[str], named: Sequence[str], first: int) -> int | None:
    """Where the block of header fields (`From:`, `Sent:`, `To:` …) that starts in this line ends.

    Args:
        lines: The body.
        named: What `fields` says of it.
        first: A line that may be the first field.

    Returns:
        The index after its last field, or None where this is no such block.
    """
    if not named[first]:
        return None
    found: list[int] = []
    for index in range(first, min(len(lines), first + _BLOCK_LINES)):
        if named[index]:
            found.append(index)
        elif index - found[-1] > _LOOSE_LINES:
            break
    kinds = {named[index] for index in found}
    if len(kinds) < _LEAST_FIELDS or not kinds & {"from", "date"}:
        return None
    together = " ".join(lines[index][:_ATTRIBUTION_CHARS] for index in found)
    told = _ADDRESS.search(together) or (len(kinds) > _LEAST_FIELDS and _DAY.search(together))
    return found[-1] + 1 if told else None
