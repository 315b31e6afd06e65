"""Run a command in the task's workspace."""

import re
from typing import Literal

from pydantic import Field

from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result

_BETWEEN_COMMANDS = re.compile(r"[\n;|(){}`]+|&(?![<>\d])")
_BEFORE_A_COMMAND = re.compile(
    r"!|if|then|elif|else|while|until|do|time|coproc|command|exec|builtin|eval|env|nohup|nice|sudo|xargs"
    r"|-\S*|[A-Za-z_]\w*\+?=\S*|\d*(?:[<>]+&?|&>+)\S*"
)


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
        """The script itself; one that is not Bash says who runs it, for what is approved must be plain."""
        script = args.command.strip("\n")
        return f"#!/usr/bin/env python3\n{script}" if args.language == "python" else script

    def subjects(self, args: TerminalArguments) -> tuple[str, ...]:
        """The whole script, and of Bash each of its commands too: a rule about one finds it in plain scripts.

        It is cut wherever a command may begin, be it in a quote, and each piece also counts without what may
        stand before a command. A piece too many can only make a verdict stricter. What a script hides, a
        pattern does not find: the sandbox holds it all the same.
        """
        if args.language == "python":
            return (f"python3 -c {args.command.strip()}",)
        found = {args.command.strip(): None}
        for piece in _BETWEEN_COMMANDS.split(args.command.replace("\\\n", " ")):
            words = piece.split()
            found[" ".join(words)] = None
            while words and _BEFORE_A_COMMAND.fullmatch(words[0]):
                words = words[2:] if words[0][-1] in "<>" else words[1:]
            found[" ".join(words)] = None
        return tuple(filter(None, found))

    def from_text(self, text: str) -> TerminalArguments:
        """The text is the script."""
        return TerminalArguments(command=text)

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
