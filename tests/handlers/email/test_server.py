"""The mail door: what it takes is on the disk, what it does not take is said, and nobody brings it down."""

import asyncio
import contextlib
import logging
import smtplib
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from bot.app.listening import bind
from bot.errors import LegworkError
from bot.reply_address import ReplyAddresses
from bot.stream import bell
from bot.vault import Keyring
from handlers.email.server import serving_mail
from storage import database
from tests.fakes.core import NOON, Core
from tests.fakes.post import ADDRESSES, DOMAIN, DOOR, Post, kept, letter, posted, until

T = TypeVar("T")
LETTER = letter("Hello there")
NEVER = "task+1.1.aaaaaaaaaaaaaaaaaaaaaaaaaa@legwork.example"


async def at(post: Post, act: Callable[[smtplib.SMTP], T]) -> T:
    """Do something as a client of the door, greeted and with a sender named."""

    def work() -> T:
        with post.client() as client:
            client.ehlo()
            client.mail("dana@example.org")
            return act(client)

    return await asyncio.to_thread(work)


@contextlib.asynccontextmanager
async def raw(post: Post) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection without a client that minds its manners."""
    host, _, port = post.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def everything(reader: asyncio.StreamReader) -> str:
    """What the door says until it hangs up."""
    said = b""
    with contextlib.suppress(ConnectionError):  # it may cut a client short that goes on talking
        while piece := await reader.read(65_536):
            said += piece
    return said.decode()


@contextlib.asynccontextmanager
async def traced() -> AsyncIterator[list[str]]:
    """Every statement that the database runs meanwhile, on its own thread and on the loop's."""
    said: list[str] = []

    def report(to: Callable[[str], None] | None) -> None:
        database.proxy.connection().set_trace_callback(to)

    await database.run(report, said.append)
    await database.look(report, said.append)
    said.clear()
    yield said
    await database.run(report, None)
    await database.look(report, None)


async def _serves(post: Post, address: str) -> bool:
    """Whether the door takes a letter."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        await post.send(LETTER, address)
        return True
    return False


async def _drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte at a time, for ever."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)


async def test_a_letter_for_a_good_address_is_kept_as_it_came(post: Post) -> None:
    """Every byte, the envelope and the time are in the database once the door says 250, and readers wake."""
    _, address = await post.task()
    heard = bell.rung
    await post.send(LETTER, address.upper().replace("LEGWORK.EXAMPLE", "Legwork.Example"))
    [row] = await kept()
    assert (bytes(row.content), row.mail_from, row.rcpt) == (LETTER, "dana@example.org", address)
    assert (row.at, row.state) == (NOON, "new")
    assert bell.rung > heard


async def test_postmaster_and_abuse_are_always_taken(post: Post) -> None:
    """In any case, and postmaster without a domain too (RFC 5321, section 4.5.1; RFC 2142)."""
    for address in ("postmaster@legwork.example", "POSTMASTER", "Abuse@LEGWORK.example"):
        await post.send(LETTER, address)
    assert [row.rcpt for row in await kept()] == [
        "postmaster@legwork.example",
        "postmaster",
        "abuse@legwork.example",
    ]


async def test_any_other_address_is_refused(post: Post) -> None:
    """A forged proof, another house's, a stranger's address: 550 and what to do; nothing is relayed."""
    task, address = await post.task()
    local = address.partition("@")[0]
    other = ReplyAddresses(Keyring(("other",)).all("reply address"), DOMAIN)
    refused = [
        NEVER,
        other.task(task, 1),
        f"{local}@elsewhere.example",
        address.replace("task+", "ask+"),
        address[:-20] + address[-19:],
        "dana@example.org",
        "postmaster@elsewhere.example",
        "abuse",
        "coder@legwork.example",
        "@legwork.example",
        "<>",
        "dana@example.org@legwork.example",
        "dana%example.org@legwork.example",
    ]
    answers = await at(post, lambda client: [client.docmd(f"RCPT TO:<{one}>") for one in refused])
    assert [code for code, _ in answers if code < 500] == []
    code, said = answers[0]
    assert (code, said.decode()) == (
        550,
        "5.1.1 There is no such address here. Answer a mail of Legwork, to its Reply-To as it stands.",
    )
    assert await kept() == []


async def test_an_address_whose_subscription_is_gone_is_refused(post: Post) -> None:
    """A proof that holds for nobody, or for another task's recipient, leads nowhere."""
    task, _ = await post.task()
    mixed = [ADDRESSES.task(task, 99), ADDRESSES.task(99, await post.heard(task)), ADDRESSES.ask(1, 99, NOON)]
    codes = await at(post, lambda client: [client.rcpt(one)[0] for one in mixed])
    assert codes == [550, 550, 550]


