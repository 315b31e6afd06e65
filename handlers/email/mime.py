"""The parts of a letter (RFC 2045, RFC 2046), within bounds of depth and number.

The standard library reads each header; the boundaries are looked for here, because its own search takes time
in proportion to length times depth, and nests without end.
"""

import binascii
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value

from bot.reports.visible import revealed
from handlers.email import charsets, flowed, headers, html_text
from handlers.email.headers import Headers

DEPTH = 16
PARTS = 200
TEXT_BYTES = 512 * 1024
_NAME_CHARS = 120
_PARAMETER_CHARS = 4_000

_SIGNED_WITH = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_AS_IS = frozenset({"", "7bit", "8bit", "binary"})
_UNFIT = re.compile(r'[/\\:*?"<>|\n\t]+')


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a letter.

    Attributes:
        name: Its name without folders; one is made up where there was none.
        media_type: What it says it is, in lower case.
        size: Bytes.
        content: What it holds.
    """

    name: str
    media_type: str
    size: int
    content: bytes


@dataclass(slots=True)
class Contents:
    """What is in a letter.

    Attributes:
        plain: The texts, in their order.
        html: The HTML texts, in their order.
        attachments: The files.
        problems: What could not be read, a sentence each.
    """

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    parts: int = 0

    def problem(self, sentence: str) -> None:
        """Say once what could not be read."""
        if sentence not in self.problems:
            self.problems.append(sentence)

    def text(self) -> str:
        """What there is to read: the plain text, else that of the HTML."""
        plain = "\n".join(self.plain)
        return plain if plain.strip() else "\n".join(map(html_text.text_of, self.html))


@dataclass(frozen=True, slots=True)
class Kind:
    """What a part's header says of its content.

    Attributes:
        media_type: In lower case; `text/plain` where none is named.
        parameters: Of Content-Type, names in lower case.
        name: The file's, empty where none is named.
        attached: It is declared to be an attachment.
    """

    media_type: str
    parameters: dict[str, str]
    name: str
    attached: bool


def kind_of(part: Headers) -> Kind:
    """Read Content-Type and Content-Disposition as far as they can be."""
    message = Message()
    for name in ("content-type", "content-disposition"):
        if value := part.get(name)[:_PARAMETER_CHARS]:
            message[name] = value
    try:
        pairs = message.get_params(failobj=[], unquote=True)
        parameters = {key.lower(): charsets.whole(collapse_rfc2231_value(value)) for key, value in pairs[1:]}
        name = headers.text(charsets.whole(message.get_filename("")))
    except (ValueError, LookupError, TypeError):
        parameters, name = {}, ""
    attached = message.get_content_disposition() == "attachment"
    return Kind(message.get_content_type(), parameters, _safe(name), attached)


def contents(head: Headers, body: bytes) -> Contents:
    """Everything in a letter, taken apart."""
    found = Contents()
    _take(found, head, body, depth=0)
    return found


def _take(found: Contents, head: Headers, body: bytes, *, depth: int) -> None:
    found.parts += 1
    if found.parts > PARTS:
        found.problem(f"The letter has more than {PARTS} parts; the others were not read.")
        return
    kind = kind_of(head)
    if kind.media_type in _ENCRYPTED:
        found.problem("The letter is encrypted and cannot be read here.")
    if kind.media_type.startswith("multipart/"):
        _take_multipart(found, kind, body, depth=depth)
        return
    content = _unpacked(found, head, body)
    if kind.media_type in {"text/plain", "text/html"} and not kind.attached and not kind.name:
        _take_text(found, kind, content)
    else:
        _attach(found, kind, content)


def _take_multipart(found: Contents, kind: Kind, body: bytes, *, depth: int) -> None:
    parts = list(_parts(body, kind.parameters.get("boundary", "")))
    if not parts:
        found.problem("The letter's parts are not set apart as its header says; they were read as one text.")
        found.plain.append(_decoded(found, body[:TEXT_BYTES], ""))
        return
    if depth >= DEPTH:
        found.problem(f"The letter's parts lie more than {DEPTH} deep; the innermost were not read.")
        return
    alternatives = Contents(problems=found.problems, attachments=found.attachments, parts=found.parts)
    for part in parts[: PARTS + 1]:
        head, content = headers.split(part)
        if kind.media_type == "multipart/signed" and kind_of(head).media_type in _SIGNED_WITH:
            continue
        _take(alternatives, head, content, depth=depth + 1)
    found.parts = alternatives.parts
    if kind.media_type == "multipart/alternative" and "".join(alternatives.plain).strip():
        alternatives.html.clear()
    found.plain += alternatives.plain
    found.html += alternatives.html


def _parts(body: bytes, boundary: str) -> Iterator[bytes]:
    """The bodies between boundaries; a missing last one is forgiven."""
    if not boundary:
        return
    line = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
    )
    start: int | None = None
    for found in line.finditer(body):
        if start is not None:
            yield body[start : found.start()]
        start = found.end()
        if found[1]:
            return
    if start is not None:
        yield body[start:]


def _take_text(found: Contents, kind: Kind, content: bytes) -> None:
    if len(content) > TEXT_BYTES:
        found.problem(f"The letter's text is longer than {TEXT_BYTES // 1024} kB; the rest was not read.")
        content = content[:TEXT_BYTES]
    text = _decoded(found, content, kind.parameters.get("charset", ""))
    if kind.media_type == "text/html":
        found.html.append(text)
        return
    if kind.parameters.get("format", "").lower() == "flowed":
        text = flowed.unwrapped(text, delsp=kind.parameters.get("delsp", "").lower() == "yes")
    found.plain.append(text)


def _decoded(found: Contents, content: bytes, charset: str) -> str:
    text, as_declared = charsets.decode(content, charset)
    if not as_declared:
        found.problem(
            "Some of the letter's text is not in the charset that it names; characters may be wrong."
        )
    return text


def _unpacked(found: Contents, head: Headers, body: bytes) -> bytes:
    """The content of a part, its transfer encoding undone."""
    encoding = head.get("content-transfer-encoding").partition(";")[0].strip().lower()
    if encoding == "base64":
        content, whole = headers.unbase64(body)
        if not whole:
            found.problem("A part of the letter is damaged base64; what could be read of it was.")
        return content
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding not in _AS_IS:
        found.problem(
            f"A part of the letter is encoded as {revealed(encoding[:40])}, which is not known here."
        )
    return body


def _attach(found: Contents, kind: Kind, content: bytes) -> None:
    name = kind.name
    if not name:
        ending = (
            ".eml"
            if kind.media_type == "message/rfc822"
            else mimetypes.guess_extension(kind.media_type) or ".bin"
        )
        name = f"attachment-{len(found.attachments) + 1}{ending}"
    found.attachments.append(Attachment(name, kind.media_type, len(content), content))


def _safe(name: str) -> str:
    """A file name that is only a name: no folders, nothing unseen, not hidden."""
    last = revealed(name).replace("\\", "/").rpartition("/")[2]
    return _UNFIT.sub("_", last).strip(" .")[-_NAME_CHARS:]
