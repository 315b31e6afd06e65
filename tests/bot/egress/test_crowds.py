"""What a hostile program can do to the proxy: many, slow, silent, endless and senseless connections."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.egress import Rules, serving
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
    until,
)

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
HELLO = hello(HOST)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def talk(way: Way, port: int) -> None:
    async with way.client(connect(HOST, port) + HELLO) as (reader, writer), asyncio.timeout(30):
        writer.write_eof()
        assert await reader.read() == OPEN + HELLO


async def test_two_hundred_at_once() -> None:
    """More connections than may be at once wait for their turn; all are served, and no descriptor is left."""
    async with server(echo) as port:
        before = open_files()
        async with proxy(rules(port), connections=20) as way:
            await asyncio.gather(*(talk(way, port) for _ in range(200)))
            told = await way.end(200)
        assert {(one.outcome, one.why, one.sent) for one in told} == {("allowed", "", len(HELLO))}
        await until(lambda: open_files() <= before)


async def test_no_more_than_the_limit_at_once() -> None:
    """However many connect, no more than the limit are taken off the listener."""
    async with proxy(rules(), connections=3, head_s=60) as way:
        before = open_files()
        async with contextlib.AsyncExitStack() as clients:
            for _ in range(10):
                await clients.enter_async_context(way.client(b"C"))
            await until(lambda: open_files() >= before + 13)
            assert open_files() == before + 10 + 3


async def test_a_slow_client_is_let_go() -> None:
    """A client that never says what it wants does not keep its place."""
    async with proxy(rules(), head_s=0.1) as way:
        assert (await way.answer(b"CONNECT")).startswith(b"HTTP/1.1 408 ")
        assert (await way.end())[0].outcome == "refused"


async def test_a_client_that_asks_nothing_is_not_told() -> None:
    """A connection that ends before a byte came asked for nothing."""
    async with proxy(rules()) as way:
        async with way.client() as (reader, writer):
            writer.write_eof()
            assert await reader.read() == b""
        assert way.told == []


async def test_an_idle_connection_ends() -> None:
    """Where nothing goes in either direction for too long, both ends are closed."""
    async with server(silent) as port, proxy(rules(port), idle_s=0.1) as way:
        assert await way.answer(connect(HOST, port) + HELLO) == OPEN
        assert (await way.end())[0].why == "Nothing went for 0.1 s, so the connection was closed."


async def test_a_connection_in_use_is_not_idle() -> None:
    """What goes in one direction alone keeps a connection alive."""

    async def drip(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        for _ in range(8):
            await asyncio.sleep(0.1)
            writer.write(b".")

    async with server(drip) as port, proxy(rules(port), idle_s=0.5) as way:
        assert await way.answer(connect(HOST, port) + HELLO) == OPEN + b"........"


async def test_a_session_has_so_many_bytes() -> None:
    """All connections together may carry so much, in both directions; then there is no way out any more."""
    total = 20 * len(HELLO)

    async def flood(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        while True:
            writer.write(bytes(1000))
            await writer.drain()

    async with server(flood) as port, proxy(rules(port), total_bytes=total) as way:
        assert len(await way.answer(connect(HOST, port) + HELLO)) <= len(OPEN) + total
        await way.answer(connect(HOST, port) + HELLO * 30)
        told = await way.end(2)
    assert sum(one.sent + one.received for one in told) <= total
    assert {one.why for one in told} == {
        f"All connections together have passed their limit of {total} bytes."
    }


async def test_what_is_not_read_is_not_fetched() -> None:
    """A client that does not read holds up the server, not the bot's memory."""
    sent = 0

    async def flood(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await reader.read(1)
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with server(flood) as port, proxy(rules(port), idle_s=0.3) as way:
        async with way.client(connect(HOST, port) + HELLO) as (reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.pause_reading()
            told = await way.end()
        assert told[0].why.startswith("Nothing went for")
        assert sent < 32 * 1024 * 1024


async def test_the_end_closes_all() -> None:
    """When the sandbox ends, connections in every state are closed at once, and told."""
    async with server(silent) as port:
        before = open_files()
        async with contextlib.AsyncExitStack() as stack:
            async with proxy(rules(port)) as way:
                idle, _ = await stack.enter_async_context(way.client())
                asking, _ = await stack.enter_async_context(way.client(b"GET http"))
                opened, _ = await stack.enter_async_context(way.client(connect(HOST, port)))
                talking, _ = await stack.enter_async_context(way.client(connect(HOST, port) + HELLO))
                await opened.readuntil(b"\r\n\r\n")
                await talking.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                ends = [await reader.read() for reader in (idle, asking, opened, talking)]
            assert ends == [b""] * 4
            assert {(one.host, one.outcome) for one in way.told} == {(HOST, "allowed")}
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(LOOPBACK, way.port)
        await until(lambda: open_files() <= before)


async def test_a_fault_of_the_block_is_its_own() -> None:
    """A fault inside the block comes out as it is."""
    with pytest.raises(KeyError, match="mine"):
        async with proxy(rules()):
            raise KeyError("mine")


async def test_the_listener_must_listen() -> None:
    """A socket that does not listen is refused at once."""
    with socket.socket() as idle, pytest.raises(OSError, match="does not listen"):
        async with serving(idle, Rules(), print):
            pass


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from(
                [b"CONNECT ", b"GET ", b"http://", HOST.encode(), b":443", b" HTTP/1.1", b"\r\n", HELLO]
            ),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_bytes_are_survived(parts: list[bytes]) -> None:
    """Whatever a client says, the proxy answers or closes, and serves the next one."""

    async def tried() -> None:
        async with server(echo) as port, proxy(rules(port), head_s=0.5, idle_s=0.5) as way:
            async with way.client(b"".join(parts)) as (reader, writer), asyncio.timeout(PATIENCE_S):
                with contextlib.suppress(OSError):
                    writer.write_eof()
                    answer = await reader.read()
                    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
            await talk(way, port)

    asyncio.run(tried())


@pytest.mark.skipif(not hasattr(socket, "recv_fds"), reason="this Python passes no descriptors")
async def test_a_listener_that_was_handed_over() -> None:
    """A listener that another process made, and handed over, is served like one's own."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = socket.create_server((LOOPBACK, 0))
        socket.send_fds(theirs, [b"L"], [made.fileno()])
        made.close()
        _, files, *_ = socket.recv_fds(ours, 1, 1)
    with socket.socket(fileno=files[0]) as listener:
        async with server(echo) as port, serving(listener, rules(port), print) as serves:
            await talk(Way(listener.getsockname()[1], serves), port)


async def test_a_listener_stays_its_owners() -> None:
    """A listener can be served again afterwards, and closed meanwhile."""
    async with server(echo) as port:
        with socket.create_server((LOOPBACK, 0)) as listener:
            for _ in range(2):
                async with serving(listener, rules(port), print) as serves:
                    await talk(Way(listener.getsockname()[1], serves), port)
            async with serving(listener, rules(port), print):
                listener.close()


async def test_rules_may_change_while_it_serves() -> None:
    """New rules hold from the next connection on."""
    async with server(echo) as port, proxy(rules(port)) as way:
        await talk(way, port)
        await way.end()
        way.proxy.obey(Rules())
        assert (await way.answer(connect(HOST, port))).startswith(b"HTTP/1.1 403 ")
        assert [one.outcome for one in await way.end(2)] == ["allowed", "refused"]


async def test_open_connections_are_told_in_parts() -> None:
    """What an open connection has carried can be told at any time, and nothing is told twice."""
    async with server(echo) as port, proxy(rules(port)) as way:
        async with way.client(connect(HOST, port) + HELLO) as (reader, writer):
            await reader.readexactly(len(OPEN + HELLO))
            way.proxy.take_stock()
            way.proxy.take_stock()
            assert [(one.sent, one.received) for one in way.told] == [(len(HELLO), len(HELLO))]
            writer.write(b"more")
            await reader.readexactly(4)
            writer.write_eof()
            assert await reader.read() == b""
        assert [(one.host, one.sent, one.received) for one in await way.end(2)][1] == (HOST, 4, 4)
        async with way.client(connect("evil.example", 443)) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
            way.proxy.take_stock()
            assert way.told[2].outcome == "refused"
    assert len(way.told) == 3
