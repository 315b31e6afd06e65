"""Names of hosts: one strict grammar for whatever is asked for, allowed, or announced in TLS.

A host is a DNS name of RFC 1123 (letters, digits and inner hyphens, labels of at most 63 characters, 253 in
all) with at least two labels, or `localhost`, or an address in the one form that every program reads alike:
`192.0.2.1`, `[2001:db8::1]`. Its last label starts with a letter, so that no other spelling of an address
(`127.1`, `0x7f.0.0.1`, `2130706433`) passes as a name.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self

from bot.errors import UserMistake

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?|localhost")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[1-9][0-9]{0,4}))?")
_LONGEST = 253
_LAST_PORT = 65535
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Host:
    """A host, in the one form that is compared: without a final dot, in lower case, in ASCII.

    Attributes:
        name: A DNS name, or an address as it stands in a URL.
        address: That address; None for a name.
    """

    name: str
    address: Address | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a host.

        Args:
            text: With one final dot or none; letters beyond ASCII are encoded as of IDNA 2008.

        Raises:
            UserMistake: It is none.
        """
        name = text.lower().removesuffix(".") if text.isascii() else _encoded(text)
        if len(name) <= _LONGEST and _NAME.fullmatch(name):
            return cls(name)
        try:
            address = _address(text)
        except ValueError:
            raise UserMistake(
                f"{shown(text)} is no host that can be reached; "
                "write a whole name, such as w3.org, or an address, such as 192.0.2.1 or [2001:db8::1]."
            ) from None
        return cls(f"[{address}]" if address.version == 6 else str(address), address)  # noqa: PLR2004 - IPv6

    def __str__(self) -> str:
        return self.name


def split(text: str) -> tuple[str, int | None]:
    """Part `host:port`, where the port may be missing; the host is not judged.

    Raises:
        UserMistake: It is not of that form, or the port is none.
    """
    found = _AUTHORITY.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if not found or (port or 1) > _LAST_PORT:
        raise UserMistake(f"{shown(text)} is no host and port; write them as w3.org or w3.org:8443.")
    return found["host"], port


def shown(text: str) -> str:
    """What a stranger wrote, short and harmless enough for a sentence."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _address(text: str) -> Address:
    if text.startswith("[") and text.endswith("]") and "%" not in text:
        return IPv6Address(text[1:-1])
    return IPv4Address(text)


def _encoded(text: str) -> str:
    import idna

    try:
        return idna.encode(text.removesuffix("."), uts46=True).decode("ascii")
    except UnicodeError:
        return ""
