"""The event log: record, replay, wait for more.

Each stream is a chain: an event's seal is an HMAC-SHA256 (RFC 2104) over the stream's number, the seal before
it and the digest of its stored bytes, so that an edit, a swap or a gap shows, and an erased body still leaves
its digest.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bot.events import AnyFact, Event, decode, encode
from bot.stream.bell import Bell, bell
from bot.vault import Keyring
from storage import database
from storage import events as rows

__all__ = ["HOUSE", "Bell", "bell", "new", "record", "replay", "seal_with"]

HOUSE = rows.HOUSE

_keys: dict[str, bytes] = {}
_newest = ""


def seal_with(keyring: Keyring) -> None:
    """Name the keys that the chains of this process are sealed with."""
    global _newest  # noqa: PLW0603  one process seals with one keyring
    keys = {hashlib.sha256(key).hexdigest()[:8]: key for key in keyring.all("ledger")}
    _keys.clear()
    _keys.update(keys)
    _newest = next(iter(keys))


def _seal(stream: int, head: bytes, body: bytes) -> tuple[bytes, bytes, str]:
    digest = hashlib.sha256(body).digest()
    sealed = stream.to_bytes(8, "big") + head + digest
    return digest, hmac.digest(_keys[_newest], sealed, "sha256"), _newest


def new() -> int:
    """Begin a stream; its number."""
    return rows.new_stream()


def record(stream: int, actor: str, fact: AnyFact, now: datetime) -> Event:
    """Append a fact, in the transaction that changes what it is about, and wake those who wait for it.

    Args:
        stream: The task's stream, or `HOUSE`.
        actor: Who or what caused it, as people are shown it.
        fact: What happened.
        now: The time.
    """

    def made(seq: int) -> Event:
        return Event(seq=seq, at=now, actor=actor, fact=fact)

    seq = rows.append(stream, lambda seq: encode(made(seq)), partial(_seal, stream))
    database.after_commit(bell.ring)
    return made(seq)


def replay(stream: int, after: int = 0) -> Sequence[Event]:
    """The events of a stream past a place in it, in order."""
    return [decode(body) for body in rows.bodies(stream, after)]
