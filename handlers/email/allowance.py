"""How many letters are taken in an hour."""

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


class Allowance:
    """So many an hour, each sender or mailbox for itself; a restart forgets it.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, dict[int, datetime]] = {}

    def take(self, who: str, letter_id: int, at: datetime) -> bool:
        """Take a letter, if there is room; one that was taken before takes no more."""
        if not self.has_room(who, at) and letter_id not in self._taken[who]:
            return False
        self._taken.setdefault(who, {})[letter_id] = at
        return True

    def has_room(self, who: str, at: datetime) -> bool:
        """Whether one more would be taken."""
        fresh = {
            one: {number: when for number, when in taken.items() if at - when < HOUR}
            for one, taken in self._taken.items()
        }
        self._taken = {one: taken for one, taken in fresh.items() if taken}
        return len(self._taken.get(who, {})) < self._most
