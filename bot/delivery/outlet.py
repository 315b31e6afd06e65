"""What a way of telling people must be able to do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.errors import Retry
from bot.events import Event
from bot.reports.summary import Report
from storage.tables import Cadence, Notices


class AccessError(Retry):
    """The far end does not let us in: an admin has to mend a token or a password; until then all waits."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One subscription, as an outlet sees it.

    Attributes:
        id: Row id of the subscription.
        address: Whom, in the outlet's own terms.
        thread: Remote id of the first message to them; empty before it.
        fallback: Address of whoever asked, for when this one cannot be reached; empty where there is none.
        cadence: What they want to hear of, as a subscription's row has it.
    """

    id: int
    address: str
    thread: str
    fallback: str
    cadence: Cadence = "all"


@dataclass(frozen=True, slots=True)
class Message:
    """The next thing to tell a subscription.

    Attributes:
        seq: The event it tells of; with the part it is a fixed name: what is sent under it is sent once.
        part: Which of the messages about that event.
        cursor: Where the cursor stands once it is told.
        edits: Parts of earlier messages that are changed in place, those of them that were sent; empty to
            send something new.
    """

    seq: int
    part: str
    cursor: int
    edits: tuple[str, ...] = ()


async def alone() -> None:
    """Nobody else could tell it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """All that an outlet needs to say one message.

    Attributes:
        message: What is to be told.
        to: Whom.
        report: The task, as its events tell it.
        event: The event it tells of.
        earlier: Remote ids of what they were sent before, by part.
        since: When it was first tried, where an earlier try may have gone out.
        still_ours: Raises where another worker tells it by now. What must not come twice awaits it last of
            all: this process may have been frozen since the try began.
    """

    message: Message
    to: Recipient
    report: Report
    event: Event
    earlier: Mapping[str, str]
    since: datetime | None = None
    still_ours: Callable[[], Awaitable[None]] = alone


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message.

    Attributes:
        remote_id: How the far end calls it.
        maybe_twice: An earlier try may have gone out too, and the far end cannot tell.
        begins_thread: What follows can be said below it; not so below a file.
    """

    remote_id: str
    maybe_twice: bool = False
    begins_thread: bool = True


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with what is said."""

    name: str
    media_type: str
    content: bytes


class Outlet(Protocol):
    """A way of telling people."""

    name: str

    def plan(self, events: Sequence[Event], cursor: int, to: Recipient) -> list[Message]:
        """What to tell of the events past the cursor, in order; pure.

        Args:
            events: All events of the task.
            cursor: The last event that was told.
            to: Whom, and what they want to hear of.
        """

    def wait_s(self, letter: Letter) -> float:
        """Seconds to wait before this message, so that a far end is not flooded."""

    async def send(self, letter: Letter) -> Sent:
        """Send something new, or find what an earlier try sent.

        Raises:
            AccessError: The far end does not let us in.
            Retry: It is busy or down.
            Permanent: It refuses for good.
        """

    async def edit(self, letter: Letter) -> None:
        """Change an earlier message in place.

        Raises:
            AccessError: The far end does not let us in.
            Retry: It is busy or down.
            Permanent: It refuses for good.
        """


class Notifying(Protocol):
    """A way of saying something that belongs to no subscription."""

    name: str

    async def say(self, notice: Notices, attachment: Attachment | None) -> None:
        """Say it to its address; a thing said twice does no harm.

        Args:
            notice: What is to be said, to whom, and what it answers.
            attachment: A file that goes with it.

        Raises:
            AccessError: The far end does not let us in.
            Retry: It is busy or down.
            Permanent: It refuses for good.
        """
