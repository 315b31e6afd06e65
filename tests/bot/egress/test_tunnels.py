"""TLS through the proxy."""

import asyncio
import ssl
from collections.abc import Sequence

import pytest

from bot.egress import Allowlist, Private, Rules
from bot.egress.hello import ALERT
from tests.bot.egress.ends import (
    HOST,
    LOOPBACK,
    PATIENCE_S,
    Reader,
    Way,
    Writer,
    connect,
    echo,
    hello,
    proxy,
    rules,
    server,
    silent,
    trust,
    until,
)

OTHER = "other.example.org"
MISFITS = [
    hello(OTHER),
    hello(None),
    b"GET / HTTP/1.1\r\n\r\n",
    b"SSH-2.0-x\r\n",
    b"\x00" * 600,
    b"\x16\x03\x01",
]


async def established(reader: Reader) -> None:
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"


async def talk(way: Way, port: int, said: bytes, *, host: str = HOST) -> bytes:
    """Say something to a server through TLS through the proxy: what it answers."""
    async with asyncio.timeout(PATIENCE_S), way.client(connect(host, port)) as (reader, writer):
        await established(reader)
        await writer.start_tls(trust().client, server_hostname=host)
        writer.write(said)
        return await reader.readexactly(len(said))


async def test_an_allowed_host_is_reached() -> None:
    """TLS goes through to an allowed host, checked against its certificate, and is told with its bytes."""
    said = b"Hello. " * 50_000
    async with server(echo, trust().server) as port, proxy(rules(port)) as way:
        assert await talk(way, port, said) == said
        told = (await way.end())[0]
    assert (told.host, told.port, told.address) == (HOST, port, LOOPBACK)
    assert (told.outcome, told.why) == ("allowed", "")
    assert told.sent > len(said)
    assert told.received > len(said)
    assert 0 < told.seconds < PATIENCE_S


async def test_an_address_is_reached_where_it_was_allowed() -> None:
    """An address may be allowed too; TLS never names one, so it names no server then."""
    async with server(echo, trust().server) as port:
        given = Rules(Allowlist.parse([LOOPBACK]), Private.parse(f"{LOOPBACK}:{port}"))
        async with proxy(given) as way:
            assert await talk(way, port, b"Hello.", host=LOOPBACK) == b"Hello."
            async with way.client(connect(LOOPBACK, port) + hello(HOST)) as (reader, _):
                await established(reader)
                assert await reader.read() == ALERT


@pytest.mark.parametrize(
    ("host", "port"),
    [(OTHER, None), ("www." + HOST, None), (LOOPBACK, None), ("localhost", None), (HOST, 22)],
)
async def test_what_is_not_allowed_is_not_asked_for(host: str, port: int | None) -> None:
    """A host, address or port that is not allowed is neither looked up nor connected to, and is told."""

    async def never(name: str, _port: int) -> Sequence[str]:
        raise AssertionError(name)

    async with server(silent) as open_port:
        given = rules(open_port, resolve=never, advice="Ask: /agent hosts allow coder {host}")
        async with proxy(given) as way:
            answer = await way.answer(connect(host, port or open_port))
            told = await way.end()
    assert answer.startswith(f"HTTP/1.1 403 The host {host} is not allowed at port".encode())
    assert answer.endswith(f"Ask: /agent hosts allow coder {host}:{port or open_port}\n".encode())
    assert [(one.host, one.outcome, one.address, one.sent) for one in told] == [(host, "refused", "", 0)]


async def test_what_is_taken_away_is_closed_and_told() -> None:
    """A tunnel to a host that is allowed no more ends at once; one to another host, and new ones, go on."""
    async with server(echo, trust().server) as port:
        before = rules(port, allowed=(HOST, OTHER))
        async with proxy(before) as way, way.client(connect(HOST, port)) as (reader, writer):
            await established(reader)
            await writer.start_tls(trust().client, server_hostname=HOST)
            async with way.client(connect(OTHER, port) + hello(OTHER)) as (other, _):
                await established(other)
                way.proxy.obey(rules(port))
                assert await other.read() == b""
                writer.write(b"Hello.")
                assert await reader.readexactly(6) == b"Hello."
            assert await talk(way, port, b"Hello.") == b"Hello."
            assert b" 403 " in await way.answer(connect(OTHER, port))
            told = await way.end()
    closed = next(one for one in told if one.host == OTHER)
    assert (closed.outcome, closed.why) == (
        "allowed",
        "The host was taken away from the agent meanwhile, so the connection was closed.",
    )


async def test_a_request_is_judged_by_the_rules_of_its_moment() -> None:
    """A client that connected before and asks afterwards gains nothing by it."""
    async with server(silent) as port, proxy(rules(port)) as way, way.client() as (reader, writer):
        await until(lambda: bool(way.proxy._visits))
        way.proxy.obey(Rules())
        writer.write(connect(HOST, port))
        assert b" 403 " in await reader.readline()


async def test_a_line_with_a_port_is_for_that_port() -> None:
    """The operator's exception does not widen a line that names its port."""
    async with server(silent) as port, proxy(rules(port, allowed=(f"{HOST}:8443",))) as way:
        assert (await way.answer(connect(HOST, port))).startswith(b"HTTP/1.1 403 ")


async def test_everything_is_refused_by_default() -> None:
    """Without an allowlist nothing is reached."""
    async with proxy(Rules()) as way:
        assert b"403 The host w3.org is not allowed for this agent." in await way.answer(
            connect("w3.org", 443)
        )