async def test_a_forged_address_costs_no_query(post: Post) -> None:
    """Whoever guesses addresses does not reach the database."""
    async with traced() as said:
        assert await at(post, lambda client: client.rcpt(NEVER)[0]) == 550
        assert said == []


async def test_an_old_question_is_still_taken(post: Post) -> None:
    """A letter to an address that decides no more is answered, not refused."""
    task, _ = await post.task()
    old = ADDRESSES.ask(1, await post.heard(task), NOON - timedelta(days=100))
    await post.send(LETTER, old)
    assert [row.rcpt for row in await kept()] == [old]


async def test_a_letter_for_several_is_kept_for_each_in_one_commit(post: Post) -> None:
    """One row for each recipient, none for one that is named twice; one over the most hears 452."""
    task, address = await post.task("eve@example.org")
    other = await post.reply_address(task, "eve@example.org")
    several = [address, other, address.upper(), "postmaster@legwork.example", "abuse@legwork.example"]

    def work(client: smtplib.SMTP) -> tuple[list[int], int, int]:
        codes = [client.rcpt(one)[0] for one in several]
        return codes, client.rcpt(address)[0], client.data(LETTER)[0]

    assert await at(post, work) == ([250] * 5, 452, 250)
    assert [row.rcpt for row in await kept()] == [address, other, *several[3:]]


async def test_lmtp_answers_for_each_recipient(core: Core) -> None:
    """After a letter LMTP says for each recipient whether it was kept (RFC 2033, section 4.2)."""
    async with serving_mail(DOOR, bind("127.0.0.1:0"), "LMTP") as where:
        post = Post(core, where)
        _, address = await post.task()
        hidden = LETTER.replace(b"Hello", b"Hello\nthere")
        async with raw(post) as (reader, writer):
            said = b""
            for content in (LETTER, hidden):
                writer.write(b"LHLO client.example\r\nMAIL FROM:<dana@example.org>\r\n")
                writer.write(f"RCPT TO:<{address}>\r\nRCPT TO:<abuse@legwork.example>\r\nDATA\r\n".encode())
                said += await reader.readuntil(b"354 ")
                writer.write(content + b".\r\n")
            writer.write(b"EHLO x\r\nQUIT\r\n")
            said += (await everything(reader)).encode()
    assert said.count(b"250 2.0.0 It is kept.\r\n") == 2
    assert said.count(b"554 5.6.0") == 2
    assert b'500 Error: command "EHLO"' in said
    assert len(await kept()) == 2


@pytest.mark.parametrize(
    "smuggled",
    [
        b"One\nTwo",
        b"One\rTwo",
        b"One\r\r\nTwo",
        b"One\n\r\nTwo",
        b"One\n.\r\nMAIL FROM:<x@y.z>",
        b"One\r.\rTwo",
    ],
)
async def test_a_letter_with_bare_line_ends_is_refused(post: Post, smuggled: bytes) -> None:
    """A second letter hidden behind a bare line end (CVE-2023-51764) is refused with the first, for good."""
    _, address = await post.task()
    async with raw(post) as (reader, writer):
        writer.write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
        await reader.readuntil(b"354 ")
        writer.write(b"Subject: x\r\n\r\n" + smuggled + b"\r\n.\r\nQUIT\r\n")
        said = await everything(reader)
    assert "554 5.6.0 The letter has a line feed or a carriage return alone" in said
    assert "221" in said
    assert await kept() == []


async def test_dots_are_as_the_sender_wrote_them(post: Post) -> None:
    """A line that begins with a dot, or is one, arrives whole (RFC 5321, section 4.5.2)."""
    _, address = await post.task()
    await post.send(letter(".\n..\n.net is\n"), address)
    assert bytes((await kept())[0].content).endswith(b"\r\n.\r\n..\r\n.net is\r\n\r\n")


