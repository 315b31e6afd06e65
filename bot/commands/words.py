"""The words that many commands take, each read into one form: who, which, how long, how much.

    agent: Annotated[AgentName, Word("@AGENT")]
    until: Annotated[Duration | None, After("for", "TIME")] = None

Whatever cannot be read is answered with a sentence that shows how it is written.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from bot import people
from bot.commands import tokens

NAME_CHARS: Final = 80
SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(days=366)
MOST_USD: Final = 10_000
MOST_STEPS: Final = 10_000
MOST_PEOPLE: Final = 20
_DURATION = re.compile(
    r"(?:(\d{1,3})w)?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?:in)?)?(?:(\d{1,8})s)?",
    re.ASCII | re.IGNORECASE,
)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_KEY = re.compile(r"([AT])-?(\d{1,15})", re.ASCII | re.IGNORECASE)
_USD = re.compile(r"(?=\$|[\d.]+[$u])\$?(\d{1,6}(?:\.\d{1,4})?)(?:\$|usd)?", re.ASCII | re.IGNORECASE)
_STEPS = re.compile(r"(\d{1,6})steps?", re.ASCII | re.IGNORECASE)
_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,40}", re.ASCII)
_NAMED = re.compile(r"(?:<@[^<>]*+>|[^,])++")  # the name in a mention may hold a comma
_YES_NO = {
    **dict.fromkeys(("yes", "y", "true", "on"), True),
    **dict.fromkeys(("no", "n", "false", "off"), False),
}


def agent_name(text: str) -> str:
    """An agent's name as it is stored: `@Coder:` is coder."""
    return tokens.readable(text).removeprefix("@").rstrip(":,").lower()


def _key_of(letters: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        match = _KEY.fullmatch(text.rstrip(".,:;!"))
        if match is None or match[1].upper() not in letters:
            message = f"{tokens.cut(text)} is no {example}"
            raise ValueError(message)
        return f"{match[1].upper()}-{int(match[2])}"

    return read


def duration(text: object) -> timedelta:
    """Read a length of time: "90s", "30m", "1h30m", "2h", "1d", "2w".

    Raises:
        ValueError: It is none, or none from a second to a year.
    """
    match = _DURATION.fullmatch(text.replace(" ", "")) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        message = f"{tokens.cut(str(text))!r} is no length of time: write it like 30m, 2h, 1d or 1h30m"
        raise ValueError(message)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not SHORTEST <= length <= LONGEST:
        message = f"{tokens.cut(str(text))!r} is not between {written(SHORTEST)} and {written(LONGEST)}"
        raise ValueError(message)
    return length


def written(length: timedelta) -> str:
    """A length of time as it is written in a command, in whole seconds: 1h30m."""
    left = int(length.total_seconds())
    shown = ""
    for unit, seconds in _UNITS.items():
        count, left = divmod(left, seconds)
        shown += f"{count}{unit}" if count else ""
    return shown or "0s"


def budget(text: str) -> str:
    """A budget in one form: dollars, steps, time, each at most once, such as "2usd,50steps,30m".

    Raises:
        ValueError: A part cannot be read, is 0 or too much, or is there twice.
    """
    found: dict[int, str] = {}
    for part in text.replace(" ", "").split(","):
        place, shown = _budget_part(part)
        if place in found:
            message = f"{found[place]} and {shown} limit the same: keep one"
            raise ValueError(message)
        found[place] = shown
    return ",".join(shown for _, shown in sorted(found.items()))


def _budget_part(part: str) -> tuple[int, str]:
    """The place of one part of a budget, and its one form."""
    if usd := _USD.fullmatch(part):
        amount = _bounded(Decimal(usd[1]), MOST_USD, "dollars")
        return 0, f"{amount.normalize():f}usd"
    if steps := _STEPS.fullmatch(part):
        return 1, f"{_bounded(Decimal(steps[1]), MOST_STEPS, 'steps')}steps"
    try:
        return 2, written(duration(part))
    except ValueError:
        message = f"{tokens.cut(part)!r} is no part of a budget: write it like 2usd,50steps,30m"
        raise ValueError(message) from None


def _bounded(number: Decimal, most: int, what: str) -> Decimal:
    if not 0 < number <= most:
        message = f"a budget has more than 0 and at most {most:,} {what}"
        raise ValueError(message)
    return number


def workspace_name(text: str) -> str:
    """A workspace's name as it is stored, which for the one of task T-12 is t-12.

    Raises:
        ValueError: No workspace can be called so.
    """
    name = text.lower()
    if not _WORKSPACE.fullmatch(name):
        message = f"{tokens.cut(text)!r} names no workspace: letters, digits and hyphens, or a task like T-12"
        raise ValueError(message)
    return name


def yes_no(text: object) -> bool:
    """Yes or no.

    Raises:
        ValueError: It is neither.
    """
    answer = text if isinstance(text, bool) else _YES_NO.get(str(text).lower())
    if answer is None:
        message = f"{tokens.cut(str(text))!r} is neither yes nor no"
        raise ValueError(message)
    return answer


class PersonRef(BaseModel):
    """Who is meant, as far as the command says it; of address and name exactly one where there is no id.

    Attributes:
        slack: A Slack id, from a mention.
        address: An email address in its stored form.
        name: What people call them, without the @; beside a Slack id where Slack told it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    slack: str = ""
    address: str = ""
    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return _person(value) if isinstance(value, str) else value

    @property
    def shown(self) -> str:
        """As people read it: @mel, or an address."""
        return self.address or f"@{self.name or self.slack}"


def _person(text: str) -> dict[str, str]:
    if known := tokens.mention(text.rstrip(":,")):
        return {"slack": known[0], "name": known[1][:NAME_CHARS]}
    name = text.removeprefix("@").rstrip(":,")
    if "@" in name:
        return {"address": people.address(name)}
    if not name or len(name) > NAME_CHARS:
        message = f"{tokens.cut(text)!r} names nobody: write @name or an address"
        raise ValueError(message)
    return {"name": name}


def several(value: object) -> list[str]:
    """The people named with commas between them, in one word or in several; "none" is nobody.

    Raises:
        ValueError: They are too many.
    """
    written = [value] if isinstance(value, str) else value
    if not isinstance(written, list | tuple):
        message = "people are named with commas between them"
        raise ValueError(message)  # noqa: TRY004  pydantic makes an answer of a ValueError only
    named = [one.strip() for text in written for one in _NAMED.findall(str(text)) if one.strip()]
    if len(named) > MOST_PEOPLE:
        message = f"at most {MOST_PEOPLE} people can be named"
        raise ValueError(message)
    return [] if [one.lower() for one in named] == ["none"] else list(dict.fromkeys(named))


AgentName = Annotated[str, AfterValidator(agent_name)]
TaskKey = Annotated[str, AfterValidator(_key_of("T", "task: one is called like T-12"))]
QuestionKey = Annotated[
    str, AfterValidator(_key_of("AT", "question or task: they are called like A-17, T-12"))
]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Address = Annotated[str, AfterValidator(people.address)]
YesNo = Annotated[bool, BeforeValidator(yes_no)]
BudgetWords = Annotated[str, AfterValidator(budget)]
WorkspaceName = Annotated[str, AfterValidator(workspace_name)]
People = Annotated[tuple[PersonRef, ...], BeforeValidator(several)]
