"""What tokens cost, by a table of the configuration."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

from bot.events import Usage

MILLION = 1_000_000


class Price(BaseModel):
    """A row of `[[prices]]`: US dollars for a million tokens.

    Attributes:
        model: A glob over `provider:model`.
        read: For tokens that are read.
        written: For tokens that are written.
        cached: For those read from the provider's cache; as the others where it is not given.
        stored: For those put into that cache; as the others where it is not given.
        up_to: The most tokens of a request that it holds for; longer ones may cost more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    model: str = Field(min_length=1)
    read: float = Field(ge=0)
    written: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    stored: float | None = Field(default=None, ge=0)
    up_to: int | None = Field(default=None, ge=1)

    def is_about(self, model: str, usage: Usage) -> bool:
        """Whether it holds for a turn of a model."""
        return fnmatchcase(model, self.model) and (self.up_to is None or usage.read <= self.up_to)


class Prices:
    """A table of prices; the last row that is about a model holds, so that a team's own wins.

    Args:
        rows: In the order of the configuration.
    """

    def __init__(self, rows: Iterable[Price] = ()) -> None:
        self._rows = tuple(rows)

    def priced(self, model: str, usage: Usage) -> Usage:
        """The same usage with what it cost, where that is known: a price, and figures of the provider.

        Args:
            model: As `provider:model`.
            usage: What one turn used.
        """
        price = next((row for row in reversed(self._rows) if row.is_about(model, usage)), None)
        if price is None or (not (usage.read or usage.written) and (price.read or price.written)):
            return usage
        cached = price.read if price.cached is None else price.cached
        stored = price.read if price.stored is None else price.stored
        plain = max(usage.read - usage.cached - usage.stored, 0)
        cost = plain * price.read + usage.cached * cached + usage.stored * stored
        usd = (cost + usage.written * price.written) / MILLION
        return usage.model_copy(update={"usd": round(usd, 9)})
