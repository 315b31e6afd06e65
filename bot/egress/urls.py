"""Addresses of pages: http and https only, read once, by one grammar (RFC 3986, RFC 9110 §4.2)."""

import re
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import quote, urljoin

from bot.egress.hosts import Host, shown, split
from bot.errors import UserMistake

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>[^#]*)", re.IGNORECASE
)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:|//[^/]*[\[\]]", re.IGNORECASE)  # which urljoin mends or chokes on
_PORTS = {"http": 80, "https": 443}
_AS_IS = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True)
class Url:
    """A page, and how to ask its server for it.

    Attributes:
        target: Path and query, as the server is asked for them; ASCII without spaces.
    """

    scheme: Literal["http", "https"]
    host: Host
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an absolute URL; its fragment stays with whoever asks.

        Raises:
            UserMistake: It is none, is neither http nor https, or holds a user's name or password.
        """
        found = _URL.fullmatch(text.partition("#")[0])
        if not found:
            raise UserMistake(f"{shown(text)} is no address of a page; it begins with http:// or https://.")
        if "@" in found["authority"]:
            raise UserMistake("The address of a page holds a user name or a password; leave them out.")
        host, port = split(found["authority"])
        scheme: Literal["http", "https"] = "https" if found["scheme"].lower() == "https" else "http"
        target = quote((found["path"] or "/") + found["query"], safe=_AS_IS)
        return cls(scheme, Host.parse(host), port or _PORTS[scheme], target)

    def joined(self, location: str) -> Self:
        """The page that this one's redirection leads to.

        Raises:
            UserMistake: As of `parse`.
        """
        return self.parse(location if _ABSOLUTE.match(location) else urljoin(str(self), location))

    @property
    def authority(self) -> str:
        """Host and port as the `Host` header holds them: without the port that the scheme stands for."""
        return f"{self.host}" if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> tuple[str, Host, int]:
        """What two pages of one server have in common (RFC 6454 §4)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"
