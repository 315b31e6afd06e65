"""Letters that people write to the bot: composed as a mail program does, stamped as a receiving server does.

Sources: RFC 5322 section 3.6.4 (In-Reply-To and References), RFC 8601 (Authentication-Results; section 5: a
server removes headers that claim its own name) and RFC 5321 (SMTP).
"""

import re
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from html import escape
from typing import Literal, NamedTuple

from bot.practice.letter import Letter

Dmarc = Literal["pass", "fail"] | None
PATIENCE_S = 30.0
_OK = 250
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")
_RESULTS = re.compile(rb"authentication-results\s*:([^;]*)", re.IGNORECASE)


class SmtpAnswer(NamedTuple):
    """What the bot's mail server said in the end.

    Attributes:
        code: The reply code; 250 where it took the letter, 0 where it could not be reached.
        text: The rest of the line.
    """

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that a person sent to the bot.

    Attributes:
        answers: Number of the letter that it answers; 0 for a new one.
        text: What was written, without the quotation.
        raw: The bytes as they went out, stamp included.
    """

    at: datetime
    sender: str
    recipient: str
    subject: str
    text: str
    raw: bytes
    answer: SmtpAnswer
    answers: int = 0

    @property
    def code(self) -> int:
        """The server's reply code."""
        return self.answer.code

    @property
    def message_id(self) -> str:
        """Its Message-ID, in angle brackets."""
        found = re.search(rb"^message-id:\s*(\S+)", self.raw, re.IGNORECASE | re.MULTILINE)
        return found[1].decode("ascii", "replace") if found else ""


def compose_reply(
    letter: Letter, text: str, sender: str, to: str, *, html: str | None, quote: bool
) -> EmailMessage:
    """An answer: in the conversation, with the letter quoted below."""
    subject = letter.subject
    message = _head(sender, to, subject if subject.lower().startswith("re:") else f"Re: {subject}")
    if letter.message_id:
        message["In-Reply-To"] = letter.message_id
        message["References"] = " ".join([*letter.references, letter.message_id])
    who = letter.parsed.header("From") or letter.sender
    said = f"On {letter.at:%a, %d %b %Y at %H:%M}, {who} wrote:"
    quoted = "\n".join(f"> {line}".rstrip() for line in letter.text.rstrip("\n").split("\n"))
    message.set_content(f"{text}\n\n{said}\n\n{quoted}\n" if quote else f"{text}\n")
    if html is not None:
        inner = letter.html or f"<pre>{escape(letter.text)}</pre>"
        below = (
            f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{escape(said)}<br></div>'
            f'<blockquote class="gmail_quote">{inner}</blockquote></div>'
        )
        message.add_alternative(html + (below if quote else ""), subtype="html")
    return message


def compose_new(sender: str, to: str, subject: str, text: str, *, html: str | None) -> EmailMessage:
    """A letter that answers none."""
    message = _head(sender, to, subject)
    message.set_content(f"{text}\n")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def dressed(message: EmailMessage, headers: Mapping[str, str] | None) -> bytes:
    """The letter's bytes with these headers instead of its own; an empty value takes one away."""
    for name, value in (headers or {}).items():
        del message[name]
        if value:
            message[name] = value
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def stamp(raw: bytes, authserv_id: str, dmarc: Dmarc) -> bytes:
    """A letter as a receiving server hands it on: what claims its name is gone, its own verdict is on top.

    Args:
        raw: The letter.
        authserv_id: The server's name in `Authentication-Results`.
        dmarc: The verdict; None adds none.
    """
    head, rest = [], raw
    while found := _HEADER.match(rest):
        claimed = _RESULTS.match(found[0])
        names = re.split(rb"[\s()]+", claimed[1].lower()) if claimed else []  # comments may stand around
        if authserv_id.lower().encode() not in names:
            head.append(found[0])
        rest = rest[found.end() :]
    author = b"".join(line for line in head if line.lower().startswith(b"from:")).decode("utf-8", "replace")
    domain = parseaddr(author.partition(":")[2].strip())[1].rpartition("@")[2] or "unknown.invalid"
    verdict = (
        f"Authentication-Results: {authserv_id};\r\n"
        f"\tdmarc={dmarc} (p=REJECT sp=REJECT dis=NONE) header.from={domain};\r\n"
        f"\tspf={dmarc} smtp.mailfrom={domain}; dkim={dmarc} header.d={domain}\r\n"
    )
    return (verdict.encode() if dmarc else b"") + b"".join(head) + rest


def submit(host: str, port: int, sender: str, recipient: str, raw: bytes) -> SmtpAnswer:
    """Send by SMTP; blocks. Never raises: a refusal is an answer."""
    try:
        with smtplib.SMTP(host, port, local_hostname="practice.example", timeout=PATIENCE_S) as client:
            client.ehlo_or_helo_if_needed()
            options = ["SMTPUTF8"] if not (sender + recipient).isascii() else []
            code, text = client.mail(sender, options)
            if code == _OK:
                code, text = client.rcpt(recipient)
            if code == _OK:
                code, text = client.data(raw)
            return SmtpAnswer(code, text.decode("utf-8", "replace"))
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        return SmtpAnswer(
            error.smtp_code, said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        )
    except (OSError, smtplib.SMTPException) as error:
        return SmtpAnswer(0, str(error))


def _head(sender: str, to: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "practice.example")
    return message
