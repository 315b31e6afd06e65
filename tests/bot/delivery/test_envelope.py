"""Mails: threaded, marked as automatic, safe in their headers, readable in text and HTML."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.envelope import Attachment, Sender, build
from bot.delivery.outlet import Letter, Message, Recipient
from bot.errors import LegworkError
from bot.events import ArtifactSaved, Event
from bot.reports.report import Report, StepView

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
SENDER = Sender("Legwork <legwork@example.com>", "example.com")
PDF = Attachment("T-7-report.pdf", "application/pdf", b"%PDF-1.7 \xff")


def letter(seq: int = 9, **values: object) -> Letter:
    saved = ArtifactSaved(name=PDF.name, purpose="report", media_type=PDF.media_type, size=1, sha256="0")
    base: dict[str, object] = {"key": "T-7", "title": "Fix it", "agent": "coder", "asked_by": "alice"}
    steps = (StepView(1, "terminal", "# Look\nls", state="ok", seconds=0.1, output="a\n"),)
    told = Report(**(base | {"state": "done", "outcome": "All **done**.", "steps": steps} | values))  # type: ignore[arg-type]  # tests name the fields they change
    return Letter(
        Message(seq, "result", seq),
        Recipient(3, "dana@example.org", "", ""),
        told,
        Event(seq, NOON, "@coder", saved),
        {},
    )


def sent(mail: EmailMessage) -> EmailMessage:
    """The mail as it arrives."""
    return email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)  # type: ignore[return-value]  # the default policy makes EmailMessages


def test_every_try_has_the_same_id_and_every_mail_of_a_task_the_same_thread() -> None:
    """Message-ID is fixed by task, event and recipient; References by task and recipient."""
    first, again, later = (sent(build(letter(seq), SENDER, None)) for seq in (9, 9, 12))
    assert first["Message-ID"] == again["Message-ID"] != later["Message-ID"]
    assert first["References"] == later["References"] == first["In-Reply-To"]


def test_it_says_that_it_is_automatic() -> None:
    """RFC 3834 asks for it, and so no robot answers."""
    mail = sent(build(letter(), SENDER, None))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"


def test_text_and_html_say_the_same() -> None:
    """Outcome, steps and who asked stand in both bodies; the report is attached."""
    mail = sent(build(letter(), SENDER, PDF))
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "All **done**." in text
    assert "<strong" in html
    for body in (text, html):
        assert "Look" in body
        assert "alice asked @coder" in body
        assert PDF.name in body
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == PDF.content


def test_without_a_report_it_says_so() -> None:
    """A PDF that could not be drawn is not promised."""
    text = sent(build(letter(), SENDER, None)).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "could not be drawn" in text


@pytest.mark.parametrize(
    "title",
    [
        "a\r\nBcc: evil@example.net",
        "=?utf-8?q?a=0ABcc:evil@example.net?=",
        "a\u2028Bcc: x",
        "\x00",
        "é" * 900,
    ],
)
def test_a_title_cannot_add_a_header(title: str) -> None:
    """A newline in a subject, encoded or not, ends up as a blank (CVE-2024-6923)."""
    mail = build(letter(title=title), SENDER, None)
    head = mail.as_bytes().partition(b"\r\n\r\n")[0]
    assert b"\nBcc" not in head
    assert sent(mail)["Bcc"] is None
    assert sent(mail)["Subject"].startswith("[T-7] Done:")


@pytest.mark.parametrize("mailbox", ["", "Legwork", "Legwork <>", "legwork@", "<@example.com>", "a b@c d"])
def test_a_sender_that_is_no_mailbox_is_refused_at_once(mailbox: str) -> None:
    """The setting is named when the worker starts, not when the first mail fails."""
    with pytest.raises(LegworkError, match="LEGWORK_MAIL_FROM"):
        Sender(mailbox, "example.com")
    with pytest.raises(LegworkError, match="LEGWORK_MAIL_DOMAIN"):
        Sender(SENDER.mailbox, f"{mailbox}\n")


@pytest.mark.parametrize("trick", ["\x1b[2J", "\x07", "\u202e", "\U000e0041"])
def test_nothing_is_mailed_that_cannot_be_seen(trick: str) -> None:
    """Control characters and overrides of direction are spelled out in the subject and in both bodies."""
    steps = (StepView(1, "terminal", f"a{trick}b"),)
    mail = sent(build(letter(title=trick, outcome=trick, asked_by=trick, steps=steps), SENDER, None))
    for part in ("plain", "html"):
        body = mail.get_body((part,)).get_content()  # type: ignore[union-attr]
        assert trick[0] not in body
        assert f"U+{ord(trick[0]):04X}" in body
    assert trick[0] not in mail["Subject"]


@given(st.text(), st.text(), st.text())
def test_any_text_makes_a_mail(title: str, outcome: str, what: str) -> None:
    """Whatever stands in a task, the mail can be built, sent and read."""
    mail = sent(
        build(letter(title=title, outcome=outcome, steps=(StepView(1, "terminal", what),)), SENDER, PDF)
    )
    assert mail["To"] == "dana@example.org"
    assert [part.get_content_type() for part in mail.walk()][1:] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert "<script" not in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
