"""The stored form of the event log: chained bytes. What they mean is the business of `bot.stream`."""

from collections.abc import Callable

from storage.tables import Events, Streams

HOUSE = 1


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
    Streams.update(seq=Streams.seq + 1).where(Streams.id == stream).execute()
    row = Streams.get_by_id(stream)
    body = encode(row.seq)
    digest, mac, key = seal(bytes(row.head), body)
    Events.insert(stream=stream, seq=row.seq, body=body, digest=digest, mac=mac, key=key).execute()
    Streams.update(head=mac).where(Streams.id == stream).execute()
    return int(row.seq)


def bodies(stream: int, after: int = 0) -> list[bytes]:
    """The stored bytes of the events past `after`, in order; erased ones are left out."""
    kept = (Events.stream == stream) & (Events.seq > after) & ~Events.body.is_null()
    rows = Events.select(Events.body).where(kept).order_by(Events.seq)
    return [bytes(row.body) for row in rows if row.body is not None]
