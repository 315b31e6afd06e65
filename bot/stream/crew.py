"""Work that comes up at the bell, done several pieces at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

import structlog

from bot.stream.bell import bell

log = structlog.get_logger()


class Crew:
    """Does pieces of leased work, each in a task of its own: a slow one delays no other.

    Args:
        most: How many at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def room(self) -> int:
        """How many more pieces could be done now."""
        return self._most - len(self._tasks)

    @property
    def names(self) -> frozenset[str]:
        """The pieces that are being done."""
        return frozenset(task.get_name() for task in self._tasks)

    def start(self, name: str, work: Coroutine[object, object, None]) -> None:
        """Do one more piece; the bell is rung when it is over, since there is room for another.

        Args:
            name: What it is called in `names` and in the log.
            work: The piece. Where it dies of an error, that is logged: others do it when its lease is over.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        bell.ring()
        if not task.cancelled() and (error := task.exception()):
            log.error(
                "work died; it is taken up again when its lease is over", what=task.get_name(), exc_info=error
            )

    async def drive(self, dispatch: Callable[[], Awaitable[None]]) -> None:
        """Look for work whenever the bell rings, until cancelled; then cancel what is being done.

        Args:
            dispatch: Starts what there is room for.
        """
        heard = 0
        try:
            while True:
                await dispatch()
                heard = await bell.wait(heard)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
