"""Which addresses are public."""

import ipaddress
import subprocess
import sys
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.egress import Private, is_public
from bot.egress.addresses import is_own
from bot.errors import UserMistake

SPECIAL = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.8.9.10
127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.170 192.0.0.192 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1
::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 100::1
100:0:0:1::1 2001::1 2001:0:7f00:1::1 2001:1::1 2001:2::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1
2002:7f00:1::1 2002:a9fe:a9fe::1 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1
fc00::1 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fe80::1 fe80::a9fe:a9fe febf::1 fec0::1 ff02::1 ff0e::1
2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:127.0.0.1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 168.63.129.15
168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.1 192.0.3.1
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888
2003::1 2606:4700:4700::1111 2a00:1450::1
"""


@pytest.mark.parametrize("text", SPECIAL.split())
def test_special_addresses_are_not_public(text: str) -> None:
    """Private, local, reserved and metadata addresses, and all that could lead to one, are not public."""
    assert not is_public(ip_address(text))


def test_a_scoped_address_is_not_public() -> None:
    """An address that holds on one link only is not public, whatever its block."""
    assert not is_public(ip_address("2606:4700::1%eth0"))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_their_neighbours_are_public(text: str) -> None:
    """What stands right beside a special block is public."""
    assert is_public(ip_address(text))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Our own table is stricter than the standard library's."""
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


def test_exceptions_are_exact() -> None:
    """Only the very address and port that were named are excepted."""
    private = Private.parse("127.0.0.1:8080, [fd00::1]:443,")
    assert private.names(ip_address("127.0.0.1"), 8080)
    assert private.names(ip_address("fd00:0::1"), 443)
    assert not private.names(ip_address("127.0.0.1"), 8081)
    assert not private.names(ip_address("127.0.0.2"), 8080)
    assert not private.names(ip_address("::ffff:127.0.0.1"), 8080)
    assert private.ports == {8080, 443}
    assert Private.parse(" ") == Private()


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "localhost:80", "127.0.0.0/8:80", "127.1:80", "::1:80", "a b", "*:80", "127.0.0.1:*",
    ],
)  # fmt: skip
def test_an_exception_that_is_not_exact_is_told(text: str) -> None:
    """Names, ranges and ports left open are no exceptions; the setting is named that holds them."""
    with pytest.raises(UserMistake, match=r"^LEGWORK_EGRESS_PRIVATE cannot be used: .*\.$"):
        Private.parse(text)


def test_loopback_is_this_machines_own() -> None:
    """An address of this machine is known as such; another one is not."""
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("198.51.100.77"))


OWN = """
import asyncio, fcntl, ipaddress, socket, struct, sys
from bot.egress import Allowlist, Host, Rules
from bot.errors import Refused
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
    for name, request, value in (
        (b"lo", 0x8914, struct.pack("H", 1)),  # SIOCSIFFLAGS: up
        (b"lo:1", 0x8916, struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton("93.184.215.14"))),
    ):
        fcntl.ioctl(any, request, struct.pack("16s16s", name, value))
async def resolve(name, port):
    return ["93.184.215.14"]
try:
    asyncio.run(Rules(Allowlist.parse(["*"]), resolve=resolve).addresses(Host.parse("own.example"), 443))
except Refused:
    print("refused")
"""


def test_the_machines_own_public_address_is_not_reached() -> None:
    """What listens behind the machine's own firewall is not reached by way of its public address."""
    run = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", OWN], capture_output=True, text=True, check=False
    )
    if "unshare" in run.stderr:
        pytest.skip(f"no network namespace of one's own: {run.stderr.strip()}")
    assert run.stdout == "refused\n", run.stderr
