"""How an incoming letter is read: bytes in, a `Letter` out. It touches nothing and never fails.

Whatever arrives is read as far as it can be, within bounds of time and size; what could not be read is said.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.reply_marker import LOOP_HEADER
from bot.reports.visible import revealed
from handlers.email import addresses, automatic, headers, mime
from handlers.email.headers import Headers
from handlers.email.mime import Attachment
from handlers.email.visible import visible

LETTER_BYTES = 32 * 1024 * 1024
_NAME_CHARS = 200
_SUBJECT_CHARS = 1_000
_MOST_REFERENCES = 200
_RECIPIENT_FIELDS = ("to", "cc", "delivered-to", "envelope-to", "x-envelope-to", "x-original-to")


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, read.

    Attributes:
        message_id: With its angle brackets; empty where it has none.
        from_: The one address in From, in the stored lower-case form; empty where it is not exactly one.
        from_name: The name beside it.
        to: Whom it was sent to, by all the fields that may say so.
        in_reply_to: The Message-ID that it answers, or empty.
        references: The Message-IDs of its conversation, oldest first.
        subject: Decoded.
        date: When it says that it was written.
        text: What the person wrote.
        elided: Quotes, signatures and footers that were cut from it.
        auto_reply: A machine sent it: it must be neither acted on nor answered.
        bounce: It reports that a mail could not be delivered.
        attachments: Files, forwarded letters among them.
        authentication: The values of Authentication-Results, topmost first.
        problems: What could not be read, a sentence each.
    """

    message_id: str
    from_: str
    from_name: str
    to: tuple[str, ...]
    in_reply_to: str
    references: tuple[str, ...]
    subject: str
    date: datetime | None
    text: str
    elided: str
    auto_reply: bool
    bounce: bool
    attachments: tuple[Attachment, ...]
    authentication: tuple[str, ...]
    problems: tuple[str, ...]


def read(raw: bytes) -> Letter:
    """Read a letter as it came over the wire (RFC 5322), however broken it is."""
    problems: list[str] = []
    if len(raw) > LETTER_BYTES:
        problems.append(f"The letter is larger than {LETTER_BYTES >> 20} MB; the rest was not read.")
        raw = raw[:LETTER_BYTES]
    head, body = headers.split(raw)
    sender, name = _sender(head, problems)
    kind = mime.kind_of(head)
    report_type = kind.parameters.get("report-type", "").lower()
    found = mime.contents(head, body)
    parted = visible(found.text())
    bounce = automatic.is_bounce(head, kind.media_type, report_type, sender)
    return Letter(
        message_id=headers.message_id(head.all("message-id")),
        from_=sender,
        from_name=name,
        to=_recipients(head),
        in_reply_to=next(iter(headers.message_ids(head.get("in-reply-to"))), ""),
        references=headers.message_ids(head.get("references"))[-_MOST_REFERENCES:],
        subject=_line(headers.text(head.get("subject")))[:_SUBJECT_CHARS],
        date=headers.date(head.get("date")),
        text=parted.text,
        elided=parted.elided,
        auto_reply=bounce or automatic.is_automatic(head, kind.media_type, sender, LOOP_HEADER),
        bounce=bounce,
        attachments=tuple(found.attachments),
        authentication=tuple(head.all("authentication-results")),
        problems=tuple(problems + found.problems),
    )


def _sender(head: Headers, problems: list[str]) -> tuple[str, str]:
    """The address and the name in From, where there is exactly one to believe."""
    given = head.all("from")
    found = [one for value in given for one in addresses.mailboxes(value)]
    if not given or not found:
        problems.append("The letter does not say whom it is from.")
    elif len(given) > 1 or len(found) > 1:
        problems.append("The letter names more than one sender, so that none can be believed.")
    elif not found[0].address:
        problems.append("The address that the letter is from cannot be read.")
    else:
        return found[0].address, _line(found[0].name)[:_NAME_CHARS]
    return "", ""


def _recipients(head: Headers) -> tuple[str, ...]:
    """Every address that the letter says it was sent to, once each."""
    found = (
        one.address
        for field in _RECIPIENT_FIELDS
        for value in head.all(field)
        for one in addresses.mailboxes(value)
        if one.address
    )
    return tuple(dict.fromkeys(found))


def _line(text: str) -> str:
    return " ".join(revealed(text).split())
