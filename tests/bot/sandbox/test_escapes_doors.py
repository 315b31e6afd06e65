"""Attempts of the corpus on what goes out of the doors that no test of the doors has yet."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from bot.delivery.email import Mailer
from bot.delivery.envelope import Sender, of_notice
from bot.delivery.outlet import Attachment
from bot.tools.keeping import fit
from storage.tables import Notices

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = Sender("Legwork <legwork@example.com>", "example.com")
SMUGGLED = "MAIL FROM:<evil@example.net>{eol}RCPT TO:<dana@example.org>{eol}DATA{eol}"
ENDS = [
    "\n.\n",
    "\r.\r",
    "\r\n.\r\n",
    "\n.\r\n",
    "\r.\r\n",
    "\r\n.\n",
    "\n..\n",
    "\r\n.",
    "\x00\n.\n",
    "\x85.\x85",
]


@pytest.mark.parametrize("end", ENDS, ids=ascii)
async def test_no_text_ends_a_mail_early(end: str) -> None:
    """Line ends are made whole and dots doubled: one mail goes out, whatever it says (CVE-2023-51764)."""
    text = f"before{end}{SMUGGLED.format(eol=end.replace('.', '')[:2])}after"
    notice = Notices(
        id=4, outlet="email", address="eve@example.org", thread="", subject="Hi", text=text, at=NOON
    )
    mail = of_notice(notice, SENDER, Attachment("a.txt", "text/plain", text.encode()))
    said: list[bytes] = []
    content = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal content
        writer.write(b"220 ready\r\n")
        while line := await reader.readuntil(b"\n"):
            said.append(line[:4].upper())
            if said[-1] == b"DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"221 bye\r\n" if said[-1] == b"QUIT" else b"250 ok\r\n")
            if said[-1] == b"QUIT":
                writer.close()
                return

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        mailer = Mailer(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", 5)
        await asyncio.to_thread(mailer.send, mail, "legwork@example.com", "eve@example.org")
    assert [word.strip() for word in said] == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"]
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert not re.search(rb"(?m)^\.(?!\.)", content.removesuffix(b".\r\n"))
    assert b"\0" not in content


@pytest.mark.parametrize(
    "asked",
    ["../x", "a/../../x", ".x", "..", "a\nb", "a\r\nb", "a\u202eb", "\\..\\x", "-rf", "--help", "x" * 400],
)
def test_a_file_has_a_safe_name(asked: str) -> None:
    """What is uploaded to Slack leads nowhere, hides nothing, is no option and is not too long."""
    name = fit("T-1", asked)
    assert re.fullmatch(r"[\w() +=@,][\w.() +=@,-]*", name)
    assert len(name) <= 160
