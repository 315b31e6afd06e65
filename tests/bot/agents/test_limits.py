"""What a task may use up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.limits import Limits, Spent
from bot.commands.words import budget


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("", Limits(200, 1_000, 5.0)),
        ("2usd", Limits(200, 1_000, 2.0)),
        ("9.5usd,50steps,1h30m", Limits(50, 1_000, 5.0, 5_400)),
        ("900steps,1d", Limits(200, 1_000, 5.0, 86_400)),
    ],
)
def test_the_tighter_limit_holds(words: str, limits: Limits) -> None:
    """A budget can only take away from what the house allows."""
    assert Limits(200, 1_000, 5.0).within(words) == limits


@given(st.integers(1, 10_000), st.integers(1, 1_000_000), st.integers(1, 366 * 86_400))
def test_every_budget_of_the_grammar_is_understood(steps: int, cents: int, length: int) -> None:
    """Whatever the grammar takes and writes limits all three."""
    limits = Limits(10_001).within(budget(f"{cents / 100:.2f}usd, {steps} steps, {length}s"))
    assert (limits.steps, limits.seconds) == (steps, float(length))
    assert limits.usd == pytest.approx(cents / 100)


@pytest.mark.parametrize(
    ("spent", "why"),
    [
        (Spent(steps=9, tokens=99, usd=0.99, seconds=59.9), ""),
        (Spent(steps=10), "The task took the 10 turns of its model that it may take."),
        (Spent(usd=1.5), "The task has cost $1.50, and may cost $1.00."),
        (Spent(tokens=1_234), "The task has used 1,234 tokens, and may use 100."),
        (Spent(seconds=60), "The task was worked on for the 1 min that it may take."),
        (Spent(unpriced="openai:a"), "The task may cost $1.00, and nobody knows what openai:a costs."),
    ],
)
def test_each_limit_has_its_sentence(spent: Spent, why: str) -> None:
    """It names what ran out, and says what to do."""
    told = Limits(10, 100, 1.0, 60.0).reached(spent)
    assert told.startswith(why)
    assert bool(told) == bool(why)


def test_without_a_limit_in_dollars_no_price_is_needed() -> None:
    """A model without a price does no harm where nobody counts dollars."""
    assert not Limits(10).reached(Spent(unpriced="openai:a"))
