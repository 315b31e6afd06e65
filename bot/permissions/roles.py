"""Who may do what, and who sees which task."""

from bot import people
from bot.actors import Actor, Origin, Role
from storage.tables import Workspaces
from storage.tasks import Eyes


def may(actor: Actor, needs: Role) -> bool:
    """Whether the actor's role suffices."""
    return actor.role.includes(needs)


def sees_workspace(actor: Actor, origin: Origin, workspace: Workspaces) -> bool:
    """Whether an actor may work in a workspace from where they stand, and see who does."""
    owner = workspace.discussion
    here = owner is not None and (owner.door, owner.place) == (origin.door, origin.place)
    return owner is None or not owner.private or here or may(actor, Role.ADMIN)


def eyes(actor: Actor, origin: Origin) -> Eyes:
    """Which tasks an actor sees from where they stand.

    An admin sees all. A member sees the tasks of the place they ask from, those of every discussion that is
    not private, and their own. A stakeholder sees the tasks they asked for or hear of.
    """
    return Eyes(
        person=actor.id,
        addresses=(*people.addresses(actor), *people.slack_ids(actor)),
        place=(origin.door, origin.place),
        public=may(actor, Role.MEMBER),
        everything=may(actor, Role.ADMIN),
    )
