"""The stored form of the event log: chained bytes. What they mean is the business of `bot.stream`."""

from collections.abc import Callable

from storage.prepared import Prepared
from storage.tables import Events, Streams

HOUSE = 1

_count = Prepared(lambda stream: Streams.update(seq=Streams.seq + 1).where(Streams.id == stream))
_end = Prepared(lambda stream: Streams.select(Streams.seq, Streams.head).where(Streams.id == stream))
_move_end = Prepared(lambda stream, head: Streams.update(head=head).where(Streams.id == stream))
_add = Prepared(
    lambda stream, seq, body, digest, mac, key: Events.insert(
        stream=stream, seq=seq, body=body, digest=digest, mac=mac, key=key
    )
)
_bodies = Prepared(
    lambda stream, after: (
        Events.select(Events.body)
        .where(Events.stream == stream, Events.seq > after, ~Events.body.is_null())
        .order_by(Events.seq)
    )
)


def new_stream() -> int:
    """An empty chain; its id."""
    return int(Streams.create().id)


def append(
    stream: int, encode: Callable[[int], bytes], seal: Callable[[bytes, bytes], tuple[bytes, bytes, str]]
) -> int:
    """Append one event.

    Args:
        stream: The chain.
        encode: From the event's place in the chain to the bytes to store.
        seal: From the chain's last seal and those bytes to digest, new seal and name of the key.

    Returns:
        The event's place, counted from 1.
    """
    # The UPDATE takes the row's lock first, so that two writers can never leave a gap (Postgres).
    _count.changed(stream)
    ((seq, head),) = _end.rows(stream)
    body = encode(seq)
    digest, mac, key = seal(bytes(head), body)
    _add.changed(stream, seq, body, digest, mac, key)
    _move_end.changed(stream, mac)
    return int(seq)


def bodies(stream: int, after: int = 0) -> list[bytes]:
    """The stored bytes of the events past `after`, in order; erased ones are left out."""
    return [bytes(body) for (body,) in _bodies.rows(stream, after)]
