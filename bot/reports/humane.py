"""Figures as people read them: durations, sizes, counts and moments."""

from collections.abc import Callable
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
KILO = 1000

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ONE_DECIMAL_BELOW = 9.95  # above it, it rounds to two digits anyway
_NEXT_UNIT_FROM = 999.5  # it would round to 1000

_FORMS: tuple[
    tuple[float, Callable[[float], str]], ...
] = (  # each up to where it would round to the next one
    (0.0005, lambda _: "0 s"),
    (0.9995, lambda seconds: f"{seconds * 1000:.0f} ms"),
    (_ONE_DECIMAL_BELOW, lambda seconds: f"{seconds:.1f} s".replace(".0 ", " ")),
    (MINUTE - 0.5, lambda seconds: f"{seconds:.0f} s"),
    (HOUR - 0.5, lambda seconds: _two(round(seconds), MINUTE, "min", "s")),
    (DAY - MINUTE / 2, lambda seconds: _two(round(seconds / MINUTE), 60, "h", "min")),
)


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `30 ms`, `3.2 s`, `1 min 12 s`, `3 d 4 h`.

    Args:
        seconds: What is below 0 reads as 0.
    """
    for below, form in _FORMS:
        if seconds < below:
            return form(seconds)
    return _two(round(seconds / HOUR), 24, "d", "h")


def _two(count: int, to_unit: int, unit: str, subunit: str) -> str:
    large, small = divmod(count, to_unit)
    return f"{large:,} {unit} {small} {subunit}" if small else f"{large:,} {unit}"


def size(count: int) -> str:
    """Bytes in decimal units: `512 bytes`, `3.4 MB`."""
    if count < KILO:
        return counted(max(count, 0), "byte")
    figure = float(min(count, KILO**6))
    for unit in ("kB", "MB", "GB"):
        figure /= KILO
        if figure < _NEXT_UNIT_FROM:
            return f"{figure:.1f} {unit}" if figure < _ONE_DECIMAL_BELOW else f"{figure:.0f} {unit}"
    return f"{figure / KILO:,.1f} TB"


def counted(count: int, noun: str) -> str:
    """A count with its noun, which takes an `s` for the plural: `1 step`, `2,400 steps`, `no steps`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}s" if count else f"no {noun}s"


def moment(at: datetime) -> str:
    """A moment in UTC, to the second, the same under every locale: `21 Nov 2026, 14:03:12 UTC`."""
    return _date(at, "%H:%M:%S")


def minute(at: datetime) -> str:
    """A moment in UTC, to the minute: `21 Nov 2026, 14:03 UTC`."""
    return _date(at, "%H:%M")


def _date(at: datetime, clock: str) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:{clock}} UTC"
