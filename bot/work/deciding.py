"""Who may decide on a call, and how they come to hear of it."""

from collections.abc import Collection
from dataclasses import dataclass

from bot import permissions
from bot.actors import Actor, Role
from storage import approvals, people, subscriptions
from storage.tables import People, Subscriptions, Tasks

DIRECT = ("D", "U", "W")  # how the ids of direct messages and of people begin in Slack


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide on the calls of a task.

    Attributes:
        named: Those who were named for its agent or its channel.
        own: Whether who asked for the task may approve.
        admins_only: Whoever was named may not: it is for admins.
        admins: Those whom to ask where nobody else hears of the task.
    """

    named: tuple[People, ...]
    own: bool
    admins_only: bool = False
    admins: tuple[People, ...] = ()

    def include(self, actor: Actor) -> bool:
        """Whether somebody is one of them."""
        if self.named:
            return actor.id in {person.id for person in self.named}
        return permissions.may(actor, Role.ADMIN if self.admins_only else Role.MEMBER)

    @property
    def shown(self) -> str:
        """Those who were named, by name."""
        return ", ".join(person.name for person in self.named)

    @property
    def mark(self) -> str:
        """Differs where others decide."""
        return ",".join(str(person.id) for person in self.named) or ("admins" if self.admins_only else "")


def deciders(task: Tasks, *, own: bool, admins: Collection[str] = ()) -> Deciders:
    """Who may decide on a task's calls at the moment.

    Args:
        task: The task.
        own: Whether the rule lets who asked for the task approve; the agent's own setting goes before it.
        admins: Slack ids and addresses of those who are admins by the settings.
    """
    if task.agent.own_approval:
        own = task.agent.own_approval == "yes"
    named = tuple(approvals.approvers(task.agent_id, task.discussion_id))
    others = named if own else tuple(person for person in named if person.id != task.asker_id)
    known = {person.id: person for person in approvals.admins(admins)}
    if not own:
        known.pop(task.asker_id, None)
    return Deciders(others, own, bool(named) and not others, tuple(known.values()))


def call(task: Tasks, who: Deciders) -> tuple[str, ...]:
    """See to it that those who may decide hear of it; the addresses that are asked by mail."""
    heard = [sub for sub in subscriptions.of_task(task.id) if sub.cadence != "none"]
    if who.named:
        called: tuple[People, ...] = who.named
        mailed = []
    else:
        mailed = [sub.address for sub in heard if sub.outlet == "email" and _decides(sub, task, who)]
        in_channel = any(sub.outlet == "slack" and not sub.address.startswith(DIRECT) for sub in heard)
        reached = not who.admins_only and (mailed or in_channel)
        called = () if reached else who.admins
    for person in called:
        mailed += people.values(person.id, "email")
        for user in people.values(person.id, "slack"):
            subscriptions.add(task.id, "slack", user, cadence="called")
    for address in mailed:
        subscriptions.add(task.id, "email", address, cadence="called")
    return tuple(dict.fromkeys(mailed))


def _decides(sub: Subscriptions, task: Tasks, who: Deciders) -> bool:
    person = people.find("email", sub.address)
    if person is None or (person.id == task.asker_id and not who.own):
        return False
    is_admin = person.id in {admin.id for admin in who.admins}
    return is_admin or (not who.admins_only and Role(person.role).includes(Role.MEMBER))
