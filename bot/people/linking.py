"""One person at all doors: an address is linked to whoever proves that mail to it reaches them."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal

from bot import stream
from bot.actors import Actor, Role
from bot.errors import Refused, UserMistake
from bot.events import PersonLinked
from bot.people.naming import label
from bot.people.roles import others_are_admins
from storage import links, notices, people

CODES = 1_000_000
DIGITS = 6
HOLDS = timedelta(minutes=15)
TRIES = 5
HOUR = timedelta(hours=1)
MAILS_AN_HOUR = 3
ADDRESSES_AN_HOUR = 5
SUBJECT = "Your code for Legwork"
MAIL = """\
Somebody asked Legwork to know them by this address. If it was you, send this command where you asked:

    agent people link {address} {code}

The code holds for 15 minutes. If it was not you, do nothing: without the code nothing happens.
"""


def ask_for_proof(actor: Actor, address: str, now: datetime) -> None:
    """Mail a code to an address; the one before it is worth nothing.

    Raises:
        UserMistake: The address is theirs already.
        Refused: Too many codes were asked for.
    """
    if address in people.values(actor.id, "email"):
        raise UserMistake(f"You are known by {address} already.")
    if links.mailed(address, SUBJECT, now - HOUR) >= MAILS_AN_HOUR:
        raise Refused(
            f"{MAILS_AN_HOUR} codes were mailed to {address} within the hour. Look there, in the spam folder "
            "too, or ask again in an hour."
        )
    if links.addresses(actor.id, address, now - HOUR + HOLDS) >= ADDRESSES_AN_HOUR:
        raise Refused(
            f"You asked for codes for {ADDRESSES_AN_HOUR} addresses within the hour. Ask again in an hour, "
            "or let an admin link them: agent people link @NAME ADDRESS"
        )
    code = f"{secrets.randbelow(CODES):0{DIGITS}}"
    links.begin(actor.id, address, _digest(actor.id, address, code), now + HOLDS)
    notices.add("email", address, MAIL.format(address=address, code=code), now, subject=SUBJECT)


def prove(actor: Actor, address: str, code: str, now: datetime) -> str:
    """Link an address to whoever knows its code.

    Returns:
        What is wrong, as a sentence; empty where they are linked now. It is not raised: that would undo the
        count of tries.

    Raises:
        UserMistake: The code is right, and the last admin would be gone.
    """
    asked = links.find(actor.id, address)
    again = f"Ask for a new one: agent people link {address}"
    if asked is None or asked.expires <= now:
        return f"There is no code for {address} that still holds. {again}"
    if asked.tries >= TRIES:
        return f"The code for {address} was tried {TRIES} times, and holds no more. {again}"
    if not hmac.compare_digest(asked.digest, _digest(actor.id, address, code)):
        links.count_try(actor.id, address)
        return f"That is not the code for {address}. Look at the newest mail there, and send it again."
    links.end(actor.id, address)
    _link(actor.id, address, "code", actor, now)
    return ""


def vouch(person_id: int, address: str, actor: Actor, now: datetime) -> None:
    """An admin says that an address is a person's.

    Raises:
        UserMistake: It is theirs already, or the last admin would be gone.
    """
    if address in people.values(person_id, "email"):
        raise UserMistake(f"{people.get(person_id).name} is known by {address} already.")
    _link(person_id, address, "admin", actor, now)


def _link(person_id: int, address: str, how: Literal["code", "admin"], by: Actor, now: datetime) -> None:
    """Whoever was known by addresses alone becomes one with the person, whose role stays as it is.

    Somebody who comes in by another door too stays who they are, and loses just the address: who reads
    their mail is not let in as them in Slack, nor do they get a role by it.
    """
    found = people.find("email", address)
    owner = found and people.get(found.id)
    if owner and {kind for kind, _ in owner.identities} == {"email"}:
        people.merge(owner.id, person_id)
        if owner.role == Role.ADMIN and not others_are_admins(owner):
            raise UserMistake(
                f"{address} is the last admin's, whose role would be gone. Make someone else an admin first: "
                "agent people role @NAME admin"
            )
    else:
        people.identify(person_id, "email", address)
    linked = PersonLinked(person=label(people.get(person_id)), identity=address, how=how, by=by.name)
    stream.record(stream.HOUSE, by.name, linked, now)


def _digest(person_id: int, address: str, code: str) -> str:
    """What is stored of a code beside its mail, whose text is blanked once it was sent.

    It guards against a glance at the table, not against a search: there are a million codes.
    """
    return hashlib.sha256(f"{person_id} {address} {code}".encode()).hexdigest()
