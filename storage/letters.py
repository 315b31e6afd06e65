"""Mail as it came in, kept before it is read."""

from datetime import datetime
from itertools import takewhile

from peewee import IntegrityError

from storage import database
from storage.tables import Letters


def add(content: bytes, mail_from: str, rcpt: str, now: datetime) -> int:
    """Keep a letter as it came; its number.

    Args:
        content: The bytes.
        mail_from: The sender of the envelope.
        rcpt: The one recipient of the envelope that it is for.
        now: The time.
    """
    return int(Letters.create(content=content, mail_from=mail_from, rcpt=rcpt, at=now).id)


def unread(limit: int) -> list[int]:
    """Numbers of the letters that were not read yet, oldest first."""
    found = Letters.select(Letters.id).where(Letters.state == "new").order_by(Letters.id).limit(limit)
    return [letter.id for letter in found]


def get(letter_id: int) -> Letters:
    """The letter of this number, which must be there."""
    return Letters.get_by_id(letter_id)


def first_time(letter_id: int, message_key: str) -> bool:
    """Note what a letter is called; False if another one was called so: it is the same, come twice."""
    try:
        with database.savepoint():
            Letters.update(message_key=message_key).where(Letters.id == letter_id).execute()
    except IntegrityError:
        return False
    return True


def settle(letter_id: int, state: str, outcome: str, task_id: int | None = None) -> bool:
    """Say what became of a letter: `done`, `ignored` or `quarantined`; False if it was settled before."""
    settled = Letters.update(state=state, outcome=outcome, task=task_id)
    return settled.where(Letters.id == letter_id, Letters.state == "new").execute() == 1


def erase(before: datetime, after: int, limit: int) -> int:
    """Keep nothing of settled letters but what became of them.

    Looked at are the first letters past a number: their numbers grow with their times, so that a letter which
    is kept is not read for it.

    Args:
        before: Those that came before this.
        after: The last number that was looked at.
        limit: How many to look at.

    Returns:
        The last number that was looked at; 0 where no more came before.
    """
    found = Letters.select(Letters.id, Letters.at, Letters.state).where(Letters.id > after)
    read = found.order_by(Letters.id).limit(limit).iterator()
    old = list(takewhile(lambda letter: letter.at < before, read))
    settled = [letter.id for letter in old if letter.state != "new"]
    Letters.update(content=b"").where(Letters.id.in_(settled), Letters.content != b"").execute()
    return int(old[-1].id) if old else 0
