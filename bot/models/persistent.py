"""Ask again where a model fails for a moment, and the next one of a list where it fails for good."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.errors import Permanent, Retry
from bot.events import Usage
from bot.models.base import Model, News, Speak, Turn, WastedError, silently
from bot.models.prices import Prices

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a model is waited for.

    Attributes:
        tries: How often it is asked for one turn, before it is given up.
        first_s: Seconds before the second try; doubled before each other one.
        longest_s: The most seconds between two tries; a provider that wants more is given up at once.
        idle_s: Seconds that may pass without a byte of an answer.
    """

    tries: int = 5
    first_s: float = 1.0
    longest_s: float = 120.0
    idle_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that can be asked: its name, and how it is made when it is."""

    name: str
    make: Callable[[], Model]


class Persistent:
    """The first of several models that answers. Once one is given up, the run stays with the next.

    Args:
        candidates: In the order in which they are asked.
        patience: With each of them.
        prices: What their tokens cost.
    """

    scripted = False

    def __init__(self, candidates: Sequence[Candidate], patience: Patience, prices: Prices) -> None:
        self._left = list(candidates)
        self._patience = patience
        self._prices = prices
        self._failures: list[str] = []
        self._news: list[News] = []  # for the next model, if there is one
        self._model: Model | None = None
        self._wasted: list[Usage] = []  # by tries that failed since the last turn

    def learn(self, news: Sequence[News]) -> None:
        """Take in what became known."""
        if self._model:
            self._model.learn(news)
        if self._model is None or self._left[1:]:
            self._news.extend(news)

    async def turn(self, step: int, speak: Speak = silently) -> Turn:
        """Take a turn, with whichever model can.

        Raises:
            Permanent: None can; says why of each.
        """
        while self._left:
            name = self._left[0].name
            try:
                turn = await self._tried(name, step, speak)
            except Permanent as error:
                log.warning("a model is given up", model=name, why=str(error))
                self._failures.append(f"{name}: {error}")
                del self._left[0]
                self._model = None
            else:
                usage = turn.usage and sum(self._wasted, self._prices.priced(name, turn.usage))
                self._wasted.clear()
                return replace(turn, usage=usage)
        raise Permanent("No model could go on. " + " ".join(self._failures))

    async def _tried(self, name: str, step: int, speak: Speak) -> Turn:
        """A turn of the first model that is left.

        Raises:
            Permanent: It failed for good, or too often.
        """
        if self._model is None:
            self._model = await asyncio.to_thread(
                self._left[0].make
            )  # its library may take a second to import
            self._model.learn(self._news)
            if not self._left[1:]:
                self._news.clear()
        wait = self._patience.first_s
        for number in range(1, self._patience.tries + 1):
            try:
                return await self._model.turn(step, speak)
            except Retry as error:
                if isinstance(error, WastedError):
                    self._wasted.append(self._prices.priced(name, error.usage))
                told = error.after_s or 0.0
                if number == self._patience.tries or told > self._patience.longest_s:
                    times = "once" if number == 1 else f"{number} times"
                    why = f"it was asked {times}, and in the end {error}. Begin the task anew when it works."
                    raise Permanent(why) from error
                pause = max(wait * random.uniform(0.75, 1.25), told)  # noqa: S311  no secret
                log.info("a model is asked again", model=name, why=str(error), in_s=round(pause, 2))
                await asyncio.sleep(pause)
                wait = min(wait * 2, self._patience.longest_s)
        raise AssertionError
