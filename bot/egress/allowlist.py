"""Which hosts an agent may reach: a list that an admin keeps."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from bot.egress.hosts import Host, shown, split
from bot.errors import UserMistake

WEB_PORTS = frozenset({443, 80})
_EVERY = "*"
_BELOW = "*."


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list.

    Attributes:
        pattern: A host; `*.` and a name for all below that name, without the name itself; `*` for every name.
        port: The only one; None for those of the web.
    """

    pattern: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a line: `w3.org`, `*.github.com`, `registry.example.org:5000`, `192.0.2.1:8080`, `*`.

        Raises:
            UserMistake: It is none.
        """
        if "/" in text or "@" in text:
            raise UserMistake(
                f"{shown(text)} is more than a host; write the host alone, such as w3.org or *.github.com, "
                "with a port where it is neither 443 nor 80: w3.org:8443."
            )
        pattern, port = split(text)
        if pattern == _EVERY:
            return cls(pattern, port)
        below = pattern.startswith(_BELOW)
        host = Host.parse(pattern.removeprefix(_BELOW))
        if below and (host.address or "." not in host.name):
            raise UserMistake(f"{shown(text)} is too much; name at least two labels, such as *.github.com.")
        return cls(f"{_BELOW if below else ''}{host}", port)

    def allows(self, host: Host, port: int, open_ports: Collection[int]) -> bool:
        """Whether this line allows it; see `Allowlist.allows`."""
        return port in (open_ports if self.port is None else (self.port,)) and self._names(host)

    def _names(self, host: Host) -> bool:
        if host.address is None and self.pattern.startswith(_EVERY):
            return host.name.endswith(self.pattern[1:])
        return host.name == self.pattern

    def __str__(self) -> str:
        return self.pattern if self.port is None else f"{self.pattern}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowlist:
    """The hosts that may be reached; an empty one allows none. An address is allowed by its own line only."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Read one host a line; empty lines are skipped.

        Raises:
            UserMistake: A line is no host.
        """
        return cls(tuple(Entry.parse(line.strip()) for line in lines if line.strip()))

    def allows(self, host: Host, port: int, open_ports: Collection[int] = WEB_PORTS) -> bool:
        """Whether a line allows this host and port.

        Args:
            host: Which host.
            port: Its port.
            open_ports: What a line without a port stands for.
        """
        return any(entry.allows(host, port, open_ports) for entry in self.entries)
