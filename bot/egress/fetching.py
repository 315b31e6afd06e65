"""The bot's own fetches: by the same rules as the agents' connections, every redirection included.

No proxy of the environment is asked, no cookie is kept, and only gzip is decoded, as far as it is wanted.
"""

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache

import h11

from bot.egress.relaying import CHUNK, Ends, opened
from bot.egress.rules import Rules
from bot.egress.terms import MIB, Connection, Outcome, Report
from bot.egress.urls import Url
from bot.errors import Permanent, Refused, Retry

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": "Legwork"}
_HEAD = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much a fetch may use.

    Attributes:
        seconds: From the first lookup to the last byte, redirections included.
        body_bytes: Of the body, decoded; the rest is cut off.
        redirections: That are followed.
    """

    seconds: float = 30.0
    body_bytes: int = 5 * MIB
    redirections: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back.

    Attributes:
        url: The page that answered, after all redirections.
        status: Its HTTP status.
        headers: By name in lower case.
        body: Decoded, from the beginning.
        cut: There was more.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool


async def fetch(
    url: str,
    rules: Rules,
    *,
    headers: Mapping[str, str] | None = None,
    limits: FetchLimits | None = None,
    report: Report | None = None,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """Get a page.

    Args:
        url: Where it is.
        rules: Where connections may go.
        headers: By name in lower case; a redirection to another server does not take them along.
        limits: How much it may use.
        report: Told of each connection at its end.
        tls: Whom to trust; the machine's authorities by default.

    Raises:
        UserMistake: The URL, or one that it redirects to, is none.
        Refused: The rules do not let it.
        Retry: The far end was not reached, failed, or took too long.
        Permanent: The far end redirects in circles, or answers in an encoding that was not asked for.
    """
    limits = limits or FetchLimits()
    page = first = Url.parse(url)
    try:
        async with asyncio.timeout(limits.seconds):
            for _ in range(limits.redirections + 1):
                request = _Request(page, rules, report, tls or _trusted())
                own = headers or {} if page.origin == first.origin else {}
                answer = await request.answer({**_HEADERS, **own}, limits.body_bytes)
                if answer.status not in _REDIRECTIONS or "location" not in answer.headers:
                    return answer
                page = page.joined(answer.headers["location"])
    except TimeoutError as late:
        raise Retry(f"{page.host} took longer than {limits.seconds:g} s; try again later.") from late
    raise Permanent(f"{first.host} redirects more than {limits.redirections} times; use another address.")


class _Request:
    """One request and its connection."""

    def __init__(self, page: Url, rules: Rules, report: Report | None, tls: ssl.SSLContext) -> None:
        self._page = page
        self._rules = rules
        self._report = report
        self._tls = tls if page.scheme == "https" else None
        self._sent = self._received = 0
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)

    async def answer(self, headers: Mapping[str, str], most: int) -> Fetched:
        """Ask for the page, and read at most so many bytes of it."""
        begun = asyncio.get_running_loop().time()
        outcome: Outcome = "failed"
        reached, why = "", "It was cut off."
        try:
            end, address = await self._rules.connect(self._page.host, self._page.port)
            reached, outcome = str(address), "allowed"
            async with opened(end, tls=self._tls, name=self._name()) as ends:
                fetched = await self._exchange(ends, headers, most)
                ends.writer.transport.abort()  # it is of no more use, whatever it still sends
            why = ""
        except Refused as no:
            outcome, why = "refused", str(no)
            raise
        except (Retry, Permanent) as fault:
            why = str(fault)
            raise
        except (OSError, h11.RemoteProtocolError, zlib.error) as fault:
            why = f"{self._page.host} failed to answer ({_brief(fault)}); try again later."
            raise Retry(why) from fault
        finally:
            if self._report:
                seconds = asyncio.get_running_loop().time() - begun
                host, port = str(self._page.host), self._page.port
                counts = self._sent, self._received
                self._report(Connection(host, port, reached, *counts, seconds, outcome, why))
        return fetched

    def _name(self) -> str | None:
        return str(self._page.host.address or self._page.host) if self._tls else None

    async def _exchange(self, ends: Ends, headers: Mapping[str, str], most: int) -> Fetched:
        sent = {"host": self._page.authority, **headers, "connection": "close"}
        request = h11.Request(method="GET", target=self._page.target, headers=list(sent.items()))
        data = (self._http.send(request) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        self._sent += len(data)
        ends.writer.write(data)
        await ends.writer.drain()
        async with contextlib.aclosing(self._events(ends)) as events:
            head = await anext(events)
            assert isinstance(head, h11.Response)
            found = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            body, cut = b"", False
            if head.status_code not in _REDIRECTIONS:
                body, cut = await _body(events, found.get("content-encoding", ""), most)
        return Fetched(str(self._page), head.status_code, found, body, cut)

    async def _events(self, ends: Ends) -> AsyncGenerator[h11.Response | h11.Data, None]:
        while not isinstance(event := self._http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                data = await ends.reader.read(CHUNK)
                self._received += len(data)
                self._http.receive_data(data)
            elif isinstance(event, h11.Response | h11.Data):
                yield event


async def _body(
    events: AsyncIterator[h11.Response | h11.Data], encoding: str, most: int
) -> tuple[bytes, bool]:
    if encoding.lower() not in {"", "identity", "gzip", "x-gzip"}:
        raise Permanent(f"The page comes in an encoding that was not asked for: {encoding[:20]!a}.")
    gzip = zlib.decompressobj(_GZIP) if encoding.lower().endswith("gzip") else None
    body = bytearray()
    async for event in events:
        if isinstance(event, h11.Data):
            # Never more than is wanted: a small answer can decode to all of the memory.
            body += gzip.decompress(event.data, most + 1 - len(body)) if gzip else event.data
            if len(body) > most:
                return bytes(body[:most]), True
    return bytes(body), False


def _brief(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return fault.verify_message
    return type(fault).__name__


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()
