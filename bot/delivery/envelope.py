"""Mails as MIME: pure functions from what is said to the message that is sent.

Automatic mail says so (RFC 3834, section 5). Every mail of a task to the same person has the same subject and
refers to the same first Message-ID, so that clients show one thread (RFC 5322, section 3.6.4).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from bot.delivery import mail_view
from bot.delivery.mail_parts import Prose
from bot.delivery.mail_view import View
from bot.delivery.outlet import Attachment, Letter
from bot.errors import LegworkError
from bot.reply_marker import LOOP_HEADER
from bot.reports.report import Report
from bot.reports.visible import revealed
from storage.tables import Notices

SUBJECT_CHARS = 120
MESSAGE_ID_CHARS = (
    900  # a line of a mail has 998 at most, and an id cannot be broken (RFC 5322, section 2.1.1)
)
_HEADERS = HeaderRegistry()
for _name in ("in-reply-to", "references"):  # as text, one longer than a line would be encoded to nonsense
    _HEADERS.map_to_type(_name, MessageIDHeader)  # type: ignore[arg-type]  # typeshed wants what it is mixed with
POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS)
_MESSAGE_ID = re.compile(r"<[\w.!#$%&'*+/=?^`{|}~-]+@[\w.:\[\]-]+>", re.ASCII)
_OURS = re.compile(r"<(?:(t-\d{1,15})\.(\d{1,15})\.[a-z]+\.\d+|notice-(\d{1,15}))@([\w.-]+)>", re.ASCII)
_NO_MAILBOX = "LEGWORK_MAIL_FROM must be a mailbox, such as Legwork <legwork@example.com>."


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails are from.

    Attributes:
        mailbox: `Name <address>`.
        domain: What Message-IDs end in.

    Raises:
        LegworkError: One of them cannot be used.
    """

    mailbox: str
    domain: str

    def __post_init__(self) -> None:
        if not self.address.domain:
            raise LegworkError(_NO_MAILBOX)
        if not re.fullmatch(r"[\w.-]+", self.domain):
            raise LegworkError("LEGWORK_MAIL_DOMAIN must be the name of a domain, such as example.com.")

    @property
    def address(self) -> Address:
        """The mailbox, taken apart."""
        name, address = parseaddr(_line(self.mailbox))
        try:
            return Address(display_name=name, addr_spec=address)
        except (ValueError, IndexError, MessageError) as error:
            raise LegworkError(_NO_MAILBOX) from error


def subject(report: Report) -> str:
    """What every mail of a task is called, so that every client threads them."""
    return _subject(f"[{report.key}] {report.title}")


def message_id(letter: Letter, sender: Sender) -> str:
    """The same for every try to send this message to this recipient."""
    message, key = letter.message, letter.report.key.lower()
    return f"<{key}.{message.seq}.{message.part}.{letter.to.id}@{sender.domain}>"


@dataclass(frozen=True, slots=True)
class Named:
    """One of our mails, by its Message-ID.

    Attributes:
        task: The task that it is about: T-7; empty for a notice.
        number: The task's event that it tells of, or the row of the notice.
    """

    task: str
    number: int


def named(known_as: str, domain: str) -> Named | None:
    """Which of our mails has this Message-ID; None for those of others, and for the root of a thread.

    Args:
        known_as: The Message-ID, in its angle brackets.
        domain: What ours end in.
    """
    found = _OURS.fullmatch(known_as)
    if found is None or found[4].lower() != domain.lower():
        return None
    return Named((found[1] or "").upper(), int(found[2] or found[3]))


def of_task(
    letter: Letter, sender: Sender, view: View, reply_to: str, files: Sequence[Attachment]
) -> EmailMessage:
    """A mail about a task.

    Args:
        letter: What it tells of, and whom.
        sender: Who it is from.
        view: What it says.
        reply_to: Where an answer goes; empty where none can be given.
        files: What goes with it.
    """
    mail = _mail(sender, letter.to.address, subject(letter.report), letter.event.at, reply_to)
    mail["Message-ID"] = message_id(letter, sender)
    _answer(mail, f"<{letter.report.key.lower()}.{letter.to.id}@{sender.domain}>")
    mail["Auto-Submitted"] = "auto-generated"
    mail[LOOP_HEADER] = letter.report.key
    return _filled(mail, view, files)


def of_notice(notice: Notices, sender: Sender, attachment: Attachment | None) -> EmailMessage:
    """A mail that belongs to no subscription.

    Args:
        notice: What it says in Markdown, to whom, and the Message-ID that it answers.
        sender: Who it is from.
        attachment: A file that goes with it.
    """
    name = f"notice-{notice.id}"  # `named` reads it
    mail = _mail(sender, notice.address, _subject(notice.subject), notice.at, notice.reply_to)
    mail["Message-ID"] = f"<{name}@{sender.domain}>"
    answers = _MESSAGE_ID.findall(notice.thread)
    if answers and len(answers[-1]) <= MESSAGE_ID_CHARS:
        _answer(mail, answers[-1])
    mail["Auto-Submitted"] = "auto-replied" if notice.thread else "auto-generated"
    mail[LOOP_HEADER] = name
    return _filled(mail, View((Prose(notice.text),)), (attachment,) if attachment else ())


def _mail(sender: Sender, to: str, about: str, at: datetime, reply_to: str) -> EmailMessage:
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender.address
    mail["To"] = Address(addr_spec=to)
    if reply_to:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail["Subject"] = about
    mail["Date"] = format_datetime(at)
    mail["X-Auto-Response-Suppress"] = "All"
    return mail


def _answer(mail: EmailMessage, thread: str) -> None:
    mail["In-Reply-To"] = thread
    mail["References"] = thread


def _filled(mail: EmailMessage, view: View, files: Sequence[Attachment]) -> EmailMessage:
    marked = "Reply-To" in mail
    mail.set_content(mail_view.text(view, marked=marked), cte="quoted-printable")
    page = mail_view.page(view, str(mail["Subject"]), marked=marked)
    mail.add_alternative(page, subtype="html", cte="quoted-printable")
    for file in files:
        main, _, sub = file.media_type.partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return mail


def _subject(text: str) -> str:
    return _line(revealed(text))[:SUBJECT_CHARS]


def _line(text: str) -> str:
    """One line for a header: whatever could end it and begin another is a blank (CVE-2024-6923)."""
    return re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+|=\?|\?=", " ", text).strip()
