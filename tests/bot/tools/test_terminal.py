"""The terminal tool: what it takes, what it shows, what it runs."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.errors import UserMistake
from bot.sandbox import Handle
from bot.tools.base import Bench, Result, where_of
from bot.tools.plan import Plan
from bot.tools.shelf import SHELF
from bot.tools.shell import Shell
from bot.tools.terminal import Terminal, TerminalArguments


async def run(bench: Bench, command: str, **arguments: object) -> Result:
    return await Terminal().run(TerminalArguments.model_validate({"command": command, **arguments}), bench)


def test_the_shelf_knows_it() -> None:
    """Tools are found by their name."""
    assert all(tool.name == name for name, tool in SHELF.items())
    assert "terminal" in SHELF


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"command": ""},
        {"command": "x" * 100_001},
        {"command": 1},
        {"command": "x", "language": "ruby"},
        {"command": "x", "shell": True},
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object]) -> None:
    """What a model asks for is checked before anything runs."""
    with pytest.raises(ValidationError):
        TerminalArguments.model_validate(arguments)


def test_people_are_shown_the_script() -> None:
    """The script without the empty lines around it; its indentation stays."""
    assert Terminal().does(TerminalArguments(command="\n  make\n\n")) == "  make"


async def test_a_script_runs_in_the_workspace(boxed: Bench, started: list[Handle]) -> None:
    """Both channels come in order; the sandbox was told of; what the script made is there."""
    result = await run(boxed, "echo one; echo two >&2; echo three; echo kept > f")
    assert result.ok
    assert (result.output.split(), result.exit_code, result.ended_by) == (["one", "two", "three"], 0, None)
    assert result.seconds > 0
    assert len(started) == 1
    assert (boxed.workspace / "f").read_text() == "kept\n"


async def test_a_failure_is_not_ok(boxed: Bench) -> None:
    """The exit code of the script is the result's."""
    result = await run(boxed, "echo no; exit 3")
    assert (result.ok, result.exit_code, result.output.strip()) == (False, 3, "no")


@pytest.mark.parametrize("script", ["false; echo on", "false | cat; echo on"])
async def test_stop_on_error_ends_at_the_first_failure(boxed: Bench, script: str) -> None:
    """Strict scripts stop where a command fails, in a pipeline too; others go on."""
    assert (await run(boxed, script)).output.strip() == "on"
    strict = await run(boxed, script, stop_on_error=True)
    assert (strict.ok, strict.output, strict.exit_code) == (False, "", 1)


async def test_python_runs_as_python(boxed: Bench) -> None:
    """A Python script runs as such, whatever else is asked of a shell."""
    result = await run(boxed, "import sys\nprint(6 * 7, sys.argv)", language="python", stop_on_error=True)
    assert result.output.strip() == "42 ['-c']"


@pytest.mark.parametrize("command", ["echo \0", "echo \udcff"])
async def test_what_cannot_be_passed_on_is_a_mistake(boxed: Bench, command: str) -> None:
    """A NUL or broken characters are told, never a crash."""
    with pytest.raises((UserMistake, ValidationError)):
        await run(boxed, command)


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "cd repo && git push",
        "cd repo; git push",
        "true | git push",
        "echo $(git push)",
        "echo `git push`",
        "( git push )",
        "make &\n  git push\n",
        "if true; then git push; fi",
        "while git push; do :; done",
        "! git push",
        "time git push",
        "X=1 Y=2 git push",
        ">o git push",
        "> o git push",
        "2>&1 git push",
        "exec git push",
        "env -i git push",
        "git  push",
        "git\tpush",
        "git \\\n push",
        "case x in x) git push;; esac",
    ],
)
def test_a_policy_finds_a_command_anywhere_in_a_script(command: str) -> None:
    """Each command of a script is a subject of its own, beside the script as a whole."""
    subjects = SHELF["terminal"].subjects(TerminalArguments(command=command))
    assert subjects[0] == command.strip()
    assert "git push" in subjects


def test_a_hostile_script_is_taken_apart_in_no_time() -> None:
    """The work grows with the script, whatever it is made of: the bot stands still meanwhile."""
    began = time.process_time()
    for piece in ("! ", "< ", "A=b ", "a;", "&", "(", "\\\n"):
        SHELF["terminal"].subjects(TerminalArguments(command="x" + piece * (99_000 // len(piece))))
        SHELF["terminal"].subjects(TerminalArguments(command=piece * (99_000 // len(piece)) + "x"))
    assert time.process_time() - began < 3


async def test_a_script_begins_where_the_one_before_ended(
    boxed: Bench, home: Path, make_shell: Callable[[], Shell]
) -> None:
    """Whatever it printed last, however it ended, in both languages; another worker finds the same note."""
    assert (await run(boxed, "mkdir -p 'a b' && cd 'a b' && printf x")).output == "x"
    assert (await run(boxed, "pwd; exit 3")).output == "/workspace/a b\n"
    assert (await run(boxed, "import os; print(os.getcwd())", language="python")).output == "/workspace/a b\n"
    assert (home / "place").read_text() == "/workspace/a b"
    other = dataclasses.replace(boxed, shell=make_shell())
    assert (await run(other, "pwd")).output == "/workspace/a b\n"
    await other.shell.close()
    strict = await run(boxed, "cd ..; false; cd /tmp", stop_on_error=True)
    assert (strict.exit_code, strict.output) == (1, "")
    assert (await run(boxed, "pwd")).output == "/workspace\n"
    assert (await run(boxed, "echo $((")).exit_code != 0


async def test_a_folder_that_is_gone_is_told(boxed: Bench) -> None:
    """The script runs in the workspace then."""
    await run(boxed, "mkdir d; cd d; rmdir ../d")
    gone = await run(boxed, "pwd", stop_on_error=True)
    assert gone.output == "[/workspace/d is gone: this runs in /workspace.]\n/workspace\n"


async def test_an_approval_is_told_the_folder(boxed: Bench) -> None:
    """Where a call would be made, unless that is the workspace itself."""
    assert await where_of(Terminal(), boxed) == ""
    await run(boxed, "mkdir d; cd d")
    assert await where_of(Terminal(), boxed) == "/workspace/d"
    assert await where_of(Plan(), boxed) == ""


@pytest.mark.parametrize(
    "folder", ["/", "/etc; echo forged", "$(echo forged)", "'; echo forged; '", "-P", "\n", ""]
)
async def test_a_forged_note_leads_nowhere(boxed: Bench, home: Path, folder: str) -> None:
    """Whatever a script says of where it is, it is a name inside the sandbox and no command."""
    (home / "place").write_text(folder)
    output = (await run(boxed, "pwd")).output
    assert "forged" not in output.replace(folder, "") if folder else True
    assert output.splitlines()[-1] in ("/", "/workspace")


@pytest.mark.parametrize("language", ["sh", "python"])
async def test_a_script_may_be_as_long_as_it_may_be_asked_for(boxed: Bench, language: str) -> None:
    """100,000 characters of four bytes each are more than the kernel takes in one argument."""
    head, tail = ("cat <<'END'\n", "\nEND") if language == "sh" else ('print("""', '""")')
    text = "\U0001f600" * (100_000 - len(head + tail))
    result = await run(boxed, head + text + tail, language=language)
    assert (result.ok, result.output[:100]) == (True, text[:100])
    args = await run(boxed, "echo $#; exit 3 #" + text[:30_000])
    assert (args.output, args.exit_code) == ("0\n", 3)
