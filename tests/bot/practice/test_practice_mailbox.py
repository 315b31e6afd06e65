"""The mailbox takes every letter that an SMTP client can send."""

import asyncio
import smtplib
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.practice import PracticeRoom
from bot.practice.letters import parse


def letter(subject: str = "Grüße vom Agenten") -> EmailMessage:
    """A letter with two bodies and an attachment."""
    message = EmailMessage()
    message["From"] = "Legwork <task+abc@legwork.example>"
    message["To"] = "sam@customer.example"
    message["Subject"] = subject
    message.set_content("Plain words.\n")
    message.add_alternative("<p>Rich <b>words</b>.</p>", subtype="html")
    message.add_attachment(b"%PDF-1.4 \x00", maintype="application", subtype="pdf", filename="Bericht é.pdf")
    return message


async def send(room: PracticeRoom, message: EmailMessage | bytes, to: str = "sam@customer.example") -> None:
    """Send with the standard library's client, in a thread as the house does."""

    def work() -> None:
        host, port = room.mailbox.url.removeprefix("smtp://").split(":")
        with smtplib.SMTP(host, int(port), timeout=5) as client:
            if isinstance(message, bytes):
                client.sendmail("a@b.example", [to], message)
            else:
                client.send_message(message, to_addrs=[to])

    await asyncio.to_thread(work)


async def test_a_letter_is_kept_raw_and_read(room: PracticeRoom) -> None:
    """Its parts are there to be shown, its bytes on disk as they came."""
    await send(room, letter())
    [kept] = await room.wait_for(lambda: room.mailbox.letters, 5)
    assert kept.subject == "Grüße vom Agenten"
    assert (kept.sender, kept.recipients) == ("task+abc@legwork.example", ("sam@customer.example",))
    assert (kept.parsed.text, kept.parsed.html) == ("Plain words.\n", "<p>Rich <b>words</b>.</p>\n")
    [part] = kept.parsed.attachments
    assert (part.name, part.media_type, part.content) == (
        "Bericht é.pdf",
        "application/pdf",
        b"%PDF-1.4 \x00",
    )
    assert kept.path.name == "001-gr-e-vom-agenten.eml"
    assert kept.path.read_bytes() == kept.raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no headers at all",
        b"Subject: =?no-such-charset?B?//8=?=\r\nTo: <<>>,;:\r\n\r\nx",
        b"Subject: a\r\n\tb\x00\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"Content-Type: application/pdf; name*=bad''%FF\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Subject: ../../../etc/passwd\r\n\r\nx",
    ],
)
async def test_a_badly_made_letter_is_kept_all_the_same(room: PracticeRoom, raw: bytes) -> None:
    """Nothing in a letter's head stops it from arriving, and its file stays in its folder."""
    await send(room, raw)
    [kept] = room.mailbox.letters
    assert kept.path.parent == room.slack.folder / "mail"


@given(st.binary(max_size=400))
def test_reading_never_raises(raw: bytes) -> None:
    """Any bytes can be read for display, and the result can be written as UTF-8."""
    parsed = parse(raw)
    str((parsed.headers, parsed.text, parsed.html)).encode()


@given(
    st.sampled_from(
        [b"Subject", b"From", b"Content-Type", b"Content-Disposition", b"Content-Transfer-Encoding"]
    ),
    st.binary(max_size=120),
)
def test_reading_survives_any_header(name: bytes, value: bytes) -> None:
    """A hostile header is shown, not stumbled over."""
    parsed = parse(name + b": " + value.replace(b"\n", b" ") + b"\r\n\r\nbody\r\n")
    str(parsed.headers).encode()


@pytest.mark.parametrize(
    ("stage", "code", "error"),
    [
        ("MAIL", 421, smtplib.SMTPSenderRefused),
        ("RCPT", 550, smtplib.SMTPRecipientsRefused),
        ("RCPT", 451, smtplib.SMTPRecipientsRefused),
        ("DATA", 452, smtplib.SMTPDataError),
        ("DATA", 554, smtplib.SMTPDataError),
    ],
)
async def test_a_letter_can_be_refused_at_any_stage(
    room: PracticeRoom, stage: str, code: int, error: type[Exception]
) -> None:
    """The client hears the arranged code once, then the mailbox is well."""
    room.mailbox.fail(stage, code=code, text="5.0.0 Arranged")  # type: ignore[arg-type]  # parametrised literals
    with pytest.raises(error, match=str(code)):
        await send(room, letter())
    assert room.mailbox.letters == []
    await send(room, letter())
    assert len(room.mailbox.letters) == 1


async def test_a_letter_can_be_kept_and_refused(room: PracticeRoom) -> None:
    """The classic duplicate: it arrived, but the sender is told that it did not."""
    room.mailbox.fail("DATA", acted=True)
    with pytest.raises(smtplib.SMTPDataError):
        await send(room, letter())
    assert len(room.mailbox.letters) == 1


async def test_a_connection_can_be_refused(room: PracticeRoom) -> None:
    """The client finds a closed door, once."""
    room.mailbox.fail("CONNECT")
    with pytest.raises((smtplib.SMTPException, OSError)):
        await send(room, letter())
    await send(room, letter())


async def test_the_mailbox_goes_down_and_comes_back_at_its_address(room: PracticeRoom) -> None:
    """Down, it refuses connections; up again, it has the same port and the old letters."""
    await send(room, letter("one"))
    url = room.mailbox.url
    await room.mailbox.stop()
    with pytest.raises(OSError, match="refused"):
        await send(room, letter("two"))
    await room.mailbox.start()
    assert room.mailbox.url == url
    await send(room, letter("three"))
    assert [kept.subject for kept in room.mailbox.letters] == ["one", "three"]


async def test_going_down_breaks_open_connections(room: PracticeRoom) -> None:
    """A client in the middle of its letter loses the line."""
    host, port = room.mailbox.url.removeprefix("smtp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await reader.readline()
    await room.mailbox.stop()
    with pytest.raises(ConnectionError):  # noqa: PT012  the write may be what fails
        writer.write(b"EHLO x\r\n")
        await writer.drain()
        if not await reader.read():
            raise ConnectionResetError
    writer.close()
