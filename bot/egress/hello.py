"""The first message of TLS: which server its client says it wants.

ClientHello is RFC 8446 §4.1.2, its records §5.1, server_name RFC 6066 §3. The reader is strict: what two
parsers could read in two ways is refused, for the far end reads it once more.
"""

from asyncio import IncompleteReadError, StreamReader
from dataclasses import dataclass

from bot.errors import Refused

ALERT = b"\x15\x03\x03\x00\x02\x02\x31"  # fatal, access_denied: RFC 8446 §6.2

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_HIDING = {
    0xFE0D,
    0xFFCE,
    *range(0xFE08, 0xFE0D),
}  # encrypted_client_hello (RFC 9849), ESNI and drafts of both
_RECORD = 2**14
_MESSAGE = 16 * 1024
_RECORDS = 64 * 1024  # a message may come in tiny records, each with a header of its own


class _Malformed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Hello:
    """What was read.

    Attributes:
        name: The server that is wanted, in lower case; empty where none was named.
        data: The bytes that were read for it, which are the far end's to read.
    """

    name: str
    data: bytes


async def read_hello(reader: StreamReader) -> Hello:
    """Read one ClientHello and nothing after it; how long that may take is the caller's.

    Raises:
        Refused: This is no TLS, it is cut off, malformed, too large, or hides the server's name.
    """
    data, message = bytearray(), bytearray()
    try:
        while not _whole(message):
            header = await reader.readexactly(5)
            length = int.from_bytes(header[3:])
            if header[0] != _HANDSHAKE or header[1] != 3 or not 0 < length <= _RECORD:  # noqa: PLR2004 - SSL 3 on
                raise Refused("Only TLS goes through CONNECT; what was sent is something else.")
            fragment = await reader.readexactly(length)
            data += header + fragment
            message += fragment
            if len(data) > _RECORDS:
                raise Refused("The first message of TLS is too large.")
        return Hello(_server_name(bytes(message)), bytes(data))
    except IncompleteReadError:
        raise Refused("The connection ended before its first message of TLS.") from None
    except _Malformed:
        raise Refused("The first message of TLS is malformed.") from None


def _whole(message: bytearray) -> bool:
    if message and message[0] != _CLIENT_HELLO:
        raise _Malformed
    if len(message) < 4:  # noqa: PLR2004 - type and length
        return False
    length = 4 + int.from_bytes(message[1:4])
    if length > _MESSAGE or len(message) > length:
        raise _Malformed
    return len(message) == length


def _server_name(message: bytes) -> str:
    hello = _Bytes(message[4:])
    hello.take(2 + 32)  # version, random
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    if not hello.left:
        return ""  # before TLS 1.2, extensions could be missing
    extensions = hello.vector(2)
    hello.end()
    seen: dict[int, _Bytes] = {}
    while extensions.left:
        kind = extensions.number(2)
        if kind in seen:
            raise _Malformed
        seen[kind] = extensions.vector(2)
    if _HIDING & seen.keys():
        raise Refused("The server's name is encrypted (ECH), so it cannot be checked; switch that off.")
    return _host_name(seen[_SERVER_NAME]) if _SERVER_NAME in seen else ""


def _host_name(extension: "_Bytes") -> str:
    names = extension.vector(2)
    extension.end()
    kind, name = names.number(1), names.vector(2)
    names.end()
    if kind != _HOST_NAME or not name.left:
        raise _Malformed
    try:
        return name.take(name.left).decode("ascii").lower()
    except UnicodeDecodeError:
        raise _Malformed from None


class _Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _Malformed
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> "_Bytes":
        return _Bytes(self.take(self.number(size)))

    def end(self) -> None:
        if self.left:
            raise _Malformed
