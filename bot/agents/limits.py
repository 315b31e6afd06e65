"""What a task may use up, and what it did."""

import re
from dataclasses import dataclass, replace

_PART = re.compile(r"(?P<usd>[\d.]+)usd|(?P<steps>\d+)steps|(?P<time>(?:\d+[dhms])+)")
_TIME = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
MORE = "Begin it anew with `task retry`, or assign what is left with a larger `--budget`."


@dataclass(frozen=True, slots=True)
class Spent:
    """What a task used up so far, since it was opened or begun anew.

    Attributes:
        steps: Turns of models.
        tokens: Those read and written.
        usd: US dollars, as far as prices are known.
        unpriced: A model that was used and has no price.
        seconds: Time that it was worked on; what it waited for people does not count.
    """

    steps: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may use up; None is no limit. Attributes are those of `Spent`."""

    steps: int
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None

    def within(self, budget: str) -> "Limits":
        """The same limits, and those of a task's own budget: the tighter ones hold.

        Args:
            budget: In the grammar's one form: `2usd,50steps,1h30m`; empty for none.
        """
        limits = self
        for part in filter(None, budget.split(",")):
            match = _PART.fullmatch(part)
            if match is None:
                continue
            if match["usd"]:
                limits = replace(limits, usd=_least(limits.usd, float(match["usd"])))
            elif match["steps"]:
                limits = replace(limits, steps=min(limits.steps, int(match["steps"])))
            else:
                length = sum(int(number) * _SECONDS[unit] for number, unit in _TIME.findall(match["time"]))
                limits = replace(limits, seconds=_least(limits.seconds, float(length)))
        return limits

    def reached(self, spent: Spent) -> str:
        """Why the task may not go on, as sentences; empty if it may."""
        why = ""
        if spent.steps >= self.steps:
            turns = "turn" if self.steps == 1 else "turns"
            why = f"The task took the {self.steps:,} {turns} of its model that it may take."
        elif self.usd is not None and spent.unpriced:
            return (
                f"The task may cost {_dollars(self.usd)}, and nobody knows what {spent.unpriced} costs. An "
                "admin can add its price to the configuration, as `[[prices]]`. Or give it steps or time."
            )
        elif self.usd is not None and spent.usd >= self.usd:
            why = f"The task has cost {_dollars(spent.usd)}, and may cost {_dollars(self.usd)}."
        elif self.tokens is not None and spent.tokens >= self.tokens:
            why = f"The task has used {spent.tokens:,} tokens, and may use {self.tokens:,}."
        elif self.seconds is not None and spent.seconds >= self.seconds:
            why = f"The task was worked on for the {_length(self.seconds)} that it may take."
        return f"{why} {MORE}" if why else ""


def _least(limit: float | None, other: float) -> float:
    return other if limit is None else min(limit, other)


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}".rstrip("0").ljust(5, "0")


def _length(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min" if minutes and not left else f"{round(seconds)} s"
