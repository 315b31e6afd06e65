"""Reading the first message of TLS."""

import asyncio
import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.egress.hello import Hello, read_hello
from bot.errors import Refused
from tests.bot.egress.ends import HOST, hello

MODERN = hello(HOST)
NAMELESS = hello(None)
Extension = tuple[int, bytes]


async def read(data: bytes, *, rest: bytes = b"") -> Hello:
    reader = asyncio.StreamReader()
    reader.feed_data(data + rest)
    reader.feed_eof()
    found = await read_hello(reader)
    assert found.data == data
    assert await reader.read() == rest
    return found


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size) + data


def record(data: bytes, *, kind: int = 22, version: bytes = b"\x03\x01") -> bytes:
    return bytes([kind]) + version + vector(2, data)


def message(*extensions: Extension, after: bytes = b"") -> bytes:
    listed = b"".join(kind.to_bytes(2) + vector(2, data) for kind, data in extensions)
    body = b"\x03\x03" + bytes(32) + b"\x00" + vector(2, b"\x13\x01") + vector(1, b"\x00") + vector(2, listed)
    return b"\x01" + vector(3, body + after)


def named(*names: bytes, kind: int = 0) -> Extension:
    return 0, vector(2, b"".join(bytes([kind]) + vector(2, name) for name in names))


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_real_client_is_read(most: ssl.TLSVersion) -> None:
    """The name that a real client announces is found, and what comes after its message stays."""
    data = hello("Pages.Example.org", most=most)
    assert (await read(data, rest=b"\x14\x03\x03\x00\x01\x01")).name == HOST


async def test_a_client_that_names_none() -> None:
    """A client may announce no server."""
    assert (await read(NAMELESS)).name == ""


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_a_message_in_many_records(size: int) -> None:
    """A message may come in records as small as they like."""
    whole = MODERN[5:]
    pieces = [record(whole[at : at + size]) for at in range(0, len(whole), size)]
    assert (await read(b"".join(pieces))).name == HOST


async def test_a_message_before_there_were_extensions() -> None:
    """A message may end before its extensions."""
    bare = b"\x01" + vector(
        3, b"\x03\x01" + bytes(32) + b"\x00" + vector(2, b"\x00\x2f") + vector(1, b"\x00")
    )
    assert (await read(record(bare))).name == ""


@pytest.mark.parametrize(
    "data",
    [
        record(message(named(b"a.example", b"b.example"))),
        record(message(named(b"a.example"), named(b"b.example"))),
        record(message(named(b"a.example", kind=1))),
        record(message(named(b""))),
        record(message(named(b"\xc3\xa9.example"))),
        record(message((0, b""))),
        record(message((0, vector(2, b"\x00" + vector(2, b"a.example")) + b"x"))),
        record(message((0, vector(2, b"\x00" + vector(2, b"a.example") + b"x")))),
        record(message((13, b""), (13, b""))),
        record(message(named(b"a.example"), after=b"x")),
        record(message(named(b"a.example")) + b"x"),
        record(message(named(b"a.example")) + message(named(b"b.example"))),
        record(b"\x02" + message()[1:]),
        record(b"\x01\x00\x00\x00"),
        record(b"\x01\xff\xff\xff" + bytes(100)),
        record(message((21, bytes(17_000)))),
        record(b""),
        record(message(), kind=23),
        record(message(), version=b"\x02\x00"),
        b"\x80\x2e\x01\x03\x01" + bytes(64),
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        MODERN[:-1],
        MODERN[:3],
        b"",
    ],
)
async def test_what_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    """Two names, parts that do not fit, and whatever is not TLS are refused."""
    with pytest.raises(Refused, match=r"\.$"):
        await read(data)


@pytest.mark.parametrize("kind", [0xFE0D, 0xFFCE, 0xFE08])
async def test_a_hidden_name_is_refused(kind: int) -> None:
    """An encrypted name could be another one than that which stands in the open."""
    with pytest.raises(Refused, match="encrypted"):
        await read(record(message(named(HOST.encode()), (kind, b"x"))))


async def test_endless_tiny_records_are_refused() -> None:
    """A message that comes in ever so many records is given up."""
    with pytest.raises(Refused, match="too large"):
        await read(record(b"\x01") + record(b"\x00") + record(b"\x3f") + record(b"\x00") * 20_000)


@given(st.binary(max_size=300))
async def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes at all lead to another fault."""
    for tried in (data, record(data), record(b"\x01" + vector(3, data)), record(message((0, data)))):
        with contextlib.suppress(Refused):
            await read(tried[:16000])


@given(st.integers(0, len(MODERN) - 1), st.integers(0, 255))
async def test_a_message_with_one_wrong_byte(at: int, value: int) -> None:
    """With any one byte changed, a message names the same server, no other that is as long, or is refused."""
    changed = bytearray(MODERN)
    changed[at] = value
    with contextlib.suppress(Refused):
        name = (await read(bytes(changed))).name
        assert name in {HOST, ""} or MODERN.find(HOST.encode()) <= at < MODERN.find(HOST.encode()) + len(HOST)
