"""What a model is saying, for whoever watches, while it says it."""

import time
from collections.abc import Awaitable, Callable, Sequence

from bot.events import AnyFact, WordsCame

SHOWN_CHARS = 300


class Speaking:
    """Records the newest words of one turn, but rarely: what is recorded stays for ever.

    The log is the one thing that all processes see, so that words in memory alone would reach nobody who
    delivers in another one. A turn that is over before the first time is due leaves nothing.

    Args:
        step: The step that the turn begins.
        every_s: Seconds from the beginning, and from one time to the next.
        commit: Records facts.
    """

    def __init__(self, step: int, every_s: float, commit: Callable[[list[AnyFact]], Awaitable[None]]) -> None:
        self._step = step
        self._every_s = every_s
        self._commit = commit
        self._due = time.monotonic() + every_s
        self._shown = ""

    async def __call__(self, pieces: Sequence[str]) -> None:
        """Hear all that was said so far, in pieces."""
        if time.monotonic() < self._due:
            return
        words = "".join(pieces).strip()[-SHOWN_CHARS:]
        if words and words != self._shown:
            await self._commit([WordsCame(step=self._step, words=words)])
            self._shown = words
        self._due = time.monotonic() + self._every_s
