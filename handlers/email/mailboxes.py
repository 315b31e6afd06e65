"""Which addresses of our domain are served: reply addresses that we made, `postmaster` and `abuse`."""

from bot.reply_address import AskReply, TaskReply
from storage import subscriptions
from storage.tables import Subscriptions

HOUSE = ("postmaster", "abuse")


def house_mailbox(address: str, domain: str) -> str:
    """The mailbox of the house that an address names (RFC 2142); empty where it names none.

    `postmaster` counts without a domain too (RFC 5321, section 4.5.1).
    """
    local, at, given = address.lower().rpartition("@")
    if not at:
        return "postmaster" if given == "postmaster" else ""
    return local if given == domain.lower() and local in HOUSE else ""


def subscription_of(target: TaskReply | AskReply) -> Subscriptions | None:
    """Whom a reply address was made for, with their task; None where that is no more."""
    found = subscriptions.find(target.subscription)
    if found is None or found.outlet != "email":
        return None
    if isinstance(target, TaskReply) and found.task_id != target.task:
        return None
    return found


def is_served(target: TaskReply | AskReply) -> bool:
    """Whether a reply address still leads to somebody."""
    return subscription_of(target) is not None
