"""Reading a letter for display, however badly it is made.

The standard library's `compat32` policy is used because the newer one raises on unknown charsets and on some
address lines. Source of the form: RFC 5322 and RFC 2045 to 2047.
"""

import email
import email.header
import email.utils
import re
from dataclasses import dataclass
from email.message import Message

_CHARSETS = ("utf-8", "cp1252", "latin-1")


@dataclass(frozen=True, slots=True)
class Part:
    """One attachment; its name is for people, never a path."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a letter says.

    Attributes:
        headers: All of them, decoded, in order.
        text: The plain part; empty where there is none.
        html: The HTML part; empty where there is none.
    """

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Part, ...]

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The first header of that name; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def parse(raw: bytes) -> Parsed:
    """Read a letter; never raises."""
    message = email.message_from_bytes(raw)
    texts: list[str] = []
    htmls: list[str] = []
    attachments: list[Part] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = _content(part)
        name = _name(part)
        kind = part.get_content_type()
        attached = part.get_content_disposition() == "attachment" or bool(name)
        if not attached and kind in ("text/plain", "text/html"):
            (texts if kind == "text/plain" else htmls).append(_decoded(content, _charset(part)))
        else:
            attachments.append(Part(name or f"part-{len(attachments) + 1}", kind, content))
    headers = tuple((str(name), _header(value)) for name, value in message.items())
    return Parsed(headers, "\n".join(texts), "\n".join(htmls), tuple(attachments))


def _content(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _charset(part: Message) -> str:
    try:
        return part.get_content_charset() or ""
    except (LookupError, ValueError):
        return ""


def _name(part: Message) -> str:
    try:
        return _header(part.get_filename() or "")
    except (LookupError, ValueError):
        return "attachment"


def _header(value: object) -> str:
    """A header as people read it: encoded words decoded, folds undone, no control characters."""
    text = str(value)
    try:
        words = email.header.decode_header(text)
        text = "".join(
            word if isinstance(word, str) else _decoded(word, charset or "ascii") for word, charset in words
        )
    except (ValueError, LookupError):
        pass  # shown as it came
    text = text.encode("utf-8", "replace").decode()  # surrogates of undeclared bytes
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def _decoded(content: bytes, charset: str) -> str:
    for name in (charset, *_CHARSETS):
        try:
            return content.decode(name).replace("\r\n", "\n")
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")
