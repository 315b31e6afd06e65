"""Header fields of a letter, as they came and as they read (RFC 5322, RFC 2047)."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime

from handlers.email import charsets

# Bounds on what is looked at: far above what mail programs write.
HEAD_BYTES = 256 * 1024
FIELD_CHARS = 16_000
_DATE_CHARS = 200

_FIELD_LINE = re.compile(rb"(?:[!-9;-~]+:|[ \t]|>?From )[^\r\n]*(?:\r?\n|\r|\Z)")
_BLANK_LINE = re.compile(rb"\r?\n|\r")
_LEADING_BLANKS = re.compile(rb"[ \t\r\n]*\n")
_FOLD = re.compile(r"[ \t]*\r?\n[ \t]*|\r")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\r\n]*)\?=")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")
_Q = re.compile(rb"=([0-9A-Fa-f]{2})")
_WRITTEN = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)|[^"()\\]+|\\.?|[()]', re.DOTALL)
_COMMENTED = re.compile(r"[^()\\]+|\\.?|[()]", re.DOTALL)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields in the order they came, each unfolded and with its name in lower case."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of this field, topmost first."""
        return [value for field, value in self.fields if field == name]

    def get(self, name: str) -> str:
        """The topmost value, or empty."""
        return next((value for field, value in self.fields if field == name), "")

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return any(field == name for field, _ in self.fields)


def split(raw: bytes) -> tuple[Headers, bytes]:
    """The header and the body of a letter or of a part of one.

    The first line that is no field ends the header, blank or not. The standard library reads only what lies
    above it, which bounds its work.
    """
    if blank := _LEADING_BLANKS.match(raw):
        raw = raw[blank.end() :]
    end = 0
    while line := _FIELD_LINE.match(raw, end, HEAD_BYTES):
        end = line.end()
    body = raw[end:]
    if blank := _BLANK_LINE.match(body):
        body = body[blank.end() :]
    message = BytesParser(policy=compat32).parsebytes(raw[:end] + b"\n", headersonly=True)
    return Headers(tuple((name.lower(), _read(value)) for name, value in message.raw_items())), body


def _read(value: object) -> str:
    content = str(value)[:FIELD_CHARS].replace("\0", "").encode("utf-8", "surrogateescape")
    return _FOLD.sub(" ", charsets.decode(content)[0]).strip()


def text(value: str) -> str:
    """A field's value with its encoded words (RFC 2047) as the text that they stand for."""
    if "=?" not in value:
        return value
    read: list[str] = []
    at = 0
    pending, charset = b"", ""
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        apart = bool(between.strip()) or (at == 0 and bool(between))
        if pending and (apart or word[1].lower() != charset):
            read.append(charsets.decode(pending, charset)[0])
            pending = b""
        if apart:
            read.append(between)
        pending, charset, at = pending + _word(word[2], word[3]), word[1].lower(), word.end()
    read += [charsets.decode(pending, charset)[0] if pending else "", value[at:]]
    return _FOLD.sub(" ", "".join(read)).strip()


def _word(encoding: str, content: str) -> bytes:
    raw = content.encode("utf-8")
    if encoding in "bB":
        return unbase64(raw)[0]
    return _Q.sub(lambda code: bytes([int(code[1], 16)]), raw.replace(b"_", b" "))


def uncommented(value: str) -> tuple[str, bool]:
    """A value with a blank for each comment (RFC 5322, section 3.2.2), and whether all of them end.

    Comments nest, and quotes mean nothing in them; brackets mean nothing in quotes.
    """
    kept: list[str] = []
    depth = at = 0
    while piece := (_COMMENTED if depth else _WRITTEN).match(value, at):
        at = piece.end()
        if piece[0] == "(":
            depth += 1
        elif depth and piece[0] == ")":
            depth -= 1
            kept.append(" ")
        elif not depth:
            kept.append(piece[0])
    return "".join(kept), not depth


def unbase64(content: bytes) -> tuple[bytes, bool]:
    """What base64 stands for, as far as it can be read, and whether all of it could."""
    solid = _NOT_BASE64.sub(b"", content)
    loose = len(solid) % 4 == 1
    solid = solid[:-1] if loose else solid
    try:
        return base64.b64decode(solid + b"=" * (-len(solid) % 4)), not loose
    except binascii.Error:
        return b"", False


def message_ids(value: str) -> tuple[str, ...]:
    """The Message-IDs of a field, in their angle brackets; commas between them are passed over."""
    return tuple(f"<{found}>" for found in _MESSAGE_ID.findall(value))


def message_id(values: Sequence[str]) -> str:
    """The letter's own Message-ID, also where its brackets were left out."""
    if not values:
        return ""
    found = message_ids(values[0])
    return found[0] if found else values[0][:900]


def date(value: str) -> datetime | None:
    """The moment that a Date field names, None where it names none."""
    try:
        moment = parsedate_to_datetime(value[:_DATE_CHARS])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
