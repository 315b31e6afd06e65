"""The pace of what may be done only so often."""

import pytest

from bot.delivery.pace import CALM_S, Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, as the test sets it."""
    at = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: at[0])
    return at


@pytest.mark.usefixtures("clock")
def test_what_was_never_limited_is_free() -> None:
    """A burst goes at once."""
    pace = Pace()
    assert [pace.take_turn("a", 1.1) for _ in range(5)] == [0] * 5


def test_after_a_limit_everybody_takes_turns(clock: list[float]) -> None:
    """The first turn is when the far end said, and each later one so long after the one before."""
    pace = Pace()
    pace.block("a", 3)
    assert [pace.take_turn("a", 1.5) for _ in range(3)] == [3, 4.5, 6]
    assert pace.take_turn("b", 1.5) == 0
    clock[0] += 7
    assert pace.wait_s("a") == 0.5
    clock[0] += 10
    assert [pace.take_turn("a", 1.5) for _ in range(2)] == [0, 1.5]


def test_a_limit_is_forgotten(clock: list[float]) -> None:
    """After a calm minute a burst is free again, and nothing is kept of what is over."""
    pace = Pace()
    for number in range(100):
        pace.block(str(number), 1)
    clock[0] += CALM_S + 1
    assert [pace.take_turn("7", 1.5) for _ in range(3)] == [0] * 3
    pace.block("a", 1)
    assert list(pace._free_at) == ["a"]
