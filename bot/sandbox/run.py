"""One run: a sandbox for one command, which ends with it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bot.sandbox.box import Box
from bot.sandbox.terms import Handle, Outcome, SandboxUnavailable


async def play(box: Box, on_start: Callable[[Handle], Awaitable[None]] | None) -> Outcome:
    """Let the command of a sandbox run, and hold it to its limits until it ends.

    Args:
        box: The sandbox; it is closed in the end, whatever happens.
        on_start: Told who it is before the command is let go.

    Raises:
        SandboxUnavailable: bubblewrap could not set it up; nothing was run.
    """
    began = time.monotonic()
    try:
        ended_by = None
        if await box.begin(on_start):
            await asyncio.wait({box.over}, timeout=box.order.limits.timeout_s)
            if not box.over.done():
                box.end("timeout")
            ended_by = box.over.result()
        await box.dead()
        wall_s = time.monotonic() - began
        exit_code = box.bubble.exit_code
        if ended_by is None and exit_code is None:
            raise SandboxUnavailable(box.why_it_failed())
        said = [kept.text() for kept in box.streams.kept]
        return Outcome(
            exit_code=exit_code if ended_by is None else None,
            stdout=said[0],
            stderr="" if box.order.merge_stderr else said[1],
            ended_by=ended_by or await box.in_thread(box.watch.look_once_more, wall_s),
            wall_s=wall_s,
            peak_rss_bytes=box.watch.peak_memory,
            peak_processes=box.watch.peak_processes,
            disk_bytes=box.watch.disk_bytes,
        )
    finally:
        await box.close()
