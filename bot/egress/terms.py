"""What the proxy is given, and what it tells of each connection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MIB = 1024 * 1024


Outcome = Literal["allowed", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that was asked for, told at its end; of one that stays open, a part of it.

    Attributes:
        host: Which host, in canonical form; empty where the request could not be read.
        port: Its port; 0 likewise.
        address: What it was connected to; empty where it was not.
        sent: Bytes that went to the host.
        received: Bytes that came from it.
        seconds: How long it lasted.
        outcome: `failed` is a host that was allowed and not reached.
        why: Of a refusal, a fault or an end before its time, a sentence; else empty.
    """

    host: str
    port: int
    address: str
    sent: int
    received: int
    seconds: float
    outcome: Outcome
    why: str = ""


Report = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """How much the connections of one sandbox may use.

    Attributes:
        connections: At once; more wait at the listener until one ends.
        head_bytes: Request line and headers together.
        head_s: Seconds until they are there, and again until the first message of TLS is there.
        idle_s: Seconds without a byte in either direction.
        total_bytes: Of all connections together, both directions.
    """

    connections: int = 64
    head_bytes: int = 32 * 1024
    head_s: float = 10.0
    idle_s: float = 120.0
    total_bytes: int = 1024 * MIB
