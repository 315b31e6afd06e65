"""Plain HTTP through the proxy."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.bot.egress.ends import HOST, Reader, Way, Writer, proxy, rules, server, until

CHUNKED = b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"


class Site:
    """A server that notes every byte, and answers once it has seen what ends a request."""

    def __init__(self, end: bytes = b"\r\n\r\n", answer: bytes = ANSWER) -> None:
        self.heard = b""
        self.port = 0
        self._end, self._answer = end, answer

    async def handle(self, reader: Reader, writer: Writer) -> None:
        """Hear a request, answer it, and go on hearing."""
        while self._end not in self.heard and (data := await reader.read(65536)):
            self.heard += data
        writer.write(self._answer)
        writer.write_eof()
        self.heard += await reader.read()

    @property
    def head(self) -> list[bytes]:
        """The lines of what was asked."""
        return self.heard.partition(b"\r\n\r\n")[0].split(b"\r\n")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def way(site: Site) -> AsyncIterator[Way]:
    async with server(site.handle) as site.port, proxy(rules(site.port)) as opened:
        yield opened


def ask(site: Site, *lines: str, method: str = "GET", path: str = "/", body: bytes = b"") -> bytes:
    head = "\r\n".join([f"{method} http://{HOST}:{site.port}{path} HTTP/1.1", *lines])
    return head.encode() + b"\r\n\r\n" + body


async def test_a_page_is_asked_for_anew(site: Site, way: Way) -> None:
    """The server sees a request of the proxy's own: its own path and host, no hop's headers, one request."""
    said = ask(
        site,
        "Host: evil.example",
        "Accept: text/html",
        "Connection: keep-alive, X-Mine, close",
        "X-Mine: 1",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Anything: 1",
        "TE: trailers",
        "Upgrade: websocket",
        "Cookie: a=b",
        path="/a%20b?q=http://c/",
    )
    assert await way.answer(said) == ANSWER
    assert site.head == [
        b"GET /a%20b?q=http://c/ HTTP/1.1",
        f"Host: {HOST}:{site.port}".encode(),
        b"Accept: text/html",
        b"Cookie: a=b",
        b"Via: 1.1 legwork",
        b"Connection: close",
    ]
    told = (await way.end())[0]
    assert (told.host, told.outcome, told.why) == (HOST, "allowed", "")
    assert (told.sent, told.received) == (len(site.heard), len(ANSWER))


@pytest.mark.parametrize(
    ("path", "seen"), [("", b"/"), ("?a", b"/?a"), ("//x/../y", b"//x/../y"), ("/a#b", b"/a")]
)
async def test_the_path_is_passed_on(site: Site, way: Way, path: str, seen: bytes) -> None:
    """A path goes as it is, without a fragment; where there is none, it is the root."""
    assert await way.answer(ask(site, "Host: a", path=path)) == ANSWER
    assert site.head[0] == b"GET " + seen + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("lines", "body", "seen"),
    [
        (["Content-Length: 5"], b"hello", b"hello"),
        (["Content-Length: 5", "Content-Length: 5"], b"hello", b"hello"),
        (["Transfer-Encoding: chunked"], b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nA: b\r\n\r\n", CHUNKED),
        (["Connection: Content-Length", "Content-Length: 5"], b"hello", b"hello"),
    ],
)  # fmt: skip
async def test_a_body_keeps_its_length(lines: list[str], body: bytes, seen: bytes) -> None:
    """A body goes with a length of our own writing; extensions of chunks and trailers do not."""
    site = Site(end=seen)
    async with server(site.handle) as site.port, proxy(rules(site.port)) as way:
        assert await way.answer(ask(site, "Host: a", *lines, method="POST", body=body)) == ANSWER
    assert site.heard.endswith(b"\r\n\r\n" + seen)


SMUGGLED = b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([], SMUGGLED),
        (["Content-Length: 0"], SMUGGLED),
        (["Content-Length: 3"], b"abc" + SMUGGLED),
        (["Transfer-Encoding: chunked"], b"0\r\n\r\n" + SMUGGLED),
    ],
)
async def test_a_second_request_is_never_sent(site: Site, way: Way, lines: list[str], body: bytes) -> None:
    """One connection carries one request: what follows it goes nowhere."""
    assert await way.answer(ask(site, "Host: a", *lines, method="POST", body=body)) == ANSWER
    await way.end()
    assert b"evil" not in site.heard


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: +5"],
        ["Content-Length: 5, 6"],
        ["Content-Length: 0x5"],
        ["Content-Length: -1"],
        ["Content-Length : 5"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding : chunked"],
        ["Bad Name: x"],
        ["No colon"],
        ["X: a\nGET / HTTP/1.1"],
        ["X: a\rY: b"],
        ["X: a\0b"],
        ["Host: again.example"],
    ],
)
async def test_an_unclear_request_is_refused(site: Site, way: Way, lines: list[str]) -> None:
    """A request whose end or headers could be read in two ways is refused before anything is sent."""
    answer = await way.answer(ask(site, "Host: a", *lines, method="POST", body=b"hello"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (await way.end())[0].outcome == "refused"
    assert site.heard == b""


@pytest.mark.parametrize(
    "line",
    [
        "GET / HTTP/1.1", "GET {host} HTTP/1.1", "OPTIONS * HTTP/1.1", "GET https://{host}/ HTTP/1.1",
        "GET ftp://{host}/ HTTP/1.1", "GET file:///etc/passwd HTTP/1.1", "GET gopher://{host}/ HTTP/1.1",
        "GET http://u:p@{host}/ HTTP/1.1", "GET http://{host}\\@evil.example/ HTTP/1.1",
        "GET http:/{host}/ HTTP/1.1", "GET http:///{host}/ HTTP/1.1",
        "GET http://{host}%2eevil.example/ HTTP/1.1", "GET http://{host}/ HTTP/1.0", "GET http://{host}/",
        "GET http://{host}/ HTTP/2.0", "get\thttp://{host}/ HTTP/1.1", "PRI * HTTP/2.0",
        "GET http://{host}/ a HTTP/1.1", "\x05\x01\x00",
    ],
)  # fmt: skip
async def test_a_page_has_a_whole_plain_address(site: Site, way: Way, line: str) -> None:
    """Only `http://`, a host, and what follows it is asked for; no user, no other spelling, no older HTTP."""
    said = line.replace("{host}", f"{HOST}:{site.port}") + "\r\nHost: a\r\n\r\n"
    assert (await way.answer(said.encode())).startswith(b"HTTP/1.1 400 ")
    await way.end()
    assert site.heard == b""


async def test_a_page_of_another_host_is_refused(site: Site, way: Way) -> None:
    """The host of the page counts, not what the Host header says; the refusal is a page to read."""
    answer = await way.answer(f"GET http://evil.example/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert answer.startswith(
        b"HTTP/1.1 403 The host evil.example is not allowed for this agent. An admin can"
    )
    assert answer.endswith(
        b"\r\n\r\nThe host evil.example is not allowed for this agent. An admin can allow it.\n"
    )
    assert site.heard == b""


async def test_a_body_that_breaks_off(site: Site, way: Way) -> None:
    """A body that is malformed ends both connections."""
    said = ask(site, "Host: a", "Transfer-Encoding: chunked", method="POST", body=b"zz\r\n")
    site._end = b"never"
    assert await way.answer(said) == b""
    told = (await way.end())[0]
    assert (told.outcome, told.why) == ("allowed", "The request's body was malformed or broke off.")
    assert b"zz" not in site.heard


async def test_a_client_that_does_not_wait_for_the_answer(site: Site, way: Way) -> None:
    """A client that goes away ends its request, though the server may never end it."""
    site._end = b"never"
    async with way.client(ask(site, "Host: a")):
        await until(lambda: bool(site.heard))
    assert (await way.end())[0].received == 0


async def test_an_answer_before_the_body_has_gone() -> None:
    """A server may answer before it has the whole body; its answer comes through and ends the request."""
    site = Site(answer=b"HTTP/1.1 413 Too large\r\n\r\n")
    async with server(site.handle) as site.port, proxy(rules(site.port)) as way:
        said = ask(site, "Host: a", "Content-Length: 1000000", method="POST", body=b"a")
        assert await way.answer(said) == b"HTTP/1.1 413 Too large\r\n\r\n"
        assert (await way.end())[0].why == ""


async def test_a_body_that_waits_to_be_wanted(site: Site) -> None:
    """A client that asks whether its body is wanted hears the server's word before it sends it."""

    async def ready(reader: Reader, writer: Writer) -> None:
        assert b"Expect: 100-continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"
        writer.write(ANSWER)

    async with server(ready) as site.port, proxy(rules(site.port)) as way:
        said = ask(site, "Host: a", "Content-Length: 5", "Expect: 100-continue", method="PUT")
        async with way.client(said) as (reader, writer), asyncio.timeout(10):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert await reader.read() == ANSWER


async def test_large_headers_are_refused(site: Site, way: Way) -> None:
    """Headers without end are not collected."""
    answer = await way.answer(ask(site, "Host: a", *["X: " + "y" * 1000] * 100))
    assert answer.startswith(b"HTTP/1.1 400 The request's headers are too large")
