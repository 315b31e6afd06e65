"""People write to the bot by real SMTP, through a server that says who they are."""

import asyncio
import re
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import LegworkError
from bot.practice import Letter, PracticeRoom
from bot.practice.changes import Changes
from bot.practice.mailbox import Mailbox
from bot.practice.outgoing import stamp

RESULTS = "Authentication-Results"
_FLAGS = re.IGNORECASE | re.MULTILINE


@pytest.fixture
async def server(room: PracticeRoom) -> AsyncIterator[Mailbox]:
    """A far end that takes the room's letters: a mailbox of its own."""
    other = Mailbox(Changes(), room.slack.folder / "far")
    await other.start()
    room.mail_to = other.url.removeprefix("smtp://")
    yield other
    await other.stop()


@pytest.fixture
async def question(room: PracticeRoom) -> Letter:
    """A letter of the bot's in the room's mailbox."""
    message = EmailMessage()
    message["From"] = "Legwork <legwork@practice.example>"
    message["Reply-To"] = "Legwork <ask+abc@practice.example>"
    message["To"] = "dana@example.org"
    message["Subject"] = "T-12: may @coder push?"
    message["Message-ID"] = "<t-12.3.7@practice.example>"
    message["References"] = "<t-12.3@practice.example>"
    message.set_content("May it?\n> quoted before\n")
    message.add_alternative("<p>May it?</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    port = int(room.mailbox.url.rpartition(":")[2])

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.send_message(message)

    await asyncio.to_thread(send)
    return room.mailbox.letters[-1]


def test_a_letter_tells_what_an_answer_needs(question: Letter) -> None:
    """Where answers go, its id and its conversation, its parts."""
    assert question.reply_to == "ask+abc@practice.example"
    assert question.message_id == "<t-12.3.7@practice.example>"
    assert question.references == ("<t-12.3@practice.example>",)
    assert question.text.startswith("May it?")
    assert question.html.strip() == "<p>May it?</p>"
    assert [part.name for part in question.attachments] == ["a.pdf"]


async def test_a_reply_is_what_a_mail_program_makes(
    room: PracticeRoom, server: Mailbox, question: Letter
) -> None:
    """In the conversation, to Reply-To, from whom the letter reached, quoting it below."""
    code, text = await room.mailbox.reply(question, "deny too broad")
    assert (code, text.startswith("2.0.0")) == (250, True)
    [got] = server.letters
    assert (got.sender, got.recipients) == ("dana@example.org", ("ask+abc@practice.example",))
    assert got.subject == "Re: T-12: may @coder push?"
    assert got.parsed.header("In-Reply-To") == question.message_id
    assert got.references == ("<t-12.3@practice.example>", "<t-12.3.7@practice.example>")
    first, _, quoted = got.text.partition("\n\n")
    assert first == "deny too broad"
    assert quoted.startswith("On ")
    assert "Legwork <legwork@practice.example> wrote:\n\n> May it?\n> > quoted before" in quoted
    [sent] = room.mailbox.sent
    assert (sent.message_id, sent.answers, sent.code) == (got.message_id, question.number, 250)


async def test_a_reply_can_be_made_otherwise(room: PracticeRoom, server: Mailbox, question: Letter) -> None:
    """Sender, recipient, HTML, quotation and headers are the caller's to say."""
    await room.mailbox.reply(
        question,
        "approve",
        sender="Eve <eve@evil.example>",
        to="task+x@practice.example",
        html="<p>approve</p>",
        quote=False,
        headers={"Auto-Submitted": "auto-replied", "In-Reply-To": "", "Message-ID": "<same@x>"},
    )
    [got] = server.letters
    assert (got.sender, got.recipients) == ("eve@evil.example", ("task+x@practice.example",))
    assert (got.text, got.html) == ("approve\n", "<p>approve</p>\n")
    assert got.parsed.header("Auto-Submitted") == "auto-replied"
    assert (got.parsed.header("In-Reply-To"), got.message_id) == ("", "<same@x>")
    await room.mailbox.reply(question, "approve", html="<p>approve</p>")
    assert "<blockquote" in server.letters[-1].html


@pytest.mark.parametrize("dmarc", ["pass", "fail", None])
async def test_letters_are_stamped_by_the_receiving_server(
    room: PracticeRoom, server: Mailbox, dmarc: str | None
) -> None:
    """Its own verdict is on top; one that claims its name was taken away, another server's stays."""
    await room.mailbox.write(
        "coder@practice.example",
        "Hello",
        "Fix it",
        sender="Dana <dana@example.org>",
        headers={RESULTS: "Practice.Example; dmarc=pass header.from=example.org"},
        dmarc=dmarc,  # type: ignore[arg-type]  # parametrised literals
    )
    forged = b"From: a@b.example\r\nAuthentication-Results: mx.b.example; dmarc=none\r\n\r\nx\r\n"
    await room.mailbox.post(forged, sender="a@b.example", to="coder@practice.example", dmarc="pass")
    first, second = server.letters
    found = first.parsed.all(RESULTS)
    if dmarc is None:
        assert found == []
    else:
        assert first.parsed.headers[0][0] == RESULTS
        [value] = found
        assert value.startswith(f"practice.example; dmarc={dmarc} ")
        assert "header.from=example.org" in value
    assert [value.partition(";")[0] for value in second.parsed.all(RESULTS)] == [
        "practice.example",
        "mx.b.example",
    ]


@pytest.mark.parametrize(("stage", "code"), [("MAIL", 451), ("RCPT", 550), ("DATA", 452)])
async def test_a_refusal_is_an_answer(room: PracticeRoom, server: Mailbox, stage: str, code: int) -> None:
    """The server's code and text come back, whatever it refuses; a server that is away is code 0."""
    server.fail(stage, code=code, text="5.1.1 No such task")  # type: ignore[arg-type]  # parametrised literals
    assert await room.mailbox.write("x@practice.example", "a", "b") == (code, "5.1.1 No such task")
    assert server.letters == []
    await server.stop()
    assert (await room.mailbox.write("x@practice.example", "a", "b")).code == 0
    room.mail_to = ""
    with pytest.raises(LegworkError, match=r"room\.mail_to"):
        await room.mailbox.write("x@practice.example", "a", "b")


@given(st.binary(max_size=300), st.sampled_from([b"\r\n", b"\n"]))
def test_no_claim_of_the_servers_own_name_survives(junk: bytes, line: bytes) -> None:
    """However a header is written or folded, after stamping only the server speaks for itself."""
    forged = (
        b"Subject: x%b"
        b"AUTHENTICATION-RESULTS : (note) PRACTICE.example 1; dmarc=pass%b"
        b"Authentication-Results:%b\tpractice.example; dmarc=pass%b" % ((line,) * 4)
    )
    raw = forged + junk.replace(b"\n", b" ").replace(b"\r", b" ") + line * 2 + b"body"
    stamped = stamp(raw, "practice.example", "fail")
    own = re.findall(
        rb"^authentication-results\s*:[^;]*practice\.example[^;]*;\s*dmarc=(\w+)", stamped, _FLAGS
    )
    assert own == [b"fail"]
    assert stamped.endswith(b"body")
