"""A letter that is believed, and what its address lets it speak about."""

from dataclasses import dataclass

from bot.actors import Actor, Door, Origin
from bot.work.keys import approval_key, key
from handlers.email.letter import Letter
from storage import approvals
from storage.tables import Subscriptions


@dataclass(frozen=True, slots=True)
class Proven:
    """A letter from whom its address was made for.

    Attributes:
        letter: The letter.
        heard: The subscription that the address was made for, with its task.
        sender: Who acts.
        authentic: Our own mail server vouches that the letter is from that domain.
        approval: Number of the approval that the address is about; 0 where it is about the whole task.
        expired: The address decides no more.
    """

    letter: Letter
    heard: Subscriptions
    sender: Actor
    authentic: bool
    approval: int = 0
    expired: bool = False

    @property
    def task(self) -> str:
        """What people call the task."""
        return key(self.heard.task_id)

    @property
    def signed(self) -> str:
        """What the address was made for, as people call it: an approval, or the task."""
        return approval_key(self.approval) if self.approval else self.task

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return Origin(Door.EMAIL, thread=self.letter.message_id, vouched=self.authentic)

    def covers(self, named: str) -> bool:
        """Whether the address was made for what is named, as `canonical` has it: a task has its approvals."""
        if named in (self.task, self.signed):
            return True
        if self.approval or not named.startswith("A-"):
            return False
        found = approvals.find(int(named.removeprefix("A-")))
        return found is not None and found.task_id == self.heard.task_id


def canonical(named: str) -> str:
    """A key as the house writes it: `A-17` for `a17`; an empty one stays empty."""
    return f"{named[0].upper()}-{int(named[1:].lstrip('-'))}" if named else ""
