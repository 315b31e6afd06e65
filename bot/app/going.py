"""Keeps what drives the bot going."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

RESTART_S = 1.0


async def kept_going(drive: Callable[[], Awaitable[None]]) -> None:
    """Drive; a fault that nobody foresaw (a full disk, say) is logged, and driving goes on."""
    while True:
        try:
            await drive()
        except Exception:
            log.exception("driving again in a moment")
            await asyncio.sleep(RESTART_S)
