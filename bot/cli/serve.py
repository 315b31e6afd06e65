"""`legwork serve`, `web`, `mail` and `worker`: run until told to stop."""

import asyncio
import contextlib
import signal

from bot.app.house import opened
from bot.errors import LegworkError
from config.settings import Settings


async def serve(settings: Settings, *, web: bool = False, mail: bool = False, work: bool = False) -> None:
    """Run the parts until SIGTERM or SIGINT; then end in order, so that others go on at once.

    Raises:
        LegworkError: A part cannot be started, or there is none.
    """
    web = web and bool(settings.http or settings.socket_mode)
    mail = mail and bool(settings.smtp or settings.lmtp)
    if not (web or mail or work):
        raise LegworkError(
            "There is nothing to run: its addresses are empty. Set LEGWORK_HTTP for the web side, to "
            "127.0.0.1:8080 say, or LEGWORK_SMTP for the mail side, to 127.0.0.1:8025."
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(opened(settings, configure=True))
        if work:
            from bot.app.worker import worker

            await stack.enter_async_context(worker(house))
        if mail:
            from bot.app.mail import mail as take

            await stack.enter_async_context(take(house))
        if web:
            from bot.app.web import web as listen

            await stack.enter_async_context(listen(house))
        await stop.wait()