async def test_a_letter_that_is_too_large_is_refused(core: Core) -> None:
    """Whether it says so first or not: 552; one that goes on and on is cut off, and nothing is kept."""
    async with posted(core, letter_bytes=100_000) as post:
        _, address = await post.task()
        large = letter("x" * 900 + "\n" + ("y" * 900 + "\n") * 120)

        def declared(client: smtplib.SMTP) -> int:
            client.rset()
            return client.mail("dana@example.org", [f"SIZE={len(large)}"])[0]

        def undeclared(client: smtplib.SMTP) -> int:
            client.rcpt(address)
            return client.data(large)[0]

        assert await at(post, declared) == 552
        assert await at(post, undeclared) == 552
        async with raw(post) as (reader, writer):
            writer.write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
            await reader.readuntil(b"354 ")
            with contextlib.suppress(ConnectionError):
                for _ in range(1_000):
                    writer.write(b"z" * 10_000)
                    await writer.drain()
            said = await everything(reader)
        assert said == "" or "421 4.3.4" in said
        await post.send(LETTER, address)
    assert len(await kept()) == 1


async def test_a_null_sender_is_taken(post: Post) -> None:
    """Bounces come from nobody (RFC 5321, section 4.5.5)."""
    _, address = await post.task()
    await post.send(LETTER, address, sender="")
    assert [row.mail_from for row in await kept()] == ["<>"]


async def test_senders_beyond_ascii(post: Post) -> None:
    """A sender in UTF-8 is kept (RFC 6531); bytes that are no text are refused."""
    _, address = await post.task()

    def work(client: smtplib.SMTP) -> tuple[int, int]:
        client.rset()
        client.send(b"MAIL FROM:<\xff\xfe@example.org>\r\n")
        refused = client.getreply()[0]
        client.mail("dänä@example.org", ["SMTPUTF8"])
        client.rcpt(address)
        return refused, client.data(LETTER)[0]

    assert await at(post, work) == (553, 250)
    assert [row.mail_from for row in await kept()] == ["dänä@example.org"]


async def test_what_the_door_offers(post: Post) -> None:
    """Size, 8-bit and UTF-8 letters and pipelining; no login, no encryption, nobody's name."""

    def work(client: smtplib.SMTP) -> tuple[set[str], list[int]]:
        asked = ("AUTH PLAIN AGEAYg==", "STARTTLS", "VRFY dana", "EXPN team", "NOOP", "HELP", "BDAT 3 LAST")
        return set(client.esmtp_features), [client.docmd(one)[0] for one in asked]

    features, codes = await at(post, work)
    assert features == {"size", "8bitmime", "smtputf8", "pipelining", "help"}
    assert codes == [502, 454, 252, 502, 250, 250, 500]


