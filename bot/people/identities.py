"""From a Slack id, an address or the local command line to the person who acts."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from bot.actors import Actor, Role
from bot.errors import UserMistake
from storage import people

NAME_CHARS = 80
ADDRESS_CHARS = 254
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@({_LABEL}\.)*{_LABEL}", re.ASCII | re.IGNORECASE
)


def _ensured(
    kind: str, value: str, name: str, first_role: Role, admins: Collection[str], now: datetime
) -> Actor:
    """The person with this identity, added now if they are new."""
    known = _known(kind, value, admins)
    if known is None:
        people.add(kind, value, name[:NAME_CHARS] or value, first_role, now)
        known = _known(kind, value, admins)
        assert known
    return known


def _known(kind: str, value: str, admins: Collection[str]) -> Actor | None:
    """The person with this identity, if there is one.

    Whoever the settings name is an admin for as long as they do: that is not stored.
    """
    person = people.find(kind, value)
    if person is None:
        return None
    return Actor(person.id, person.name, Role.ADMIN if value in admins else Role(person.role))


def known_in_slack(user_id: str, admins: Collection[str]) -> Actor | None:
    """Who this Slack user is, if they were seen before."""
    return _known("slack", user_id, admins)


def from_slack(user_id: str, name: str, admins: Collection[str], now: datetime) -> Actor:
    """Who this Slack user is; a new one is a member of the team."""
    return _ensured("slack", user_id, name, Role.MEMBER, admins, now)


def known_by(address: str, admins: Collection[str]) -> Actor:
    """Who is known by this address, in its stored form.

    Raises:
        UserMistake: Nobody is.
    """
    known = _known("email", address, admins)
    if known is None:
        raise UserMistake(
            f"Nobody is known by {address}. Whoever wrote a mail to Legwork once is. If the address is "
            f"right, add them first: legwork do 'agent people role {address} member'"
        )
    return known


def from_address(address: str, admins: Collection[str], now: datetime) -> Actor:
    """Who writes from this address, in its stored form; a new one is a stakeholder."""
    return _ensured("email", address, address.partition("@")[0], Role.STAKEHOLDER, admins, now)


def local_operator(login: str, now: datetime) -> Actor:
    """Whoever can run commands on the bot's own machine: an admin, whatever role is stored."""
    return replace(_ensured("local", login, login, Role.ADMIN, (), now), role=Role.ADMIN)


def address(text: str) -> str:
    """An email address in the one form that is stored and compared.

    Raises:
        ValueError: It is none that mail can be sent to (the dot-atom of RFC 5322, section 3.4.1).
    """
    bare = text.strip().removeprefix("<").removesuffix(">").removeprefix("mailto:")
    if len(bare) > ADDRESS_CHARS or not _ADDRESS.fullmatch(bare):
        message = f"{text[:60]!r} is no email address"
        raise ValueError(message)
    return bare.lower()


def slack_ids(actor: Actor) -> tuple[str, ...]:
    """The Slack ids by which a person is known."""
    return tuple(people.values(actor.id, "slack"))


def addresses(actor: Actor) -> tuple[str, ...]:
    """The email addresses by which a person is known."""
    return tuple(people.values(actor.id, "email"))
