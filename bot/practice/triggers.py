"""Trigger ids: what lets the bot open a modal, for a moment after a person did something.

Source: https://docs.slack.dev/interactivity/handling-user-interaction (once, within three seconds) and
https://docs.slack.dev/reference/methods/views.open (the errors).
"""

import re
import secrets
import time
from dataclasses import dataclass

from bot.practice.model import ApiError

_FORM = re.compile(r"\d+\.\d+\.\w+")


@dataclass(slots=True)
class _Trigger:
    user: str
    made: float
    used: bool = False


class Triggers:
    """Hands out trigger ids and takes each back once.

    Attributes:
        patience_s: How long one is good for, in seconds.
    """

    def __init__(self) -> None:
        self.patience_s = 3.0
        self._made: dict[str, _Trigger] = {}

    def make(self, user: str, id_: str | None = None) -> str:
        """A trigger id for what this person just did; the given one where a delivery comes twice."""
        made = id_ or f"{time.time_ns()}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}"
        self._made.setdefault(made, _Trigger(user, time.monotonic()))
        return made

    def take(self, id_: str) -> str:
        """Exchange one for the person who caused it.

        Raises:
            ApiError: `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        found = self._made.get(id_)
        if found is None or not _FORM.fullmatch(id_):
            raise ApiError("invalid_trigger_id")
        if time.monotonic() - found.made > self.patience_s:
            raise ApiError("expired_trigger_id")
        if found.used:
            raise ApiError("exchanged_trigger_id")
        found.used = True
        return found.user