async def test_commands_may_be_sent_without_waiting(post: Post) -> None:
    """A pipelined session (RFC 2920) with a bad recipient among good ones is answered line by line."""
    _, address = await post.task()
    async with raw(post) as (reader, writer):
        writer.write(b"EHLO x\r\nMAIL FROM:<dana@example.org>\r\nRSET\r\nMAIL FROM:<dana@example.org>\r\n")
        writer.write(f"RCPT TO:<{NEVER}>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
        writer.write(LETTER + b".\r\nRCPT TO:<abuse@legwork.example>\r\nQUIT\r\n")
        said = await everything(reader)
    codes = [line[:3] for line in said.split("\r\n") if line[3:4] == " "]
    assert codes == ["220", "250", "250", "250", "250", "550", "250", "354", "250", "503", "221"]
    assert len(await kept()) == 1


async def test_a_reset_forgets_recipients(post: Post) -> None:
    """After RSET there is nobody to send to."""
    _, address = await post.task()

    def work(client: smtplib.SMTP) -> tuple[int, ...]:
        answers = [client.rcpt(address), client.rset(), client.docmd("DATA"), client.mail("eve@example.org")]
        return (*(code for code, _ in answers), client.docmd("DATA")[0])

    assert await at(post, work) == (250, 250, 503, 250, 503)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n" * 50,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n",
        b"RCPT\r\nRCPT TO\r\nRCPT TO:\r\nRCPT TO:<\r\nRCPT TO:<<>>\r\n",
        b'EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<"\r\nRCPT TO:<"@\r\nRCPT TO:<[]>\r\nRCPT TO:(\r\n',
        b"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<\xff\xff@legwork.example>\r\nDATA\r\nDATA x\r\n",
        b"EHLO " + b"x" * 5_000_000 + b"\r\n",
        b"EHLO x\r\nMAIL FROM:<" + b"x" * 900 + b"@y.z>\r\n",
        b"\0" * 100_000,
        b"EHLO x\nMAIL FROM:<x@y.z>\nQUIT\n",
    ],
)
async def test_garbage_brings_nothing_down(post: Post, garbage: bytes) -> None:
    """Whatever a client sends, it is answered or hung up on, nothing is kept, and the next one is served."""
    async with raw(post) as (reader, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(garbage)
            await writer.drain()
        writer.write_eof()
        assert "220 legwork.example Legwork" in await everything(reader)
    assert await kept() == []
    _, address = await post.task()
    await post.send(LETTER, address)
    assert len(await kept()) == 1


async def test_a_letter_that_is_broken_off_is_not_kept(post: Post) -> None:
    """A client that ends before the last dot, or says no more, has sent nothing."""
    _, address = await post.task()
    async with raw(post) as (reader, writer):
        writer.write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
        await reader.readuntil(b"354 ")
        writer.write(LETTER)
        writer.write_eof()  # half closed: it could still be told something
        await everything(reader)
    assert await kept() == []


async def test_who_does_nothing_is_hung_up_on(core: Core) -> None:
    """Idle at first, or dripping in the middle of a letter: 421, and the place is free again."""
    async with posted(core, idle_s=0.3, connections=2) as post:
        _, address = await post.task()
        async with raw(post) as silent, raw(post) as slow:
            slow[1].write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
            drip = asyncio.create_task(_drip(slow[1]))
            assert "421 4.4.2 Nothing came for too long" in await everything(silent[0])
            assert "421 4.4.2" in await everything(slow[0])
            drip.cancel()
            await until(lambda: _serves(post, address))
    assert await kept()


async def test_who_reads_no_answers_is_hung_up_on(core: Core) -> None:
    """A client that only talks does not keep its place, however many answers wait for it."""
    async with posted(core, idle_s=0.3, connections=1) as post:
        _, address = await post.task()
        async with raw(post) as (_, writer):
            writer.write(b"\r\n" * 900_000)
            await until(lambda: _serves(post, address))


async def test_a_connection_may_bring_many_letters(core: Core) -> None:
    """The bounds are those of one letter, not of all that come one after the other."""
    async with posted(core, letter_bytes=100_000) as post:
        _, address = await post.task()
        large = letter(("y" * 900 + "\n") * 100)

        def work(client: smtplib.SMTP) -> list[int]:
            client.rset()
            return [len(client.sendmail("dana@example.org", [address], large)) for _ in range(5)]

        assert await at(post, work) == [0] * 5


async def test_a_large_letter_may_take_its_time(core: Core) -> None:
    """Whoever goes on sending is not idle: a letter may take longer than the time for one command."""
    async with posted(core, idle_s=1, letter_bytes=2 << 20) as post:
        _, address = await post.task()
        async with raw(post) as (reader, writer):
            writer.write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
            await reader.readuntil(b"354 ")
            for _ in range(14):
                writer.write((b"y" * 998 + b"\r\n") * 80)
                await asyncio.sleep(0.1)  # what is tested is that time passes
            writer.write(b".\r\nQUIT\r\n")
            assert "250 2.0.0 It is kept." in await everything(reader)


async def test_too_many_connections_are_told_to_come_again(core: Core) -> None:
    """Beyond the most a client hears 421; once one leaves, the next is let in."""
    async with posted(core, connections=2) as post:
        _, address = await post.task()
        async with raw(post) as first, raw(post) as second:
            assert (
                await first[0].readline() == await second[0].readline() == b"220 legwork.example Legwork\r\n"
            )
            async with raw(post) as third:
                third[1].write(b"EHLO x\r\n")
                assert "421 4.3.2 Too many connections" in await everything(third[0])
        await until(lambda: _serves(post, address))


async def test_a_database_that_cannot_write_loses_nothing(post: Post) -> None:
    """While the disk is full the sender is told to try again, and then it is kept once."""
    _, address = await post.task()

    def limit(pages: int) -> None:
        database.proxy.execute_sql(f"PRAGMA max_page_count = {pages}")

    await database.run(limit, 1)
    large = letter("x\n" * 50_000)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await post.send(large, address)
    assert refused.value.smtp_code == 451
    await database.run(limit, 1_000_000)
    await post.send(large, address)
    assert len(await kept()) == 1


async def test_what_is_answered_with_250_was_committed_durably(post: Post) -> None:
    """The commit of a letter waits for the disk (synchronous=FULL is 2), and those after it do not."""
    _, address = await post.task()
    async with traced() as said:
        await post.send(LETTER, address)
    wanted = [one for one in said if one.startswith(("PRAGMA synchronous", "INSERT INTO", "COMMIT"))]
    assert [one[:27] for one in wanted[wanted.index("PRAGMA synchronous = FULL") :]] == [
        "PRAGMA synchronous = FULL",
        'INSERT INTO "letters" ("con',
        "COMMIT",
        "PRAGMA synchronous = normal",
    ]


async def test_the_end_waits_for_a_letter_that_is_being_kept(core: Core) -> None:
    """A door that is closed while it commits finishes that; open connections are told to come again."""
    door = serving_mail(DOOR, bind("127.0.0.1:0"))
    post = Post(core, await door.__aenter__())
    _, address = await post.task()
    async with raw(post) as (reader, writer), raw(post) as idle, traced() as said:
        await idle[0].readline()
        lock = sqlite3.connect(core.path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        writer.write(f"EHLO x\r\nMAIL FROM:<x@y.z>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode())
        await reader.readuntil(b"354 ")
        writer.write(LETTER + b".\r\n")
        await until(lambda: asyncio.sleep(0, "PRAGMA synchronous = FULL" in said))
        ending = asyncio.create_task(door.__aexit__(None, None, None))
        assert "421 4.3.2 The server is stopped" in await everything(idle[0])
        assert not ending.done()
        lock.close()
        await ending
        assert len(await kept()) == 1


async def test_logs_hold_no_proof(post: Post) -> None:
    """Of a reply address logs show the beginning; whoever reads them can answer for nobody."""
    logging.getLogger().setLevel(logging.INFO)
    handler = _Remembering()
    logging.getLogger().addHandler(handler)
    task, address = await post.task()
    forged = ADDRESSES.task(task, 99)
    try:
        with capture_logs() as entries:
            await at(post, lambda client: client.rcpt(forged))
            await at(post, lambda client: client.docmd(f"RCPT {address}"))
            await at(post, lambda client: client.docmd(address))
            await post.send(LETTER, address)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    logged = f"{entries} {handler.messages}"
    proofs = [one.partition("@")[0].rpartition(".")[2] for one in (address, forged)]
    assert not [proof for proof in proofs if proof in logged.lower()]
    assert f".{proofs[1][:6]}…@" in logged


async def test_an_ipv6_address_stands_in_brackets(core: Core) -> None:
    """The address is one that can be used as it is."""
    try:
        listener = bind("[::1]:0")
    except LegworkError:
        pytest.skip("this machine has no IPv6 loopback")
    async with serving_mail(DOOR, listener) as address:
        assert address.startswith("[::1]:")
        assert core


class _Remembering(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


async def test_a_letter_to_the_house_is_small(core: Core) -> None:
    """Anybody may write to postmaster and abuse: a large one is refused, also among other addresses."""
    async with posted(core, house_bytes=4_096) as post:
        _, address = await post.task()
        large = letter("word word\n" * 500)
        for to in (["abuse@legwork.example"], ["POSTMASTER"], [address, "postmaster@legwork.example"]):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                await post.send(large, *to)
            assert (refused.value.smtp_code, b"4 kB" in bytes(refused.value.smtp_error)) == (552, True)
        await post.send(large, address)
        await post.send(LETTER, "abuse@legwork.example")
        assert [row.rcpt for row in await kept()] == [address, "abuse@legwork.example"]


async def test_letters_to_the_house_are_few(core: Core) -> None:
    """Beyond so many in an hour they are put off; what people answer is not."""
    clock = [NOON]
    async with posted(core, house_letters_per_hour=2, now=lambda: clock[0]) as post:
        _, address = await post.task()
        for _ in range(2):
            await post.send(LETTER, "abuse@legwork.example")
        code, said = await at(post, lambda client: client.rcpt("postmaster"))
        assert (code, b"Try again in an hour" in said) == (450, True)
        await post.send(LETTER, address)
        clock[0] += timedelta(hours=1)
        await post.send(LETTER, "postmaster")
    assert len(await kept()) == 4
