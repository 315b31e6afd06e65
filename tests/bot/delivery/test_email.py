"""Handing mails to an SMTP server that has bad days, and what an outlet hands over."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot.artifacts import Artifacts
from bot.delivery.email import EmailOutlet, Mailer, Manners
from bot.delivery.envelope import Sender
from bot.delivery.outlet import AccessError, Attachment, Letter, Recipient
from bot.errors import LegworkError, Permanent, Retry
from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalReminded,
    Call,
    Event,
    TaskFinished,
    TaskOpened,
)
from bot.reply_address import AskReply, ReplyAddresses, TaskReply
from bot.reports import summary
from storage.tables import Notices

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
REPLIES = ReplyAddresses([b"k" * 32], "example.com")
DANA = Recipient(3, "dana@example.org", "", "")
OPENED = TaskOpened(title="Fix it", text="Fix it", agent="coder", asked_by="Mel", door="slack")
ASKED = ApprovalAsked(
    approval=17,
    step=1,
    call=Call(id="c1", tool="terminal", args={}),
    does="git push",
    digest="0",
    rule="Ada set it.",
    addresses=(DANA.address,),
)

MAIL = EmailMessage()
MAIL["Subject"] = "Hello"
MAIL.set_content("Hello")


class Server:
    """A mail server that answers as the test says; "" closes the connection.

    Attributes:
        answers: By command, what differs from the usual.
        mails: How many it took.
        taken: The last one.
        said: The commands that came.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails = 0
        self.taken = b""
        self.said: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            writer.write(b"220 ready\r\n")
            while line := (await reader.readline()).decode():
                command = line[:4].strip().upper()
                self.said.append(command)
                if command == "DATA" and "DATA" not in self.answers:
                    writer.write(b"354 go on\r\n")
                    self.taken = await reader.readuntil(b"\r\n.\r\n")
                    self.mails += 1
                    command = "DONE"
                answer = self.answers.get(command, "221 bye" if command == "QUIT" else "250 ok")
                if not answer:
                    return
                writer.write(f"{answer}\r\n".encode())
                if command == "QUIT":
                    return


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A mail server on a free port."""
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield made


async def sends(server: Server) -> None:
    mailer = Mailer(server.url, 5)
    await asyncio.to_thread(mailer.send, MAIL, "legwork@example.com", "dana@example.org")


@pytest.mark.parametrize("answer", ["221 bye", "250 ok", "421 too busy", "500 what?", ""])
async def test_a_mail_that_was_taken_is_sent_whatever_follows(server: Server, answer: str) -> None:
    """After a good answer to DATA nothing fails, however the server takes leave."""
    server.answers["QUIT"] = answer
    await sends(server)
    assert server.mails == 1


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("MAIL", "451 later", Retry),
        ("MAIL", "550 no", Permanent),
        ("MAIL", "530 log in first", AccessError),
        ("RCPT", "450 later", Retry),
        ("RCPT", "550 no such user", Permanent),
        ("DATA", "451 later", Retry),
        ("DATA", "554 no", Permanent),
        ("DATA", "250 what?", Retry),
        ("DONE", "452 full", Retry),
        ("DONE", "554 spam", Permanent),
    ],
)
async def test_a_refusal_is_for_now_or_for_good(
    server: Server, command: str, answer: str, kind: type[LegworkError]
) -> None:
    """4yz may pass and 5yz does not (RFC 5321, section 4.2.1); a missing login is for an admin to mend."""
    server.answers[command] = answer
    with pytest.raises(kind, match=answer[:3]) as caught:
        await sends(server)
    assert type(caught.value) is kind
    assert not getattr(caught.value, "unsure", False)
    assert server.said[-1] == "QUIT"


@pytest.mark.parametrize(
    ("command", "unsure"), [("EHLO", False), ("RCPT", False), ("DATA", True), ("DONE", True)]
)
async def test_a_mail_that_broke_off_may_have_gone_out(server: Server, command: str, *, unsure: bool) -> None:
    """From DATA on nobody knows; before it the mail has certainly not gone out."""
    server.answers |= {command: "", "HELO": ""}
    with pytest.raises(Retry) as caught:
        await sends(server)
    assert caught.value.unsure is unsure


async def test_a_password_is_not_sent_without_tls(server: Server) -> None:
    """A server with a login that offers no TLS is not spoken to."""
    server.url = server.url.replace("://", "://user:secret@")
    with pytest.raises(Retry, match="no TLS"):
        await sends(server)
    assert server.mails == 0
    assert "AUTH" not in server.said


def outlet(server: Server, folder: Path, *, replies: ReplyAddresses | None = REPLIES) -> EmailOutlet:
    """An outlet whose first mails wait for 20 seconds, 5 seconds past noon."""
    manners = Manners(replies, first_mail_s=20, ask_days=14, now=lambda: NOON + timedelta(seconds=5))
    sender = Sender("Legwork <legwork@example.com>", "example.com")
    return EmailOutlet(Mailer(server.url, 5), sender, Artifacts(folder), manners)


def last(made: EmailOutlet, *facts: AnyFact, told: int | None = None) -> Letter:
    """The mail that is planned when these have happened, and all but the last were told."""
    events = [Event(seq, NOON, "x", fact) for seq, fact in enumerate(facts, 1)]
    cursor = len(events) - 1 if told is None else told
    (message,) = made.plan(events, cursor, DANA)
    return Letter(message, DANA, summary.read("T-7", events), events[message.seq - 1], {})


def taken(server: Server) -> EmailMessage:
    """The mail that the server took."""
    return email.message_from_bytes(server.taken, policy=email.policy.default)  # type: ignore[return-value]  # the default policy makes EmailMessages


async def test_the_first_mail_waits_and_others_do_not(server: Server, tmp_path: Path) -> None:
    """It waits for as long as is left since the task was opened; what is asked goes at once."""
    made = outlet(server, tmp_path)
    opened = last(made, OPENED)
    assert made.wait_s(opened) == 15
    assert made.wait_s(last(made, OPENED, ASKED, told=0)) == 0
    made = EmailOutlet(
        Mailer(server.url, 5),
        Sender("legwork@example.com", "example.com"),
        Artifacts(tmp_path),
        Manners(None, first_mail_s=20, ask_days=14, now=lambda: NOON + timedelta(minutes=1)),
    )
    assert made.wait_s(opened) == 0


@pytest.mark.parametrize("facts", [(OPENED, ASKED), (OPENED, ASKED, ApprovalReminded(approval=17))])
async def test_what_is_asked_is_answered_by_an_address_of_its_own(
    server: Server, tmp_path: Path, facts: tuple[AnyFact, ...]
) -> None:
    """It is signed for the approval and the recipient, and runs out; the task's own address does not."""
    made = outlet(server, tmp_path)
    await made.send(last(made, OPENED))
    assert REPLIES.read(taken(server)["Reply-To"]) == TaskReply(7, 3)
    letter = last(made, *facts)
    sent = await made.send(letter)
    mail = taken(server)
    assert REPLIES.read(mail["Reply-To"]) == AskReply(17, 3, NOON + timedelta(days=14))
    assert mail["Message-ID"] == sent.remote_id == f"<t-7.{len(facts)}.{letter.message.part}.3@example.com>"
    assert not sent.maybe_twice


