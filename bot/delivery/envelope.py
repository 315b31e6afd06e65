"""A task's result as a mail: a pure function from a letter to MIME.

Automatic mail says so (RFC 3834, section 5), and every mail of a task to the same person refers to the same
first Message-ID, so that clients show one thread (RFC 5322, section 3.6.4).
"""

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from bot.delivery import mail_view
from bot.delivery.outlet import Letter
from bot.reports.phrases import STATE

SUBJECT_CHARS = 120
POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails are from.

    Attributes:
        mailbox: `Name <address>`.
        domain: What Message-IDs end in.
    """

    mailbox: str
    domain: str


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
    name, address = parseaddr(_line(sender.mailbox))
    mail["From"] = Address(display_name=name, addr_spec=address)
    mail["To"] = Address(addr_spec=letter.to.address)
    mail["Subject"] = _line(f"[{report.key}] {STATE[report.state]}: {report.title}")[:SUBJECT_CHARS]
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
