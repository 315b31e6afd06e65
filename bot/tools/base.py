"""What every tool is: typed arguments, a sentence for people, and a bounded run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from bot.artifacts import Artifacts
from bot.events import AnyFact, Ending, ToolFinished
from bot.permissions import Effect
from bot.sandbox import Limits, Owner
from bot.tools.shell import Shell


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a tool works.

    Attributes:
        workspace: The task's directory.
        owner: Who owns the workspace; None where the bot is an ordinary user.
        limits: What its commands and their programs may use.
        shell: Runs commands in it.
        task_id: The task's row.
        artifacts: Keeps files that people get.
    """

    workspace: Path
    owner: Owner | None
    limits: Limits
    shell: Shell
    task_id: int
    artifacts: Artifacts


@dataclass(frozen=True, slots=True)
class Result:
    """What a call did; most fields are those of `bot.events.ToolFinished`.

    Attributes:
        facts: Other facts that came of it; they are recorded together with its end.
        finished: The summary, in Markdown, where the call ends the task as done.
    """

    ok: bool
    output: str
    exit_code: int | None = None
    ended_by: Ending | None = None
    seconds: float = 0.0
    peak_rss_bytes: int = 0
    peak_processes: int = 0
    disk_bytes: int = 0
    facts: tuple[AnyFact, ...] = ()
    finished: str | None = None

    def ended(self, step: int, call_id: str) -> ToolFinished:
        """The fact that the call ended so."""
        return ToolFinished(
            step=step,
            call_id=call_id,
            ok=self.ok,
            output=self.output,
            exit_code=self.exit_code,
            ended_by=self.ended_by,
            seconds=self.seconds,
            peak_rss_bytes=self.peak_rss_bytes,
            peak_processes=self.peak_processes,
            disk_bytes=self.disk_bytes,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What a call wants to know of the task's people; their answer is its result.

    Attributes:
        text: The question, in Markdown.
        options: Answers to choose from; they may give another.
    """

    text: str
    options: tuple[str, ...] = ()


class Arguments(BaseModel):
    """What a call takes; anything else is an error that is told to the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")


A = TypeVar("A", bound=Arguments)


class Tool(Protocol[A]):
    """One thing that agents can do; its docstring is what a model is told of it.

    Attributes:
        name: What models and policies call it.
        arguments: What a call takes.
        default: What holds where no policy is about a call.
    """

    name: str
    arguments: type[A]
    default: Effect

    def does(self, args: A) -> str:
        """What a call is about to do, as people are shown it."""

    def subjects(self, args: A) -> tuple[str, ...]:
        """What a call acts on: policies are about these, and the strictest verdict on any of them holds."""

    def from_text(self, text: str) -> A:
        """The arguments that a person means who describes a call in plain words.

        Raises:
            pydantic.ValidationError: The tool takes no such arguments.
        """

    def reads(self, args: A) -> bool:
        """Whether a call changes nothing, so that others of its kind may be made at the same time."""

    async def run(self, args: A, bench: Bench) -> Result | Question:
        """Do it, or ask the task's people what only they know."""


@runtime_checkable
class Discerning(Protocol):
    """A tool whose default depends on what a call is about, and on its task.

    Attributes:
        by_default: What becomes of which calls, as a clause: "allowed to some, denied to anybody else".
    """

    by_default: str

    async def default_for(self, args: Any, bench: Bench) -> Effect:
        """What holds for a call that no policy is about; `default` stands for any that is not known."""


@runtime_checkable
class Situated(Protocol):
    """A tool whose calls do something else elsewhere: what is approved is approved for one place."""

    async def where(self, bench: Bench) -> str:
        """The place that a call is made in, as people are shown it; empty where it is the usual one."""


async def where_of(tool: Tool[Any], bench: Bench) -> str:
    """The place that a call is made in; empty where it is the usual one."""
    return await tool.where(bench) if isinstance(tool, Situated) else ""


async def default_of(tool: Tool[Any], args: Arguments, bench: Bench) -> Effect:
    """What holds for a call that no policy is about."""
    return await tool.default_for(args, bench) if isinstance(tool, Discerning) else tool.default
