"""Run a command in the task's workspace."""

import re
from typing import Literal

from pydantic import Field

from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result

_BETWEEN_COMMANDS = re.compile(r"[\n;&|(){}`]+")


class TerminalArguments(Arguments):
    """Arguments of `terminal`.

    Attributes:
        command: The script.
        language: What it is written in: Bash, or Python 3.
        stop_on_error: Of Bash: end at the first command that fails, in a pipeline too.
    """

    command: str = Field(min_length=1, max_length=100_000)
    language: Literal["sh", "python"] = "sh"
    stop_on_error: bool = False


class Terminal:
    """Run a Bash or Python script in the workspace: no network, limited time and memory."""

    name = "terminal"
    arguments = TerminalArguments
    default: Effect = "allow"

    def does(self, args: TerminalArguments) -> str:
        """The script itself."""
        return args.command.strip("\n")

    def subjects(self, args: TerminalArguments) -> tuple[str, ...]:
        """The whole script, and of Bash each of its commands too: a rule about one finds it anywhere.

        It is cut wherever a command may begin, be it in a quote: a piece too many can only make a verdict
        stricter.
        """
        if args.language == "python":
            return (f"python3 -c {args.command.strip()}",)
        pieces = (piece.strip() for piece in _BETWEEN_COMMANDS.split(args.command))
        return tuple(dict.fromkeys([args.command.strip(), *filter(None, pieces)]))

    def from_text(self, text: str) -> TerminalArguments:
        """The text is the script."""
        return TerminalArguments(command=text)

    def reads(self, args: TerminalArguments) -> bool:  # noqa: ARG002  whatever it is about
        """A command may change anything."""
        return False

    async def run(self, args: TerminalArguments, bench: Bench) -> Result:
        """Run the script; what it prints on both channels is kept in the order it came."""
        outcome = await bench.sandbox.run(
            _argv(args),
            workspace=bench.workspace,
            limits=bench.limits,
            merge_stderr=True,
            on_start=bench.on_start,
        )
        return Result(
            ok=outcome.exit_code == 0 and outcome.ended_by is None,
            output=outcome.stdout,
            exit_code=outcome.exit_code,
            ended_by=outcome.ended_by,
            seconds=round(outcome.wall_s, 3),
            peak_rss_bytes=outcome.peak_rss_bytes,
            peak_processes=outcome.peak_processes,
        )


def _argv(args: TerminalArguments) -> list[str]:
    if args.language == "python":
        return ["python3", "-c", args.command]
    strict = ["-e", "-o", "pipefail"] if args.stop_on_error else []
    return ["bash", *strict, "-c", args.command]
