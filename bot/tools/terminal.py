"""Run a command in the task's workspace."""

from typing import Literal

from pydantic import Field

from bot.tools.base import Arguments, Bench, Result


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

    def does(self, args: TerminalArguments) -> str:
        """The script itself."""
        return args.command.strip("\n")

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
