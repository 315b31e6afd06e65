"""What commands take: the parts that a person writes, each a field of an `Arguments` class."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Part:
    """How people write one field of a command."""

    __slots__ = ()
    shown: str

    @property
    def usage(self) -> str:
        """How it stands in the usage line."""
        return self.shown

    @property
    def repeated(self) -> bool:
        """Whether it may be given any number of times."""
        return False


@dataclass(frozen=True, slots=True)
class Word(Part):
    """A field that is one word of the command."""

    shown: str


@dataclass(frozen=True, slots=True)
class Quoted(Part):
    r"""A field that is one word, or text in straight or curly quotes with `\"` for a quote inside."""

    shown: str

    @property
    def usage(self) -> str:  # noqa: D102  as in Part
        return f'"{self.shown}"'


@dataclass(frozen=True, slots=True)
class Option(Part):
    """A field that is given by name, before the text: `--notify a@b`; with `many`, any number of times."""

    flag: str
    shown: str
    many: bool = False

    @property
    def usage(self) -> str:  # noqa: D102  as in Part
        return f"{self.flag} {self.shown}"

    @property
    def repeated(self) -> bool:  # noqa: D102  as in Part
        return self.many


@dataclass(frozen=True, slots=True)
class Flag(Part):
    """A field that is true where its name is given, before the text: `--plan`."""

    shown: str


@dataclass(frozen=True, slots=True)
class After(Part):
    """A field that is a value behind a keyword at the end: `for 2h`."""

    keyword: str
    shown: str

    @property
    def usage(self) -> str:  # noqa: D102  as in Part
        return f"{self.keyword} {self.shown}"


@dataclass(frozen=True, slots=True)
class Pairs(Part):
    """A field that is a dict of any number of `key=value`, where values may be quoted."""

    shown: str

    @property
    def repeated(self) -> bool:  # noqa: D102  as in Part
        return True


@dataclass(frozen=True, slots=True)
class Text(Part):
    """A field that is the rest of the command, raw to the end."""

    shown: str


class Arguments(BaseModel):
    """What a command takes; each field is annotated with the part of the command that it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parts(cls) -> dict[str, Part]:
        """The part of each field, in order."""
        return {name: _part(name, info) for name, info in cls.model_fields.items()}

    @classmethod
    def usage(cls) -> str:
        """How to write them: `@AGENT [--notify ADDRESS]… TEXT`; what must stand last stands last."""
        parts = sorted(cls.parts().items(), key=lambda item: isinstance(item[1], After | Text))
        return " ".join(
            (part.usage if cls.needed(name) else f"[{part.usage}]") + ("…" if part.repeated else "")
            for name, part in parts
        )

    @classmethod
    def needed(cls, name: str) -> bool:
        """Whether a command without this field is incomplete."""
        return cls.model_fields[name].is_required()


def _part(name: str, info: FieldInfo) -> Part:
    for mark in info.metadata:
        if isinstance(mark, Part):
            return mark
    message = f"annotate the field {name} with the part of the command that it is, such as Word"
    raise TypeError(message)


class Nothing(Arguments):
    """For commands that take no arguments."""
