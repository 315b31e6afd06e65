"""The bot's own fetches."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Sequence

import pytest

from bot.egress import Allowlist, Connection, Fetched, FetchLimits, Private, Rules, fetch
from bot.errors import Permanent, Refused, Retry, UserMistake
from tests.bot.egress.ends import HOST, LOOPBACK, Reader, Writer, echo, rules, server, trust

OTHER = "other.example.org"
MIB = 1024 * 1024


class Site:
    """A server with pages: each path has its whole answer."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[bytes] = []
        self.answers: dict[str, bytes] = {}

    async def handle(self, reader: Reader, writer: Writer) -> None:
        """Note a request and answer it."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        writer.write(self.answers[head.split(b" ")[1].decode()])

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        """Let a path lead elsewhere."""
        self.answers[path] = f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\n\r\n".encode()

    def url(self, path: str = "/", *, host: str = HOST, scheme: str = "http") -> str:
        """Where a path is."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def get(self, path: str = "/", allowed: Sequence[str] = (HOST,), **more: object) -> Fetched:
        """Fetch a path."""
        return await fetch(self.url(path), rules(self.port, allowed=tuple(allowed)), **more)


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return (
        "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body
    )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    async with server(found.handle) as found.port:
        yield found


async def test_a_page_is_got(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page comes with status, headers and body, by no proxy of the environment; its connection is told."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    told: list[Connection] = []
    site.answers["/a?b=%C3%A9"] = page(b"Hello.", "Content-Type: text/plain", status="404 Not found")
    found = await site.get("/a?b=é#part", report=told.append, headers={"accept": "text/plain", "x-own": "1"})
    assert (found.status, found.body, found.cut) == (404, b"Hello.", False)
    assert found.url == site.url("/a?b=%C3%A9")
    assert found.headers["content-type"] == "text/plain"
    assert site.asked[0].split(b"\r\n")[:7] == [
        b"GET /a?b=%C3%A9 HTTP/1.1",
        f"host: {HOST}:{site.port}".encode(),
        b"accept: text/plain",
        b"accept-encoding: gzip",
        b"user-agent: Legwork",
        b"x-own: 1",
        b"connection: close",
    ]
    assert [(one.host, one.address, one.outcome, one.why) for one in told] == [
        (HOST, LOOPBACK, "allowed", "")
    ]
    assert (told[0].sent, told[0].received) == (len(site.asked[0]), len(site.answers["/a?b=%C3%A9"]))


async def test_tls_is_checked() -> None:
    """By https the server must be the one that was asked for, and be trusted; an address can be, too."""
    site = Site()
    site.answers["/"] = page(b"Hello.")
    async with server(site.handle, trust().server) as site.port:
        given = rules(site.port, allowed=(HOST, LOOPBACK, OTHER))
        for host in (HOST, LOOPBACK):
            assert (
                await fetch(site.url(host=host, scheme="https"), given, tls=trust().client)
            ).body == b"Hello."
        with pytest.raises(Retry, match="Hostname mismatch"):
            await fetch(site.url(host=OTHER, scheme="https"), given, tls=trust().client)
        with pytest.raises(Retry, match=r"unable to get local issuer|self-signed"):
            await fetch(site.url(scheme="https"), given)


async def test_redirections_are_followed(site: Site) -> None:
    """Up to five redirections are followed, relative ones too; the last page's address is told."""
    site.answers["/there"] = page(b"Here.")
    for number, status in enumerate((301, 302, 303, 307, 308)):
        site.redirect(f"/{number}", f"{number + 1}" if number < 4 else site.url("/there"), status)
    found = await site.get("/0")
    assert (found.url, found.body, len(site.asked)) == (site.url("/there"), b"Here.", 6)
    site.redirect("/-1", "/0")
    with pytest.raises(Permanent, match="more than 5 times"):
        await site.get("/-1")


async def test_a_redirection_without_a_place_is_the_answer(site: Site) -> None:
    """A redirection that leads nowhere, or to the same copy, is what was answered."""
    site.answers |= {"/": b"HTTP/1.1 302 Found\r\n\r\n", "/same": b"HTTP/1.1 304 Same\r\nLocation: /\r\n\r\n"}
    assert (await site.get()).status == 302
    assert (await site.get("/same")).status == 304


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://[::1]/",
        "http://localhost/", "http://evil.example/", "//evil.example/", "https://pages.example.org:22/",
        "http://pages.example.org:6379/",
    ],
)  # fmt: skip
async def test_every_redirection_is_judged(site: Site, location: str) -> None:
    """A redirection to what is not allowed is refused, whoever redirects."""
    site.redirect("/", location)
    with pytest.raises(Refused):
        await site.get()
    with pytest.raises(Refused):
        await site.get(allowed=["*"])


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://pages.example.org/",
        "http://u:p@pages.example.org/", "http://u@127.0.0.1/", "http://127.1/", "http://2130706433/",
        "http://0x7f.1/", "http://[::1/", "http:///x", "http://pages.example.org\\@evil.example/",
        "http://pages.example.org:0/", "javascript:x", "data:,x",
    ],
)  # fmt: skip
async def test_only_pages_are_redirected_to(site: Site, location: str) -> None:
    """A redirection to anything but a plain page is refused."""
    site.redirect("/", location)
    with pytest.raises(UserMistake):
        await site.get(allowed=["*"])
    assert len(site.asked) == 1


