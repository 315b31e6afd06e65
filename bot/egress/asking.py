"""What a program behind the proxy asks for (RFC 9112 §3.2, RFC 9110 §9.3.6), read strictly.

Nothing that it wrote is passed on as it stands: its request is read, judged, and written anew, so that the
far end cannot see another request in it than the one that was judged.
"""

from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from bot.egress.hosts import Host, split
from bot.egress.relaying import CHUNK
from bot.egress.urls import Url
from bot.errors import UserMistake

_END = b"\r\n\r\n"
_FRAMING = {b"content-length", b"transfer-encoding"}
_OWN = _FRAMING | {b"host", b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"via"}
_ASK_ANEW = "Send it as an HTTP/1.1 client sends it to a proxy."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        host: The host that it is for.
        port: Its port.
        url: The page; None where a tunnel is wanted.
    """

    host: Host
    port: int
    url: Url | None
    _request: h11.Request
    _connection: h11.Connection

    async def pass_on(self, reader: StreamReader, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the request to a page anew: the head first, then the body as it comes.

        Args:
            reader: Where the body comes from.
            send: Takes the next bytes for the server.

        Raises:
            h11.RemoteProtocolError: The body breaks off, or is malformed.
        """
        assert self.url
        writing = h11.Connection(h11.CLIENT)
        headers = self._headers(self.url.authority)
        head = h11.Request(method=self._request.method, target=self.url.target, headers=headers)
        await send(writing.send(head) or b"")
        while not isinstance(event := self._connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                await send(writing.send(h11.Data(event.data)) or b"")
            else:
                self._connection.receive_data(await reader.read(CHUNK))
        await send(writing.send(h11.EndOfMessage()) or b"")  # without its trailers

    def _headers(self, authority: str) -> list[tuple[bytes, bytes]]:
        given = self._request.headers
        hops = {
            name.strip().lower() for key, value in given if key == b"connection" for name in value.split(b",")
        }
        kept = [
            (name, value)
            for name, value in given.raw_items()
            if name.lower() not in _OWN | hops and not name.lower().startswith(b"proxy-")
        ]
        framing = [(name, value) for name, value in given if name in _FRAMING]
        own = [(b"Via", b"1.1 legwork"), (b"Connection", b"close")]
        return [(b"Host", authority.encode()), *kept, *framing, *own]


async def read_asked(reader: StreamReader) -> Asked | None:
    """Read a request's head; how long that may take is the caller's.

    Args:
        reader: Its limit is that of the head; what follows the head stays in it.

    Returns:
        The request; None where the connection ended before a byte came.

    Raises:
        UserMistake: It cannot be read, or is nothing that the proxy does.
    """
    try:
        head = await reader.readuntil(_END)
    except IncompleteReadError as cut:
        if not cut.partial:
            return None
        raise UserMistake(f"The request was cut off. {_ASK_ANEW}") from None
    except LimitOverrunError:
        raise UserMistake("The request's headers are too large; send fewer or shorter ones.") from None
    connection = h11.Connection(h11.SERVER)
    try:
        connection.receive_data(head)
        request = connection.next_event()
    except h11.RemoteProtocolError:
        raise UserMistake(f"The request is malformed. {_ASK_ANEW}") from None
    if not isinstance(request, h11.Request) or b"\n" in head.replace(b"\r\n", b""):
        raise UserMistake(f"The request is malformed. {_ASK_ANEW}")
    read = _tunnel if request.method == b"CONNECT" else _page
    return read(request, connection)


def _tunnel(request: h11.Request, connection: h11.Connection) -> Asked:
    host, port = split(request.target.decode())
    if port is None or _framing(request):
        raise UserMistake(f"CONNECT names a host and its port, and has no body. {_ASK_ANEW}")
    return Asked(Host.parse(host), port, None, request, connection)


def _page(request: h11.Request, connection: h11.Connection) -> Asked:
    url = Url.parse(request.target.decode())
    if url.scheme != "http":
        raise UserMistake(
            "The proxy reaches https:// by CONNECT only; set https_proxy to an http:// address."
        )
    if request.http_version != b"1.1" or len(_framing(request)) > 1:
        raise UserMistake(f"The request's version or length is not clear. {_ASK_ANEW}")
    return Asked(url.host, url.port, url, request, connection)


def _framing(request: h11.Request) -> list[bytes]:
    return [name for name, _ in request.headers if name in _FRAMING]
