"""The one bell of the practice room: rung at every change, heard by the page and by tests."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """Counts what changes in the room and wakes whoever waits for it.

    Everything in the room happens on one event loop, so ringing needs no lock.

    Attributes:
        version: How many changes there were; each changed thing keeps the version that it changed with.
        closed: Whether the room is closing; whoever waits without an end must look at it.
    """

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self._next = asyncio.Event()

    def note(self) -> int:
        """Count one change, wake the waiting, and return the new version."""
        self.version += 1
        rung, self._next = self._next, asyncio.Event()
        rung.set()
        return self.version

    def close(self) -> None:
        """Tell everyone who waits that nothing more will come."""
        self.closed = True
        self.note()

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float) -> T:
        """Wait until `predicate` holds; it is asked again after every change.

        Args:
            predicate: Asked without arguments; anything truthy ends the wait.
            timeout_s: Seconds to wait at most.

        Returns:
            What the predicate returned.

        Raises:
            TimeoutError: It did not hold in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := predicate()):
                    await self._next.wait()
                return found
        except TimeoutError:
            raise TimeoutError(
                f"The practice room did not get there within {timeout_s} s ({self.version} changes seen); "
                "look at room.slack.calls, room.slack.messages and room.mailbox.letters."
            ) from None
