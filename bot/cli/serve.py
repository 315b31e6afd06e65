"""`legwork serve`, `web` and `worker`: run until told to stop."""

import asyncio
import contextlib
import signal

from bot.app.house import opened
from bot.errors import LegworkError
from config.settings import Settings


async def serve(settings: Settings, *, web: bool, work: bool) -> None:
    """Run the parts until SIGTERM or SIGINT; then end in order, so that others go on at once.

    Raises:
        LegworkError: A part cannot be started, or there is none.
    """
    if not work and not settings.http:
        raise LegworkError("There is nothing to run: LEGWORK_HTTP is empty. Set it, to 127.0.0.1:8080 say.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(opened(settings))
        if work:
            from bot.app.worker import worker

            await stack.enter_async_context(worker(house))
        if web and settings.http:
            from bot.app.web import web as listen

            await stack.enter_async_context(listen(house))
        await stop.wait()
