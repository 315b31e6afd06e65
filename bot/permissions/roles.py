"""Who may do what, and who sees which task."""

from bot import people
from bot.actors import Actor, Origin, Role
from storage.tasks import Eyes


def may(actor: Actor, needs: Role) -> bool:
    """Whether the actor's role suffices."""
    return actor.role.includes(needs)


def eyes(actor: Actor, origin: Origin) -> Eyes:
    """Which tasks an actor sees from where they stand.

    An admin sees all. A member sees the tasks of the place they ask from, those of every discussion that is
    not private, and their own. A stakeholder sees the tasks they asked for or hear of.
    """
    return Eyes(
        person=actor.id,
        addresses=people.addresses(actor),
        place=(origin.door, origin.place),
        public=may(actor, Role.MEMBER),
        everything=may(actor, Role.ADMIN),
    )
