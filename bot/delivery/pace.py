"""How often something may be done, so that a far end is not flooded."""

import time

CALM_S = 60.0


class Pace:
    """When each thing is free again; what has been calm for a minute is forgotten."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def wait_s(self, what: str) -> float:
        """Seconds until it is free; 0 if it is."""
        return max(self._free_at.get(what, 0.0) - time.monotonic(), 0.0)

    def block(self, what: str, seconds: float) -> None:
        """Let it not be free for so long."""
        now = time.monotonic()
        self._free_at = {known: at for known, at in self._free_at.items() if now - at < CALM_S}
        self._free_at[what] = max(self._free_at.get(what, 0.0), now + seconds)

    def take_turn(self, what: str, seconds: float) -> float:
        """Take the next turn at what was blocked lately, and block it for so long from then on.

        Returns:
            Seconds until the turn comes; 0 at what was not blocked lately: there everybody may go at once.
        """
        wait_s = self.wait_s(what)
        if time.monotonic() - self._free_at.get(what, -CALM_S) < CALM_S:
            self.block(what, wait_s + seconds)
        return wait_s
