"""What people may do, and who decides on that."""

from collections.abc import Iterable
from datetime import datetime

from bot import stream
from bot.actors import Actor, Role
from bot.errors import UserMistake
from bot.events import RoleChanged
from bot.people.naming import label
from storage import people
from storage.people import Known

_named: set[str] = set()


def settings_name(admins: Iterable[str]) -> None:
    """Say whom the settings of this process name as admins: Slack ids, and addresses in their stored form."""
    _named.clear()
    _named.update(admins)


def role_of(person: Known) -> tuple[Role, str]:
    """What a person may do, and by which identity the settings name them an admin; empty where they do not.

    It is by that identity alone that the settings make them one: another door is as strong as its own proof.
    """
    named = next((value for _, value in person.identities if value in _named), "")
    return (Role.ADMIN if named else Role(person.role)), named


def change_role(person: Known, role: Role, actor: Actor, now: datetime) -> None:
    """Let a person do more, or less.

    Raises:
        UserMistake: Nobody who can be reached by a door would be an admin any more, or the person always is.
    """
    if not _comes_by_a_door(person):
        raise UserMistake(
            f"{label(person)} runs commands on the bot's own machine, and so is an admin always."
        )
    if person.id == actor.id and role != Role.ADMIN and not others_are_admins(person):
        raise UserMistake(
            "You are the last admin. Make someone else one first: agent people role @NAME admin"
        )
    people.set_role(person.id, role)
    stream.record(stream.HOUSE, actor.name, RoleChanged(person=label(person), role=role, by=actor.name), now)


def _comes_by_a_door(person: Known) -> bool:
    return any(kind != "local" for kind, _ in person.identities)


def others_are_admins(person: Known) -> bool:
    """Whether there is another admin, or this one stays one by the settings."""
    return any(
        role_of(one)[1] or (one.id != person.id and one.role == Role.ADMIN and _comes_by_a_door(one))
        for one in people.everyone()
    )
