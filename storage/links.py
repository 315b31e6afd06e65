"""Codes by which people prove that an address is theirs."""

from datetime import datetime

from storage.tables import LinkCodes, Notices


def begin(person_id: int, address: str, digest: str, expires: datetime) -> None:
    """A new code was made; the one before it is worth nothing."""
    end(person_id, address)
    LinkCodes.create(person=person_id, address=address, digest=digest, expires=expires)


def find(person_id: int, address: str) -> LinkCodes | None:
    """The code that this person has for this address."""
    return LinkCodes.get_or_none(LinkCodes.person == person_id, LinkCodes.address == address)


def count_try(person_id: int, address: str) -> None:
    """Somebody tried a code."""
    LinkCodes.update(tries=LinkCodes.tries + 1).where(
        LinkCodes.person == person_id, LinkCodes.address == address
    ).execute()


def end(person_id: int, address: str) -> None:
    """The code is worth nothing any more."""
    LinkCodes.delete().where(LinkCodes.person == person_id, LinkCodes.address == address).execute()


def addresses(person_id: int, but: str, expiring_after: datetime) -> int:
    """For how many other addresses this person has codes that expire, or expired, after then."""
    others = (LinkCodes.person == person_id) & (LinkCodes.address != but)
    return LinkCodes.select().where(others, LinkCodes.expires > expiring_after).count()


def mailed(address: str, subject: str, since: datetime) -> int:
    """How many mails with this subject this address was sent since then."""
    sent = Notices.select().where(Notices.outlet == "email", Notices.address == address)
    return sent.where(Notices.subject == subject, Notices.at > since).count()
