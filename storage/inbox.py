"""Ids of requests from outside: each acts once."""

from datetime import datetime

from storage.tables import Inbox


def first_time(key: str, now: datetime) -> bool:
    """Remember a request; False if it was seen before."""
    return bool(Inbox.insert(key=key, at=now).on_conflict_ignore().as_rowcount().execute())


def forget_before(moment: datetime) -> int:
    """Drop what is older than any far end repeats; the number dropped."""
    return Inbox.delete().where(Inbox.at < moment).execute()
