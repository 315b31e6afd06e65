"""Clocks for tests of what waits."""

import time
from datetime import datetime, timedelta

from bot.stream import bell
from tests.fakes.core import NOON


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        """What it shows."""
        return self.at

    def pass_(self, seconds: float) -> None:
        """Let time pass, and wake who waits."""
        self.at += timedelta(seconds=seconds)
        bell.ring()


def running() -> datetime:
    """What a clock shows that moves by itself."""
    return NOON + timedelta(seconds=time.monotonic())
