"""The bell of this process: it rings when something has changed that others may wait for."""

import asyncio


class Bell:
    """Wakes whoever waits for something to have changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.rung = 0

    def ring(self) -> None:
        """Wake everyone who waits now."""
        self.rung += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, heard: int) -> int:
        """Wait until the bell has rung more than `heard` times; how often it has rung."""
        while self.rung <= heard:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
        return self.rung


bell = Bell()