@pytest.mark.parametrize("said", MISFITS)
async def test_no_byte_goes_unless_tls_names_the_host(said: bytes) -> None:
    """Another name, none, or something that is no TLS ends the connection before the host hears a byte."""
    heard = bytearray()

    async def hear(reader: Reader, _writer: Writer) -> None:
        heard.extend(await reader.read())

    async with server(hear) as port, proxy(rules(port)) as way:
        async with way.client(connect(HOST, port) + said) as (reader, writer):
            writer.write_eof()
            await established(reader)
            assert await reader.read() == ALERT
        told = (await way.end())[0]
    assert (told.outcome, told.sent, told.received) == ("refused", 0, 0)
    assert told.why.endswith(".")
    assert heard == b""


async def test_the_far_end_is_not_heard_before_tls() -> None:
    """What a server says first does not come through before TLS has named it."""

    async def greet(_reader: Reader, writer: Writer) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await asyncio.Event().wait()

    async with server(greet) as port, proxy(rules(port), head_s=0.2) as way:
        async with way.client(connect(HOST, port)) as (reader, _):
            await established(reader)
            assert await reader.read() == ALERT
        assert (await way.end())[0].why == "The first message of TLS did not come in time."


async def test_tls_in_single_bytes() -> None:
    """A client may send its first message byte by byte."""
    said = hello(HOST)
    async with server(echo) as port, proxy(rules(port)) as way, way.client() as (reader, writer):
        for at in connect(HOST, port):
            writer.write(bytes([at]))
            await writer.drain()
        await established(reader)
        for at in said:
            writer.write(bytes([at]))
            await writer.drain()
        assert await reader.readexactly(len(said)) == said


async def test_each_direction_ends_by_itself() -> None:
    """A client that has said all still hears the answer."""
    said = hello(HOST)

    async def answer_at_the_end(reader: Reader, writer: Writer) -> None:
        writer.write((await reader.read())[::-1])
        await writer.drain()

    async with server(answer_at_the_end) as port, proxy(rules(port)) as way:
        async with way.client(connect(HOST, port) + said + b"and more") as (reader, writer):
            writer.write_eof()
            await established(reader)
            assert await reader.read() == (said + b"and more")[::-1]
        told = (await way.end())[0]
    assert (told.outcome, told.why, told.sent, told.received) == ("allowed", "", len(said) + 8, len(said) + 8)


async def test_a_name_is_resolved_once() -> None:
    """The address that was judged is the one that is connected to: a second answer is never asked for."""
    asked = []

    async def rebinding(name: str, _port: int) -> Sequence[str]:
        asked.append(name)
        return [LOOPBACK] if len(asked) == 1 else ["169.254.169.254"]

    async with server(echo, trust().server) as port, proxy(rules(port, resolve=rebinding)) as way:
        assert await talk(way, port, b"Hello.") == b"Hello."
        assert (await way.end())[0].address == LOOPBACK
    assert asked == [HOST]


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["127.0.0.1"], ["::1"], ["8.8.8.8", "169.254.169.254"], ["::ffff:8.8.8.8"]]
)
async def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    """If any address of an allowed name is not public, none of them is connected to."""

    async def inside(_name: str, _port: int) -> Sequence[str]:
        return found

    async with proxy(rules(resolve=inside)) as way:
        answer = await way.answer(connect(HOST, 443))
    assert answer.startswith(b"HTTP/1.1 403 The host pages.example.org is not on the public Internet")


async def test_an_exception_holds_for_its_port_alone() -> None:
    """The operator's exception opens its own port, not its neighbour."""
    async with server(silent) as port, server(silent) as other, proxy(rules(port)) as way:
        assert (await way.answer(connect(HOST, other))).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("port", [1, 443])
async def test_a_host_that_is_not_reached(port: int) -> None:
    """An allowed host that does not answer, or has no address, is a fault of its own, not a refusal."""

    async def nowhere(_name: str, _port: int) -> Sequence[str]:
        if port == 1:
            return [LOOPBACK]
        raise OSError("no such name")

    async with proxy(rules(port, resolve=nowhere)) as way:
        assert (await way.answer(connect(HOST, port))).startswith(b"HTTP/1.1 502 The ")
        assert (await way.end())[0].outcome == "failed"


@pytest.mark.parametrize(
    "target",
    [
        "pages.example.org", "pages.example.org:", "pages.example.org:0443", ":443",
        "u@pages.example.org:443", "*:443", "https://pages.example.org:443", "pages.example.org:443/",
        "127.1:443", "0x7f.1:443", "2130706433:443", "[::1%25lo]:443", "[pages.example.org]:443",
        "pages.example.org%00.evil.example:443", "pages.example.org:443 x", "pages.example.org:65536",
        "xn--é.example:443",
    ],
)  # fmt: skip
async def test_a_target_is_a_host_and_a_port(target: str) -> None:
    """Any other spelling of the target of CONNECT is refused."""
    async with proxy(rules()) as way:
        answer = await way.answer(f"CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert [(one.host, one.outcome) for one in await way.end()] == [("", "refused")]


async def test_a_server_that_the_client_does_not_trust() -> None:
    """The proxy reads nothing inside TLS: the client checks the certificate itself."""
    async with (
        server(echo, trust().server) as port,
        proxy(rules(port)) as way,
        way.client(connect(HOST, port)) as (reader, writer),
    ):
        await established(reader)
        with pytest.raises(ssl.SSLCertVerificationError):
            await writer.start_tls(ssl.create_default_context(), server_hostname=HOST)


async def test_a_real_lookup_obeys_too() -> None:
    """The machine's own resolver is asked, and what it says is judged."""
    async with server(echo) as port, proxy(Rules(Allowlist.parse(["localhost"]))) as way:
        answer = await way.answer(connect("localhost", 443))
        assert answer.startswith(b"HTTP/1.1 403 The host localhost is not on the public Internet")
        assert (await way.answer(connect("localhost", port))).startswith(b"HTTP/1.1 403")
