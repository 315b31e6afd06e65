"""What tokens cost."""

import pytest
from pydantic import ValidationError

from bot.events import Usage
from bot.models.prices import Price, Prices

USAGE = Usage(read=1_000_000, cached=400_000, stored=100_000, written=1_000_000)


@pytest.mark.parametrize(
    ("row", "usd"),
    [
        ({"read": 2, "written": 8}, 10.0),
        ({"read": 2, "written": 8, "cached": 0.5}, 9.4),
        ({"read": 2, "written": 8, "cached": 0.5, "stored": 3}, 9.5),
        ({"read": 0, "written": 0}, 0.0),
    ],
)
def test_each_kind_of_token_has_its_price(row: dict[str, float], usd: float) -> None:
    """Those of the cache cost as the others where nothing else is said."""
    assert Prices([Price(model="a:b", **row)]).priced("a:b", USAGE).usd == pytest.approx(usd)


def test_the_last_row_that_is_about_a_model_holds() -> None:
    """A team's own prices stand after ours, and win."""
    prices = Prices([Price(model="a:*", read=1, written=1), Price(model="a:b*", read=2, written=2)])
    assert prices.priced("a:c", USAGE).usd == 2.0
    assert prices.priced("a:bc", USAGE).usd == 4.0
    assert prices.priced("b:a", USAGE).usd is None


def test_a_price_may_end_at_a_length() -> None:
    """Long requests cost more at some providers; without a row for them nobody knows what."""
    short = Price(model="a:b", read=1, written=1, up_to=1_000_000)
    longer = Usage(read=1_000_001)
    assert Prices([short]).priced("a:b", USAGE).usd == 2.0
    assert Prices([short]).priced("a:b", longer).usd is None
    assert Prices([Price(model="a:b", read=2, written=1), short]).priced("a:b", longer).usd == pytest.approx(
        2
    )


def test_what_nobody_counted_has_no_known_cost() -> None:
    """Unless it costs nothing however much it is."""
    assert Prices([Price(model="a:b", read=2, written=8)]).priced("a:b", Usage()).usd is None
    assert Prices([Price(model="a:b", read=0, written=0)]).priced("a:b", Usage()).usd == 0


@pytest.mark.parametrize(
    "row", [{}, {"model": "a", "read": -1, "written": 1}, {"model": "a", "read": 1, "write": 1}]
)
def test_a_row_that_cannot_be_used_is_refused(row: dict[str, object]) -> None:
    """A wrong figure is no price of zero."""
    with pytest.raises(ValidationError):
        Price.model_validate(row)
