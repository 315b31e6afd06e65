"""Who may decide on a call, and how they come to hear of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot import people, permissions, stream
from bot.actors import Actor, Role
from bot.events import ApprovalDecided, InstructionGiven, ModelTurned, TaskRetried
from storage import approvals, subscriptions
from storage import people as rows
from storage.tables import People, Subscriptions, Tasks

DIRECT = ("D", "U", "W")  # how the ids of direct messages and of people begin in Slack


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide on the calls of a task.

    Attributes:
        named: Those who were named for its agent or its channel.
        barred: Those who may not approve, because they wanted the call themselves.
        admins_only: Whoever was named may not: it is for admins.
        admins: Those whom to ask where nobody else hears of the task.
    """

    named: tuple[People, ...]
    barred: frozenset[int]
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
        return ", ".join(people.shown(person) for person in self.named)

    @property
    def mark(self) -> str:
        """Differs where others decide."""
        return ",".join(str(person.id) for person in self.named) or ("admins" if self.admins_only else "")


def steerers(task: Tasks) -> tuple[int, ...]:
    """Who wants what a task does now, beside who asked for it.

    Whoever began it anew last, and whoever has told the agent something since the last decision, or before
    that, but too late for the turn that it was about.
    """
    begun_by = heeded = 0
    told: list[tuple[int, int]] = []
    for event in stream.replay(task.stream_id):
        match event.fact:
            case TaskRetried(person=person):
                begun_by = person
            case InstructionGiven(person=person):
                told.append((event.seq, person))
            case ModelTurned() as fact:
                heeded = fact.heeded or event.seq
            case ApprovalDecided():
                told = [(seq, person) for seq, person in told if seq > heeded]
    wanted_by = {begun_by, *(person for _, person in told)}
    return tuple(sorted(wanted_by - {0, task.asker_id}))


def deciders(task: Tasks, steered_by: Iterable[int], *, own: bool, admins: Collection[str] = ()) -> Deciders:
    """Who may decide on a task's call at the moment.

    Args:
        task: The task.
        steered_by: Who wanted the call, beside who asked for the task: `steerers`, when it was asked about.
        own: Whether the rule lets these approve; the agent's own setting goes before it.
        admins: Slack ids and addresses of those who are admins by the settings.
    """
    if task.agent.own_approval:
        own = task.agent.own_approval == "yes"
    named = tuple(approvals.approvers(task.agent_id, task.discussion_id))
    wanted_by = {task.asker_id, *(rows.get(person).id for person in steered_by)}
    barred = frozenset() if own else frozenset(wanted_by)
    others = tuple(person for person in named if person.id not in barred)
    called = tuple(person for person in approvals.admins(admins) if person.id not in barred)
    return Deciders(others, barred, bool(named) and not others, called)


def call(task: Tasks, who: Deciders) -> tuple[str, ...]:
    """See to it that those who may decide hear of it; the addresses that are asked by mail."""
    heard = [sub for sub in subscriptions.of_task(task.id) if sub.cadence != "none"]
    if who.named:
        called: tuple[People, ...] = who.named
        mailed = []
    else:
        mailed = [sub.address for sub in heard if sub.outlet == "email" and _decides(sub, who)]
        in_channel = any(sub.outlet == "slack" and not sub.address.startswith(DIRECT) for sub in heard)
        reached = not who.admins_only and (mailed or in_channel)
        called = () if reached else who.admins
    for person in called:
        mailed += rows.values(person.id, "email")
        for user in rows.values(person.id, "slack"):
            subscriptions.add(task.id, "slack", user, cadence="called")
    for address in mailed:
        subscriptions.add(task.id, "email", address, cadence="called")
    return tuple(dict.fromkeys(mailed))


def _decides(sub: Subscriptions, who: Deciders) -> bool:
    person = rows.find("email", sub.address)
    if person is None or person.id in who.barred:
        return False
    is_admin = person.id in {admin.id for admin in who.admins}
    return is_admin or (not who.admins_only and Role(person.role).includes(Role.MEMBER))
