"""A task's result as a mail: a pure function from a letter to MIME.

Automatic mail says so (RFC 3834, section 5), and every mail of a task to the same person refers to the same
first Message-ID, so that clients show one thread (RFC 5322, section 3.6.4).
"""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from bot.delivery import mail_view
from bot.delivery.outlet import Letter
from bot.errors import LegworkError
from bot.reports.phrases import STATE
from bot.reports.visible import revealed

SUBJECT_CHARS = 120
POLICY = SMTP.clone(cte_type="7bit")
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


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


def message_id(letter: Letter, sender: Sender) -> str:
    """The same for every try to send this message to this recipient."""
    return f"<{letter.report.key.lower()}.{letter.message.seq}.{letter.to.id}@{sender.domain}>"


def build(letter: Letter, sender: Sender, attachment: Attachment | None) -> EmailMessage:
    """The mail that tells how a task ended: text, HTML, and the report as a PDF."""
    report = letter.report
    thread = f"<{report.key.lower()}.{letter.to.id}@{sender.domain}>"
    mail = EmailMessage(policy=POLICY)
    mail["From"] = sender.address
    mail["To"] = Address(addr_spec=letter.to.address)
    mail["Subject"] = _line(revealed(f"[{report.key}] {STATE[report.state]}: {report.title}"))[:SUBJECT_CHARS]
    mail["Date"] = format_datetime(letter.event.at)
    mail["Message-ID"] = message_id(letter, sender)
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    attached = attachment.name if attachment else ""
    mail.set_content(mail_view.text(report, attached), cte="quoted-printable")
    mail.add_alternative(mail_view.page(report, attached), subtype="html", cte="quoted-printable")
    if attachment:
        main, _, sub = attachment.media_type.partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return mail


def _line(text: str) -> str:
    """One line for a header: whatever could end it and begin another is a blank (CVE-2024-6923)."""
    return re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+|=\?|\?=", " ", text).strip()
