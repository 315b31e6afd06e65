"""What asks Slack: it is done beside everything else, outlives the ack, and may fail."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.errors import LegworkError

log = structlog.get_logger()


class Errands:
    """Runs them beside everything else; one of a name at a time."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}

    def run(self, name: str, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin one, unless one of this name is under way.

        Args:
            name: What it does, for the log.
            errand: Does it; the house's own errors are logged and harmless.

        Returns:
            The one that is under way.
        """
        if name in self._running:
            errand.close()
        else:
            self._running[name] = asyncio.create_task(self._run(name, errand))
        return self._running[name]

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, name: str, errand: Coroutine[Any, Any, None]) -> None:
        try:
            await errand
        except LegworkError as error:
            log.warning("Slack was asked in vain", errand=name, why=str(error))
        finally:
            del self._running[name]