async def test_where_no_mail_reaches_us_nobody_is_told_where_to_reply(server: Server, tmp_path: Path) -> None:
    """Without reply addresses a mail has none, and no button."""
    made = outlet(server, tmp_path, replies=None)
    await made.send(last(made, OPENED, ASKED))
    assert taken(server)["Reply-To"] is None
    page = taken(server).get_body(("html",))
    assert page is not None
    assert "mailto:" not in page.get_content()


async def test_a_result_carries_its_report(server: Server, tmp_path: Path) -> None:
    """The PDF is read from where it is kept, and goes under its own name."""
    made = outlet(server, tmp_path)
    saved = Artifacts(tmp_path).save("T-7", "T-7-report.pdf", b"%PDF-1.7", "application/pdf", "report")
    await made.send(last(made, OPENED, TaskFinished(summary="Done."), saved))
    (attached,) = taken(server).iter_attachments()
    assert isinstance(attached, EmailMessage)
    assert (attached.get_filename(), attached.get_content()) == ("T-7-report.pdf", b"%PDF-1.7")
    assert "T-7" in taken(server)["Subject"]


async def test_a_notice_is_mailed_as_it_stands(server: Server, tmp_path: Path) -> None:
    """To its address, with the thread that it answers and the file that goes with it."""
    notice = Notices(
        id=4, outlet="email", address="eve@example.org", thread="<x@y>", subject="Hi", text="**Yes**", at=NOON
    )
    await outlet(server, tmp_path).say(notice, Attachment("a.csv", "text/csv", b"1,2\n"))
    mail = taken(server)
    assert (mail["To"], mail["Subject"], mail["References"]) == ("eve@example.org", "Hi", "<x@y>")
    assert [part.get_filename() for part in mail.iter_attachments()] == ["a.csv"]


async def test_a_mail_cannot_be_changed(server: Server, tmp_path: Path) -> None:
    """Who asks for it is told so."""
    made = outlet(server, tmp_path)
    with pytest.raises(Permanent, match="cannot be changed"):
        await made.edit(last(made, OPENED))
