"""From names to connections."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from bot.egress.addresses import is_own
from bot.egress.resolving import connected, lookup, resolved
from bot.errors import Retry
from tests.bot.egress.ends import LOOPBACK, server, silent


async def test_the_machines_resolver_is_asked() -> None:
    """The machine's own resolver knows where localhost is, and that some names are nowhere."""
    assert LOOPBACK in await lookup("localhost", 80)
    with pytest.raises(OSError, match=r"\[Errno"):
        await lookup("nowhere.invalid", 80)


async def test_each_address_once_in_order() -> None:
    """The resolver's order holds, and what it says twice counts once."""

    async def repeating(_name: str, _port: int) -> Sequence[str]:
        return ["192.0.2.2", "192.0.2.1", "192.0.2.2", "2001:db8::1"]

    found = await resolved("a.example", 80, repeating)
    assert [str(one) for one in found] == ["192.0.2.2", "192.0.2.1", "2001:db8::1"]


async def test_a_resolver_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup has its time; a name without an address is told."""

    async def never(_name: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async def none(_name: str, _port: int) -> Sequence[str]:
        return []

    monkeypatch.setattr("bot.egress.resolving._LOOKUP_S", 0.05)
    with pytest.raises(Retry, match="could not be resolved"):
        await resolved("a.example", 80, never)
    with pytest.raises(Retry, match="has no address"):
        await resolved("a.example", 80, none)


async def test_the_next_address_is_tried() -> None:
    """Where one address does not take us, the next one may."""
    async with server(silent) as port:
        far, address = await connected([ip_address("127.0.0.2"), ip_address(LOOPBACK)], port, 5)
        far.close()
        assert str(address) == LOOPBACK
        with pytest.raises(ConnectionRefusedError):
            await connected([ip_address("127.0.0.2")], port, 5)


async def test_a_machine_without_ipv6_reaches_what_has_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a kind that the kernel does not have is passed over, and is none of this machine's."""

    class OldSocket(socket.socket):
        def __init__(self, family: int = -1, *more: int, **named: int | None) -> None:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *more, **named)  # type: ignore[arg-type]

    async with server(silent) as port:
        monkeypatch.setattr(socket, "socket", OldSocket)
        far, address = await connected([ip_address("2001:db8::1"), ip_address(LOOPBACK)], port, 5)
        far.close()
    assert str(address) == LOOPBACK
    assert not is_own(ip_address("2001:db8::1"))


async def test_an_address_that_swallows_all_has_its_share_of_time() -> None:
    """An address that never answers leaves time for those after it."""
    with socket.create_server(("127.0.0.3", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.3", port))
        try:
            with socket.create_server((LOOPBACK, port)):
                far, address = await connected([ip_address("127.0.0.3"), ip_address(LOOPBACK)], port, 0.4)
                far.close()
            assert str(address) == LOOPBACK
            with pytest.raises(TimeoutError):
                await connected([ip_address("127.0.0.3")], port, 0.1)
        finally:
            for filler in fillers:
                filler.close()


async def test_no_address_is_a_fault() -> None:
    """Without an address there is nothing to connect to."""
    with pytest.raises(OSError, match="no address"):
        await connected([], 80, 1)
