"""Run a command in the task's workspace."""

import re
import secrets
import shlex
from typing import Literal

from pydantic import Field

from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result
from bot.tools.shell import WORKSPACE

GONE = "[{folder} is gone: this runs in /workspace.]"
ITSELF = "[The call itself printed:]"
MOST_REFUSALS = 10
PIECE = 20_000  # characters: the kernel takes 128 KiB in one argument, execve(2)
_BASH_OF_PIECES = """eval "set --; $(printf %s "$@")\""""
_PYTHON_OF_PIECES = """'import sys; script = "".join(sys.argv[1:]); del sys.argv[1:]; exec(script)' "$@\""""
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
    """Run a Bash or Python script in the workspace, in limited time and memory.

    There is no network but the hosts that an admin allowed, by way of the proxy that the environment names.

    The folder that a Bash script ends in is the one that the next call begins in; variables are gone.
    Programs started with `&` go on in the background, for the next calls to use: send what they print to a
    file. They end when the task waits for people or is over, and with any call that passes a limit.
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
            begins = 0
            while begins < len(words) and _BEFORE_A_COMMAND.fullmatch(words[begins]):
                begins += 2 if words[begins][-1] in "<>" else 1
            found[" ".join(words[begins:])] = None
        return tuple(filter(None, found))

    def from_text(self, text: str) -> TerminalArguments:
        """The text is the script."""
        return TerminalArguments(command=text)

    async def where(self, bench: Bench) -> str:
        """The folder that the call before ended in."""
        folder = (await bench.shell.standing()).folder
        return "" if folder == WORKSPACE else folder

    def reads(self, args: TerminalArguments) -> bool:  # noqa: ARG002  whatever it is about
        """A command may change anything."""
        return False

    async def run(self, args: TerminalArguments, bench: Bench) -> Result:
        """Run the script; what it prints on both channels is kept in the order it came."""
        mark = secrets.token_hex(16)
        folder = (await bench.shell.standing()).folder
        outcome = await bench.shell.run(_argv(args, folder, mark))
        output, marked, told = outcome.stdout.rpartition(f"\n{mark}")
        folder, _, late = told.partition("\n")  # what the script left running may have printed on
        if marked:
            await bench.shell.note(folder=folder)
        news = bench.shell.news()
        printed = f"{output}{late}" if marked else outcome.stdout
        printed += _untold(bench.shell.refusals(), printed)
        return Result(
            ok=outcome.exit_code == 0 and outcome.ended_by is None,
            output=f"{news}{ITSELF}\n{printed}" if news else printed,
            exit_code=outcome.exit_code,
            ended_by=outcome.ended_by,
            seconds=round(outcome.wall_s, 3),
            peak_rss_bytes=outcome.peak_rss_bytes,
            peak_processes=outcome.peak_processes,
            disk_bytes=outcome.disk_bytes,
        )


def _untold(refusals: list[str], printed: str) -> str:
    """Why hosts were not reached, as far as programs did not print it themselves: most hide it."""
    news = [why for why in refusals if why not in printed][:MOST_REFUSALS]
    start = "\n" if news and printed and not printed.endswith("\n") else ""
    return start + "".join(f"[{why}]\n" for why in news)


def _argv(args: TerminalArguments, folder: str, mark: str) -> list[str]:
    """The command line; a Bash script tells at its end where it is."""
    script = args.command
    pieces = [script[at : at + PIECE] for at in range(0, len(script), PIECE)]
    go = ""  # it begins in the workspace
    if folder != WORKSPACE:
        gone = shlex.quote(GONE.format(folder=folder))
        go = f"cd -- {shlex.quote(folder)} 2>/dev/null || echo {gone}; "
    if args.language == "python":
        run = 'exec python3 -c "$1"' if pieces == [script] else f"exec python3 -c {_PYTHON_OF_PIECES}"
        return ["bash", "-c", go + run, "bash", *pieces]
    strict = ["-e", "-o", "pipefail"] if args.stop_on_error else []
    tell = f'trap \'printf "\\n%s%s\\n" {mark} "$PWD"\' EXIT; '  # before the script, on its first line
    if pieces == [script]:
        return ["bash", *strict, "-c", go + tell + script]
    return ["bash", *strict, "-c", go + tell + _BASH_OF_PIECES, "bash", *pieces]
