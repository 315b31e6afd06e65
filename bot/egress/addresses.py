"""Which addresses are public, and which private ones may be reached all the same."""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Self

from bot.egress.hosts import Address, Host, shown, split
from bot.errors import UserMistake

# IANA's registry of special-purpose IPv4 addresses (RFC 6890, as of 2025) and what clouds and RFCs set apart.
# The few blocks in it that are globally reachable serve no web page: they are left out of reach.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a carrier's NAT; Alibaba's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",  # link-local; metadata of most clouds at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols; Oracle's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Only global unicast is public, which leaves out loopback, private, link-local, multicast, and every way to
# write an IPv4 address: mapped, compatible, translated and NAT64. Of the block, these are not (RFC 6890).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # IETF protocols, Teredo and ORCHID among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the closed 6bone
        "3fff::/20",  # documentation
    )
)
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")  # before an IPv4 address, RFC 5214 §6.1


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public Internet, so that anybody could reach it."""
    if isinstance(address, IPv6Address):
        return (
            address in _GLOBAL_UNICAST
            and address.scope_id is None
            and address.packed[8:12] not in _ISATAP
            and not any(address in block for block in _NOT_PUBLIC_V6)
        )
    return not any(address in block for block in _NOT_PUBLIC_V4)


def is_own(address: Address) -> bool:
    """Whether an address is one of this machine: what is reached there may be shut off for all others."""
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))  # sends nothing: the kernel chooses where it would come from
            return bool(probe.getsockname()[0] == str(address))
    except OSError:
        return False  # no way there, or no addresses of that kind on this machine


@dataclass(frozen=True, slots=True)
class Private:
    """The addresses and ports that may be reached though they are not public: what the operator named."""

    places: frozenset[tuple[Address, int]] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `127.0.0.1:8080, [fd00::1]:443`; no text is none.

        Raises:
            UserMistake: A part is no address and port.
        """
        try:
            return cls(frozenset(_place(part.strip()) for part in text.split(",") if part.strip()))
        except UserMistake as mistake:
            raise UserMistake(f"LEGWORK_EGRESS_PRIVATE cannot be used: {mistake}") from mistake

    def names(self, address: Address, port: int) -> bool:
        """Whether this very address and port were named."""
        return (address, port) in self.places

    @property
    def ports(self) -> frozenset[int]:
        """The ports of all of them."""
        return frozenset(port for _, port in self.places)


def _place(text: str) -> tuple[Address, int]:
    host, port = split(text)
    address = Host.parse(host).address
    if address is None or port is None:
        raise UserMistake(
            f"{shown(text)} is no exact address and port; write them as 127.0.0.1:8080 or [fd00::1]:443."
        )
    return address, port
