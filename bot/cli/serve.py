"""`legwork serve`, `web` and `worker`: run until told to stop."""

import asyncio
import contextlib
import signal

from bot import app
from config.settings import Settings


async def serve(settings: Settings, *, web: bool, work: bool) -> None:
    """Run the parts until SIGTERM or SIGINT; then end in order, so that others go on at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(app.opened(settings))
        if work:
            await stack.enter_async_context(app.worker(house))
        if web and settings.http:
            await stack.enter_async_context(app.web(house))
        await stop.wait()
