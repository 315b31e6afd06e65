"""Handing mails to an SMTP server that has bad days."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest

from bot.delivery.email import Mailer
from bot.delivery.outlet import AccessError
from bot.errors import LegworkError, Permanent, Retry

MAIL = EmailMessage()
MAIL["Subject"] = "Hello"
MAIL.set_content("Hello")


class Server:
    """A mail server that answers as the test says; "" closes the connection.

    Attributes:
        answers: By command, what differs from the usual.
        mails: How many it took.
        said: The commands that came.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails = 0
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
                    while await reader.readline() != b".\r\n":
                        pass
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
