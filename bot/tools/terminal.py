"""Run a command in the task's workspace."""

import asyncio
import re
import secrets
import shlex
from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result

WORKSPACE = "/workspace"
GONE = "[{folder} is gone: this runs in /workspace.]"
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
    """Run a Bash or Python script in the workspace: no network, limited time and memory.

    The folder that a Bash script ends in is the one that the next call begins in. Nothing else stays:
    variables are gone afterwards, and so are programs that were left running.
    """

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

    def reads(self, args: TerminalArguments) -> bool:  # noqa: ARG002  whatever it is about
        """A command may change anything."""
        return False

    async def run(self, args: TerminalArguments, bench: Bench) -> Result:
        """Run the script; what it prints on both channels is kept in the order it came."""
        mark = secrets.token_hex(16)
        outcome = await bench.sandbox.run(
            _argv(args, _folder(bench.place), mark),
            workspace=bench.workspace,
            limits=bench.limits,
            merge_stderr=True,
            on_start=bench.on_start,
        )
        output, marked, told = outcome.stdout.rpartition(f"\n{mark}")
        if marked:
            await asyncio.to_thread(_note, bench.place, told.partition("\n")[0])
        else:
            output = outcome.stdout
        return Result(
            ok=outcome.exit_code == 0 and outcome.ended_by is None,
            output=output,
            exit_code=outcome.exit_code,
            ended_by=outcome.ended_by,
            seconds=round(outcome.wall_s, 3),
            peak_rss_bytes=outcome.peak_rss_bytes,
            peak_processes=outcome.peak_processes,
        )


def _argv(args: TerminalArguments, folder: str, mark: str) -> list[str]:
    """The command line; a Bash script tells at its end where it is."""
    go = f"cd -- {shlex.quote(folder)} 2>/dev/null || echo {shlex.quote(GONE.format(folder=folder))}; "
    if args.language == "python":
        return ["bash", "-c", go + 'exec python3 -c "$1"', "bash", args.command]
    strict = ["-e", "-o", "pipefail"] if args.stop_on_error else []
    tell = f'trap \'printf "\\n%s%s\\n" {mark} "$PWD"\' EXIT; '  # before the script, on its first line
    return ["bash", *strict, "-c", go + tell + args.command]


def _folder(place: Path) -> str:
    """Where the call before ended. Whatever it says is only ever used inside the sandbox."""
    try:
        return place.read_text()
    except FileNotFoundError:
        return WORKSPACE


def _note(place: Path, folder: str) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.write_text(folder)
