"""Parameters of runbooks: what each takes, read by pydantic from one line of text."""

import datetime as dt
import re
import unicodedata
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import SchemaError

Value = str | int | float | bool | dt.date
TEXT_CHARS: Final = 1_000
_BREAKS = {"Cc", "Zl", "Zp", "Cs"}  # controls, line and paragraph separators, surrogates
_BOUNDED = {"text", "integer", "number"}


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in _BREAKS for character in text):
        raise ValueError("it takes one line without control characters")
    return text


def _no_option(text: str) -> str:
    """A command would take it for an option, and some options run programs."""
    if text.startswith("-"):
        raise ValueError("it must not begin with a hyphen")
    return text


def _as_written(value: object) -> object:
    """How a default that the configuration holds as a value of its own type is written."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


class Parameter(BaseModel):
    """One parameter of a runbook, as the configuration declares it.

    Attributes:
        name: As it is written in a command and, in `{{ }}`, in the runbook's text.
        type: What it takes.
        about: One line for help.
        default: Used where it is not given, as it would be written; without one it must be given.
        choices: What a `choice` is one of.
        pattern: A regular expression that the whole of a `text` must match (https://docs.rs/regex); only one
            with a pattern may begin with a hyphen.
        least: The least number, or the fewest characters of a text; `min` in the configuration.
        most: The largest number, or the most characters of a text; `max` in the configuration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    type: Literal["text", "integer", "number", "boolean", "choice", "date"] = "text"
    about: str = ""
    default: Annotated[str | None, BeforeValidator(_as_written)] = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    least: int | float | None = Field(default=None, alias="min")
    most: int | float | None = Field(default=None, alias="max")

    @model_validator(mode="after")
    def _agrees(self) -> "Parameter":
        if (self.type == "choice") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to the type choice, which needs some")
        if self.pattern and self.type != "text":
            raise ValueError(f"{self.name}: a pattern belongs to the type text")
        if (self.least is not None or self.most is not None) and self.type not in _BOUNDED:
            raise ValueError(f"{self.name}: min and max belong to the types text, integer and number")
        try:
            adapter = self._adapter()
        except SchemaError as error:
            raise ValueError(f"{self.name}: the pattern {self.pattern} cannot be read") from error
        if self.default is not None:
            try:
                adapter.validate_python(self.default)
            except ValidationError as error:
                raise ValueError(f"{self.name}: the default: {_sentence(error)}") from error
        return self

    @property
    def usage(self) -> str:
        """How it stands in the usage line: `days=INTEGER`, or `[format=csv]` where it has a default."""
        if self.default is not None:
            shown = self.default if re.fullmatch(r"\S+", self.default) else f'"{self.default}"'
            return f"[{self.name}={shown}]"
        return f"{self.name}={'|'.join(self.choices) or self.type.upper()}"

    def read(self, text: str) -> Value:
        """What was given, in its type.

        Raises:
            ValueError: It cannot be that; a clause says why.
        """
        try:
            value: Value = self._adapter().validate_python(text)
        except ValidationError as error:
            raise ValueError(_sentence(error)) from error
        return value

    def _chosen(self, text: str) -> str:
        if text not in self.choices:
            raise ValueError(f"it is one of {', '.join(self.choices)}")
        return text

    def _adapter(self) -> TypeAdapter[Any]:
        """What reads it."""
        within: Any = Field(ge=self.least, le=self.most)
        match self.type:
            case "integer":
                return TypeAdapter(Annotated[int, within])
            case "number":
                return TypeAdapter(Annotated[float, within, Field(allow_inf_nan=False)])
            case "boolean":
                return TypeAdapter(bool)
            case "date":
                return TypeAdapter(Annotated[dt.date, BeforeValidator(dt.date.fromisoformat)])
            case "choice":
                return TypeAdapter(Annotated[str, AfterValidator(self._chosen)])
        shortest = int(self.least or 0)
        longest = TEXT_CHARS if self.most is None else int(self.most)
        shape: Any = Field(pattern=f"^(?:{self.pattern})$") if self.pattern else AfterValidator(_no_option)
        length: Any = Field(min_length=shortest, max_length=longest)
        return TypeAdapter(Annotated[str, length, shape, BeforeValidator(_one_line)])


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, as a clause."""
    message = error.errors()[0]["msg"].removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
