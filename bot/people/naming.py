"""From what a command calls a person to the person."""

from datetime import datetime

from bot.actors import Actor
from bot.errors import UserMistake
from bot.people.identities import from_address, from_slack
from storage import people
from storage.people import Known
from storage.tables import People


def meant(now: datetime, *, slack: str = "", address: str = "", name: str = "") -> Known:
    """The person that is meant; one who is named by an id or an address need not have been seen before.

    Args:
        now: The time.
        slack: A Slack id, as Slack itself wrote it; it decides where it is given.
        address: An email address in its stored form.
        name: What people call them, or a Slack id; it must be the name of one person only.

    Raises:
        UserMistake: It is nobody who is known, or could be several people.
    """
    if slack:
        return people.get(from_slack(slack, name, (), now).id)
    if address:
        return people.get(from_address(address, (), now).id)
    if person := people.find("slack", name):
        return people.get(person.id)
    found = [one for one in people.everyone() if one.name.casefold() == name.casefold()]
    if not found:
        raise _unknown(f"@{name}")
    if len(found) > 1:
        ways = "; ".join(", ".join(value for _, value in one.identities) for one in found)
        raise UserMistake(f"Several people are called @{name}: {ways}. Name one by id or address.")
    return found[0]


def _unknown(shown: str) -> UserMistake:
    return UserMistake(
        f"Nobody is known as {shown}. Whoever has used a command or sent a mail once is; "
        "see them all: agent people list"
    )


def shown(person: Actor | People) -> str:
    """Somebody as the record calls them: by name, and where others have it, by what else they are known."""
    return label(people.get(person.id)) if people.shares_name(person.id, person.name) else person.name


def label(person: Known) -> str:
    """A person by name, with an identity that tells them from others of that name."""
    value = person.identities[0][1] if person.identities else ""
    return f"{person.name} ({value})" if value else person.name
