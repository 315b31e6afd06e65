"""Who hears of a task, and of what."""

from collections.abc import Iterable

from bot import people
from bot.actors import Actor, Door
from bot.errors import UserMistake
from bot.work.keys import key
from storage import people as rows
from storage import subscriptions, tasks
from storage.tables import Cadence, Tasks


def watch(task: Tasks, actor: Actor, door: Door, cadence: Cadence) -> str:
    """Let someone hear of a task from now on, by the door that they ask through.

    Args:
        task: The task.
        actor: Who wants to hear.
        door: Where they ask: in Slack they are told in a direct message, else by email.
        cadence: What they want to hear of.

    Returns:
        Where they are told.

    Raises:
        UserMistake: There is no way to tell them.
    """
    outlet = "slack" if door == Door.SLACK else "email"
    found = rows.values(actor.id, outlet)
    if not found:
        raise UserMistake(
            "There is no address of yours to write to. Link one in Slack: agent people link ADDRESS"
        )
    _tell(task.id, outlet, found[0], cadence)
    return "in a direct message" if outlet == "slack" else f"at {found[0]}"


def notify(task: Tasks, address: str) -> bool:
    """Let an address hear of a task from now on; False if it had its own say about that before."""
    known = [sub for sub in subscriptions.of_task(task.id) if (sub.outlet, sub.address) == ("email", address)]
    if any(sub.cadence != "called" for sub in known):
        return False
    _tell(task.id, "email", address, "all")
    return True


def _tell(task_id: int, outlet: str, address: str, cadence: Cadence) -> None:
    if not subscriptions.set_cadence(task_id, outlet, [address], cadence):
        subscriptions.add(task_id, outlet, address, cadence=cadence)
        subscriptions.start_at_end(task_id, outlet, address)


def let_hear(task_id: int, addresses: Iterable[str]) -> None:
    """See that what is meant for these addresses reaches them; nobody hears more of the task by that."""
    heard = _by_mail(task_id)
    for address in addresses:
        if address not in heard:
            subscriptions.add(task_id, "email", address, cadence="asked")
            subscriptions.start_at_end(task_id, "email", address)


def people_of(task_id: int) -> dict[str, str]:
    """The addresses of a task's people, and what each wants to hear of; nothing where nobody has said.

    Whoever was but called to decide is none of them.
    """
    heard = _by_mail(task_id)
    subscribed = {address: cadence for address, cadence in heard.items() if cadence != "called"}
    asker = rows.values(tasks.get(task_id).asker_id, "email")
    return {**subscribed, **{address: "" for address in asker if address not in subscribed}}


def _by_mail(task_id: int) -> dict[str, Cadence]:
    """What is mailed of a task, by address."""
    return {one.address: one.cadence for one in subscriptions.of_task(task_id) if one.outlet == "email"}


def hear_less(task: Tasks, actor: Actor, cadence: Cadence) -> None:
    """Let someone hear less of a task; they may still see it.

    Raises:
        UserMistake: They hear nothing of it.
    """
    by_mail = subscriptions.set_cadence(task.id, "email", people.addresses(actor), cadence)
    by_chat = subscriptions.set_cadence(task.id, "slack", rows.values(actor.id, "slack"), cadence)
    if not by_mail + by_chat:
        raise UserMistake(f"You are not told of {key(task.id)} by mail or in a direct message.")
