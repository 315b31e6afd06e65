"""Figures as people read them: durations, sizes, counts and moments."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `30 ms`, `3.2 s`, `1 min 12 s`, `3 d 4 h`.

    Args:
        seconds: What is below 0 reads as 0.
    """
    if seconds < 0.0005:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _two(whole // MINUTE, "min", whole % MINUTE, "s")
    minutes = round(seconds / MINUTE)
    if minutes < DAY // MINUTE:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(seconds / HOUR)
    return _two(hours // 24, "d", hours % 24, "h")


def _two(large: int, unit: str, small: int, subunit: str) -> str:
    return f"{large} {unit} {small} {subunit}" if small else f"{large} {unit}"


def size(count: int) -> str:
    """Bytes in decimal units: `512 bytes`, `3.4 MB`."""
    if count < 1000:
        return counted(max(count, 0), "byte")
    figure = float(min(count, 10**18))
    for unit in ("kB", "MB", "GB", "TB"):
        figure /= 1000
        if figure < 9.95:
            return f"{figure:.1f} {unit}"
        if figure < 999.5:
            return f"{figure:.0f} {unit}"
    return f"{figure:,.0f} TB"


def counted(count: int, noun: str) -> str:
    """A count with its noun, which takes an `s` for the plural: `1 step`, `2,400 steps`, `no steps`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}s" if count else f"no {noun}s"


def moment(at: datetime) -> str:
    """A moment in UTC, to the second, the same under every locale: `21 Nov 2026, 14:03:12 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M:%S} UTC"
