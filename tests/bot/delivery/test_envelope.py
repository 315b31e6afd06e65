"""Mails: threaded, marked as automatic, safe in their headers, readable in text and HTML."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import mail_of_task
from bot.delivery.envelope import Named, Sender, message_id, named, of_notice, of_task, subject
from bot.delivery.mail_view import Answer
from bot.delivery.outlet import Attachment, Letter, Message, Recipient
from bot.errors import LegworkError
from bot.events import AnyFact, ApprovalAsked, ArtifactSaved, Call, Event, QuestionAsked, TaskOpened
from bot.reply_marker import LOOP_HEADER, MARKER
from bot.reports.report import ApprovalView, QuestionView, Report, StepView
from storage.tables import Notices

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
SENDER = Sender("Legwork <legwork@example.com>", "example.com")
PDF = Attachment("T-7-report.pdf", "application/pdf", b"%PDF-1.7 \xff")
SAVED = ArtifactSaved(name=PDF.name, purpose="report", media_type=PDF.media_type, size=1, sha256="0")
REPLY_TO = "task+c.3.buo5qfv5sn2tajvty4a5qs5w64@example.com"
MAIL_LINE = 998  # octets: RFC 5322, section 2.1.1


def letter(seq: int = 9, fact: AnyFact = SAVED, **values: object) -> Letter:
    base: dict[str, object] = {"key": "T-7", "title": "Fix it", "agent": "coder", "asked_by": "alice"}
    steps = (StepView(1, "terminal", "# Look\nls", state="ok", seconds=0.1, output="a\n"),)
    told = Report(**(base | {"state": "done", "outcome": "All **done**.", "steps": steps} | values))  # type: ignore[arg-type]  # tests name the fields they change
    part = {ArtifactSaved: "result", ApprovalAsked: "approval"}.get(type(fact), "part")
    to = Recipient(3, "dana@example.org", "", "")
    return Letter(Message(seq, part, seq), to, told, Event(seq, NOON, "@coder", fact), {})


def built(one: Letter, reply_to: str = REPLY_TO) -> EmailMessage:
    """The mail before it is sent."""
    answer = Answer(reply_to) if reply_to else None
    view = mail_of_task.view(one, answer, subject(one.report))
    return of_task(one, SENDER, view, reply_to, (*view.files, PDF))


def sent(mail: EmailMessage) -> EmailMessage:
    """The mail as it arrives: no line is longer than mail takes."""
    content = mail.as_bytes()
    assert max(map(len, content.split(b"\r\n"))) <= MAIL_LINE
    assert content.isascii()
    return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]  # the default policy makes EmailMessages


def body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def notice(**values: object) -> Notices:
    base: dict[str, object] = {"address": "dana@example.org", "subject": "Re: Hello", "text": "**Hi**"}
    return Notices(**({"id": 4, "outlet": "email", "at": NOON} | base | values))


def test_every_try_has_the_same_id_and_every_mail_of_a_task_the_same_thread() -> None:
    """Message-ID is fixed by task, event, part and recipient; References by task and recipient."""
    first, again, later = (sent(built(letter(seq))) for seq in (9, 9, 12))
    assert first["Message-ID"] == again["Message-ID"] == "<t-7.9.result.3@example.com>"
    assert later["Message-ID"] != first["Message-ID"]
    assert first["References"] == later["References"] == first["In-Reply-To"] == "<t-7.3@example.com>"


def test_every_mail_of_a_task_has_the_same_subject() -> None:
    """Clients thread by it, so that where the task stands is in the body."""
    opened = TaskOpened(title="Fix it", text="x", agent="coder", asked_by="alice", door="slack")
    mails = [sent(built(letter(1, opened, state="running"))), sent(built(letter(state="failed")))]
    assert {mail["Subject"] for mail in mails} == {"[T-7] Fix it"}
    assert body(mails[1], "plain").startswith(f"{MARKER}\n\nFailed: Fix it")


def test_it_says_that_it_is_automatic() -> None:
    """RFC 3834 asks for it, so no robot answers; and our own reader knows it again."""
    for mail in (sent(built(letter())), sent(of_notice(notice(), SENDER, None))):
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["X-Auto-Response-Suppress"] == "All"
        assert mail[LOOP_HEADER]
    assert sent(of_notice(notice(thread="<a@b>"), SENDER, None))["Auto-Submitted"] == "auto-replied"


def test_a_mail_that_can_be_answered_says_where() -> None:
    """Reply-To and the marker go together; without the one there is not the other."""
    mail, dumb = sent(built(letter())), sent(built(letter(), ""))
    assert mail["Reply-To"] == REPLY_TO
    assert dumb["Reply-To"] is None
    for kind in ("plain", "html"):
        assert MARKER in body(mail, kind)
        assert MARKER not in body(dumb, kind)


def test_the_report_is_attached() -> None:
    """To the byte, under its name."""
    (attached,) = sent(built(letter())).iter_attachments()
    assert isinstance(attached, EmailMessage)
    assert (attached.get_filename(), attached.get_content()) == (PDF.name, PDF.content)


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
    for mail, start in (
        (built(letter(title=title)), "[T-7]"),
        (of_notice(notice(subject=f"Re: {title}"), SENDER, None), "Re:"),
    ):
        head = mail.as_bytes().partition(b"\r\n\r\n")[0]
        assert b"\nBcc" not in head
        assert sent(mail)["Bcc"] is None
        assert sent(mail)["Subject"].startswith(start)


@pytest.mark.parametrize("mailbox", ["", "Legwork", "Legwork <>", "legwork@", "<@example.com>", "a b@c d"])
def test_a_sender_that_is_no_mailbox_is_refused_at_once(mailbox: str) -> None:
    """The setting is named when the worker starts, not when the first mail fails."""
    with pytest.raises(LegworkError, match="LEGWORK_MAIL_FROM"):
        Sender(mailbox, "example.com")
    with pytest.raises(LegworkError, match="LEGWORK_MAIL_DOMAIN"):
        Sender(SENDER.mailbox, f"{mailbox}\n")


def test_a_name_that_is_not_ascii_is_sent_as_it_is() -> None:
    """A sender may be called anything."""
    mail = sent(of_notice(notice(), Sender("Büro Łódź <legwork@example.com>", "example.com"), None))
    assert mail["From"].addresses[0].display_name == "Büro Łódź"


@pytest.mark.parametrize("trick", ["\x1b[2J", "\x07", "\u202e", "\U000e0041"])
def test_nothing_is_mailed_that_cannot_be_seen(trick: str) -> None:
    """Control characters and overrides of direction are spelled out in the subject and in both bodies."""
    steps = (StepView(1, "terminal", f"a{trick}b"),)
    for mail in (
        sent(built(letter(title=trick, outcome=trick, asked_by=trick, steps=steps))),
        sent(of_notice(notice(subject=trick, text=trick), SENDER, None)),
    ):
        for kind in ("plain", "html"):
            assert trick[0] not in body(mail, kind)
            assert f"U+{ord(trick[0]):04X}" in body(mail, kind)
        assert trick[0] not in mail["Subject"]


@given(st.text(), st.text(), st.text())
def test_any_text_makes_a_mail(title: str, outcome: str, what: str) -> None:
    """Whatever stands in a task, the mail can be built, sent and read."""
    steps = (StepView(1, "terminal", what),)
    mail = sent(built(letter(title=title, outcome=outcome, asked_by=what, steps=steps)))
    assert mail["To"] == "dana@example.org"
    assert [part.get_content_type() for part in mail.walk()][1:] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert "<script" not in body(mail, "html")


@given(st.text(), st.text(), st.text())
def test_any_question_makes_a_mail(does: str, rule: str, name: str) -> None:
    """Whatever an agent wants to do or to know, people can be asked."""
    approval = ApprovalView(17, "c1", name, does, rule, (name,), (), NOON)
    asked = ApprovalAsked(
        approval=17, step=1, call=Call(id="c1", tool=name, args={}), does=does, digest="0", rule=rule
    )
    question = QuestionView("c2", does, (name, rule), NOON)
    for fact in (asked, QuestionAsked(step=1, call_id="c2", text=does)):
        mail = sent(built(letter(9, fact, title=name, approvals=(approval,), questions=(question,))))
        assert mail["Reply-To"] == REPLY_TO
        assert "<script" not in body(mail, "html")


def test_a_notice_answers_what_it_is_about() -> None:
    """It has the thread of the mail that it answers, its own address for replies, and says its Markdown."""
    mail = sent(of_notice(notice(thread="<x.1@mail.example.org>", reply_to=REPLY_TO), SENDER, PDF))
    assert mail["In-Reply-To"] == mail["References"] == "<x.1@mail.example.org>"
    assert mail["Message-ID"] == "<notice-4@example.com>"
    assert (mail["Reply-To"], mail["Subject"]) == (REPLY_TO, "Re: Hello")
    assert "**Hi**" in body(mail, "plain")
    assert "<strong>Hi</strong>" in body(mail, "html")
    assert [part.get_filename() for part in mail.iter_attachments()] == [PDF.name]


def test_a_long_id_is_not_encoded() -> None:
    """What Outlook calls its mails is longer than a line should be; encoded, no client would find it."""
    thread = f"<{'A' * 90}.{'b' * 90}@mail.example.org>"
    raw = of_notice(notice(thread=thread), SENDER, None).as_bytes().decode()
    assert f"In-Reply-To: {thread}\r\n" in raw
    assert f"References: {thread}\r\n" in raw


@given(st.text() | st.from_regex(r"<[^<>]*@[^<>]*>(\r?\n[A-Z][a-z]+: x)?"))
def test_any_thread_is_safe(thread: str) -> None:
    """What is no Message-ID is not referred to, and adds no header."""
    mail = sent(of_notice(notice(thread=thread), SENDER, None))
    assert str(mail["In-Reply-To"] or thread) in thread
    expected = {"From", "To", "Subject", "Date", "X-Auto-Response-Suppress", "Message-ID", "Auto-Submitted"}
    found = set(mail.keys()) - {"In-Reply-To", "References", "MIME-Version", "Content-Type"}
    assert found == expected | {LOOP_HEADER}


def test_our_mails_are_known_by_their_ids() -> None:
    """What an answer refers to is read back; what others sent, and the root of a thread, is none of ours."""
    assert named(message_id(letter(seq=12), SENDER), "Example.com") == Named("T-7", 12)
    assert named(str(of_notice(notice(), SENDER, None)["Message-ID"]), SENDER.domain) == Named("", 4)
    root = str(built(letter())["References"])
    for other in (root, "<t-7.12.result.3@elsewhere.example>", "<x@example.com>", "t-7.12.result.3", ""):
        assert named(other, SENDER.domain) is None


@given(st.text() | st.from_regex(r"<(t-\d+\.\d+\.[a-z]+\.\d+|notice-\d+)@example\.com>", fullmatch=True))
def test_any_reference_is_read(known_as: str) -> None:
    """Whatever a letter refers to: one of ours with its number, or none."""
    found = named(known_as, SENDER.domain)
    assert found is None or (found.number >= 0 and known_as.isascii())
