"""Ask the task's people, and wait for what they say."""

from typing import Final

from pydantic import Field, field_validator

from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Question

MAX_OPTIONS = 8
OPTION_CHARS = 70
TAKEN: Final = frozenset({"approve", "approved", "deny", "cancel", "stop", "status"})


class AskArguments(Arguments):
    """Arguments of `ask`.

    Attributes:
        question: What they are to say, in Markdown.
        options: Answers to choose from; they may give another all the same.
    """

    question: str = Field(min_length=1, max_length=10_000)
    options: tuple[str, ...] = Field(default=(), max_length=MAX_OPTIONS)

    @field_validator("options")
    @classmethod
    def _mean_nothing_else(cls, options: tuple[str, ...]) -> tuple[str, ...]:
        for option in options:
            if option.strip(" .!").casefold() in TAKEN:
                message = f"people stop and decide with {option!r}: offer other words"
                raise ValueError(message)
        return options


class Ask:
    """Ask the people of this task a question; the answer may come by chat or by mail, and may take long."""

    name = "ask"
    arguments = AskArguments
    default: Effect = "allow"

    def does(self, args: AskArguments) -> str:
        """The question."""
        return args.question

    def subjects(self, args: AskArguments) -> tuple[str, ...]:
        """The question."""
        return (args.question,)

    def from_text(self, text: str) -> AskArguments:
        """The text is the question."""
        return AskArguments(question=text)

    def reads(self, args: AskArguments) -> bool:  # noqa: ARG002  whatever it is about
        """People are asked one thing at a time."""
        return False

    async def run(self, args: AskArguments, bench: Bench) -> Question:  # noqa: ARG002  it is asked elsewhere
        """Hand the question to whoever tells people."""
        return Question(args.question, tuple(option[:OPTION_CHARS] for option in args.options))