async def test_own_headers_stay_with_their_server(site: Site) -> None:
    """A token that is meant for one server is not taken along to another one, nor back."""
    site.redirect("/", "/second")
    site.redirect("/second", site.url("/third", host=OTHER))
    site.answers["/third"] = page(b"")
    await site.get(allowed=[HOST, OTHER], headers={"authorization": "Bearer x"})
    assert [b"Bearer x" in head for head in site.asked] == [True, True, False]


@pytest.mark.parametrize(
    "url",
    [
        "", "pages.example.org", "/etc/passwd", "file:///etc/passwd", "http:pages.example.org", "http://",
        "http://u@pages.example.org", " http://pages.example.org", "http://pages.example.org:x",
    ],
)  # fmt: skip
async def test_what_is_no_page_is_told(url: str) -> None:
    """Whatever is no address of a page is refused in a sentence."""
    with pytest.raises(UserMistake, match=r"\.$"):
        await fetch(url, rules(allowed=("*",)))


async def test_nothing_is_got_by_default() -> None:
    """Without an allowlist, no page is got; the refusal is told."""
    told: list[Connection] = []
    with pytest.raises(Refused, match=r"w3\.org is not allowed"):
        await fetch("https://w3.org", Rules(), report=told.append)
    assert [(one.host, one.port, one.outcome) for one in told] == [("w3.org", 443, "refused")]


async def test_an_address_is_judged_like_a_name() -> None:
    """An address in a URL is refused where it is not public, though it was allowed."""
    with pytest.raises(Refused, match="not on the public Internet"):
        await fetch("http://169.254.169.254/", Rules(Allowlist.parse(["169.254.169.254"])))


async def test_the_answer_to_one_lookup_holds() -> None:
    """A name is resolved once a request, and no second answer is asked for."""
    site, asked = Site(), []
    site.answers["/"] = page(b"Hello.")

    async def rebinding(name: str, _port: int) -> Sequence[str]:
        asked.append(name)
        return [LOOPBACK] if len(asked) == 1 else ["10.0.0.1"]

    async with server(site.handle) as site.port:
        given = rules(site.port, resolve=rebinding)
        assert (await fetch(site.url(), given)).body == b"Hello."
        with pytest.raises(Refused):
            await fetch(site.url(), given)
    assert asked == [HOST, HOST]


@pytest.mark.parametrize("size", [99, 100, 101, 5000])
async def test_a_body_is_cut(site: Site, size: int) -> None:
    """No more is kept of a body than is wanted, and it is said where there was more."""
    site.answers["/"] = page(b"x" * size)
    found = await site.get(limits=FetchLimits(body_bytes=100))
    assert (len(found.body), found.cut) == (min(size, 100), size > 100)


async def test_an_endless_body_is_cut() -> None:
    """A body without end is cut, and its server is not listened to any longer."""

    async def endless(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    async with server(endless) as port:
        found = await fetch(f"http://{HOST}:{port}/", rules(port), limits=FetchLimits(body_bytes=MIB))
    assert (len(found.body), found.cut) == (MIB, True)


async def test_gzip_is_decoded_as_far_as_it_is_wanted(site: Site) -> None:
    """A small answer that decodes to a huge one never stands in memory whole."""
    packing = zlib.compressobj(1, wbits=31)
    bomb = b"".join([*(packing.compress(bytes(MIB)) for _ in range(64)), packing.flush()])
    site.answers["/bomb"] = page(bomb, "Content-Encoding: gzip")
    site.answers["/"] = page(gzip.compress(b"Hello. " * 1000), "Content-Encoding: GZIP")
    found = await site.get("/bomb", limits=FetchLimits(body_bytes=MIB))
    assert (len(found.body), found.cut) == (MIB, True)
    assert (await site.get()).body == b"Hello. " * 1000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (page(b"x", "Content-Encoding: br"), Permanent),
        (page(b"not gzip", "Content-Encoding: gzip"), Retry),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Retry),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", Retry),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Retry),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, Retry),
        (b"SSH-2.0-x\r\n\r\n", Retry),
        (b"", Retry),
    ],
)
async def test_a_server_that_fails(site: Site, answer: bytes, error: type[Exception]) -> None:
    """Whatever a server answers that is no whole page is told as its fault."""
    told: list[Connection] = []
    site.answers["/"] = answer
    with pytest.raises(error, match=r"\.$"):
        await site.get(report=told.append)
    assert told[0].why.endswith(".")


async def test_a_word_before_the_answer(site: Site) -> None:
    """Informational answers come before the one that counts."""
    site.answers["/"] = b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + page(b"Hello.")
    assert (await site.get()).body == b"Hello."


async def test_a_deadline_holds_over_all() -> None:
    """A server that sends a byte now and then does not hold up the bot: the deadline is for all of it."""

    async def drip(_reader: Reader, writer: Writer) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100):
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    async with server(drip) as port:
        with pytest.raises(Retry, match=r"took longer than 0\.3 s"):
            await fetch(f"http://{HOST}:{port}/", rules(port), limits=FetchLimits(seconds=0.3))


async def test_a_server_that_does_not_speak_tls() -> None:
    """By https, a server that speaks something else is at fault."""
    async with server(echo) as port:
        with pytest.raises(Retry, match="failed to answer"):
            await fetch(
                f"https://{LOOPBACK}:{port}/",
                Rules(Allowlist.parse([LOOPBACK]), Private.parse(f"{LOOPBACK}:{port}")),
            )
