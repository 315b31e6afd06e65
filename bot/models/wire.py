"""JSON as models send and take it: what they send is hostile until it was looked through."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from bot.errors import Retry
from bot.events import UNREADABLE

DEEPEST = 50  # levels of lists and objects; events hold no more than some 200
LONGEST_ANSWER = 1_000_000  # characters
CUT_OFF = "\n\n(The answer was cut off: it was longer than the model may write.)"
FILTERED = "The provider's filter stopped the answer."
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def encoded(value: object) -> bytes:
    """The bytes of a value on the wire; half a surrogate pair, which has none, becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode(errors="replace")


def harmless(value: Any, depth: int = DEEPEST) -> Any:
    """The same value, if JSON and UTF-8 can hold it; what they cannot hold is replaced.

    Half a surrogate pair becomes U+FFFD; a number that is none, null.

    Args:
        value: As `json.loads` gave it.
        depth: How deep it may be.

    Raises:
        ValueError: It is nested too deep.
    """
    if depth < 0:
        raise ValueError("it is nested too deep")
    if isinstance(value, dict):
        return {harmless(str(key)): harmless(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [harmless(inner, depth - 1) for inner in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def loaded(text: str | bytes) -> Any:
    """Read JSON that a model or its server wrote.

    Raises:
        ValueError: It is none, or nested too deep.
    """
    try:
        return harmless(json.loads(text))
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def arguments(text: str) -> dict[str, Any]:
    """The arguments of a call; those that are no JSON object are kept as text under `UNREADABLE`."""
    try:
        found = loaded(text or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {UNREADABLE: harmless(text)}


class Length:
    """Counts what comes of an answer: a model that repeats itself may never stop."""

    def __init__(self) -> None:
        self._chars = 0

    def grow(self, chars: int) -> None:
        """So many more have come.

        Raises:
            Retry: It is more than any answer has.
        """
        self._chars += chars
        if self._chars > LONGEST_ANSWER:
            raise Retry("it did not stop talking")


def counted(figures: object, *path: str) -> int:
    """A figure below these names; 0 where there is none, or none that counts anything."""
    for name in path:
        figures = figures.get(name) if isinstance(figures, Mapping) else None
    return max(int(figures), 0) if isinstance(figures, int | float) else 0


def made_up_id(step: int, place: int) -> str:
    """A name on the wire for a call that has none there: nine letters and figures, as Mistral wants them."""
    return hashlib.sha256(f"{step}.{place}".encode()).hexdigest()[:9]


def tool_name(given: str) -> str:
    """A tool's name as providers take it back; one that a model made up may be anything."""
    return given if _NAME.fullmatch(given) else "unknown"
