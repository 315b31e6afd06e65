"""Ids of requests from outside: each acts once."""

from datetime import datetime

from storage.prepared import Prepared
from storage.tables import Inbox

_add = Prepared(lambda key, at: Inbox.insert(key=key, at=at).on_conflict_ignore())


def first_time(key: str, now: datetime) -> bool:
    """Remember a request; False if it was seen before."""
    return bool(_add.changed(key, Inbox.at.db_value(now)))


def forget_before(moment: datetime) -> int:
    """Drop what is older than any far end repeats; the number dropped."""
    return Inbox.delete().where(Inbox.at < moment).execute()
