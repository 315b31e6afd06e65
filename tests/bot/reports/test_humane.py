"""Figures as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reports.humane import counted, duration, minute, moment, size


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.03, "30 ms"),
        (0.9996, "1 s"),
        (1.04, "1 s"),
        (3.24, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (72, "1 min 12 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (86_399, "1 d"),
        (3 * 86_400 + 4 * 3600, "3 d 4 h"),
        (1e9, "11,574 d 2 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    """A duration is told in its two largest units, and never as 60 of one."""
    assert duration(seconds) == shown


@given(st.floats(0, 1e9))
def test_no_unit_is_ever_full(seconds: float) -> None:
    """Rounding never shows 60 s, 60 min, 24 h or 1000 ms."""
    parts = duration(seconds).split()
    assert not {"60", "1000"} & set(parts) or parts[1] == "d"
    assert "24 h" not in duration(seconds)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "no bytes"),
        (1, "1 byte"),
        (512, "512 bytes"),
        (1000, "1.0 kB"),
        (3_400_000, "3.4 MB"),
        (96_500_000, "96 MB"),
        (999_600, "1.0 MB"),
        (5 * 10**12, "5.0 TB"),
        (10**30, "1,000,000.0 TB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    """Sizes are told in decimal units with two figures or three."""
    assert size(count) == shown


def test_counts_and_moments() -> None:
    """Nouns take their plural; moments are told in UTC, whatever zone they were given in."""
    assert [counted(count, "file") for count in (0, 1, 2400)] == ["no files", "1 file", "2,400 files"]
    assert moment(datetime(2026, 11, 21, 14, 3, 12, tzinfo=UTC)) == "21 Nov 2026, 14:03:12 UTC"
    east = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 1, 1, 1, 0, tzinfo=east)) == "31 Dec 2025, 23:00:00 UTC"


def test_a_minute_is_told_in_utc() -> None:
    """Seconds are left out, and every zone is told as UTC."""
    at = datetime(2026, 11, 21, 13, 3, 59, tzinfo=timezone(timedelta(hours=1)))
    assert minute(at) == "21 Nov 2026, 12:03 UTC"
