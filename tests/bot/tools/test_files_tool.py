"""The files tool: what it takes, what it answers a model, what it leaves alone."""

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.tools import searching
from bot.tools.base import Bench, Result
from bot.tools.files import FilesArguments, FilesTool
from bot.tools.terminal import Terminal, TerminalArguments
from bot.workspaces import Files

TOOL = FilesTool()


def asked(action: str, **arguments: object) -> FilesArguments:
    return FilesArguments.model_validate({"action": action, **arguments})


async def use(bench: Bench, action: str, **arguments: object) -> Result:
    return await TOOL.run(asked(action, **arguments), bench)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"action": "rename", "path": "a"},
        {"action": "read"},
        {"action": "read", "path": "."},
        {"action": "read", "path": "../a"},
        {"action": "read", "path": "/etc/passwd"},
        {"action": "read", "path": "/workspacex/a"},
        {"action": "read", "path": "a", "start": 0},
        {"action": "write", "path": "a"},
        {"action": "edit", "path": "a", "old": "", "new": "x"},
        {"action": "edit", "path": "a", "old": "x"},
        {"action": "patch"},
        {"action": "patch", "patch": "not one"},
        {"action": "patch", "patch": "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n"},
        {"action": "glob"},
        {"action": "search", "path": "a"},
        {"action": "read", "path": "a", "mode": "r"},
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, object]) -> None:
    """An action without what it needs, or with a path that leads elsewhere, never gets as far as a rule."""
    with pytest.raises(ValidationError):
        FilesArguments.model_validate(arguments)


@pytest.mark.parametrize(
    ("arguments", "subjects"),
    [
        ({"action": "read", "path": "./a//b"}, ("read a/b",)),
        ({"action": "read", "path": "/workspace/a"}, ("read a",)),
        ({"action": "edit", "path": "a", "old": "x", "new": ""}, ("write a",)),
        ({"action": "write", "path": "a", "content": ""}, ("write a",)),
        ({"action": "list"}, ("list .",)),
        ({"action": "glob", "pattern": "*"}, ("list .",)),
        ({"action": "search", "pattern": "x", "path": "src"}, ("search src",)),
        (
            {"action": "patch", "patch": "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n--- a/y\n+++ b/y\n"},
            ("write x", "write y"),
        ),
    ],
)
def test_rules_are_about_what_is_done_to_which_file(
    arguments: dict[str, object], subjects: tuple[str, ...]
) -> None:
    """However a path is written; every file of a patch is a subject of its own."""
    assert TOOL.subjects(FilesArguments.model_validate(arguments)) == subjects


@pytest.mark.parametrize("text", ["read a", "write a", "edit a", "list", "list a", "glob a", "search a"])
def test_people_describe_a_call_in_words(text: str) -> None:
    """The action's name and the file."""
    verb = text.partition(" ")[0]
    assert TOOL.from_text(text).action == verb


def test_people_are_shown_all_that_is_written() -> None:
    """The first line says what happens to which file."""
    assert TOOL.does(asked("write", path="a", content="x\ny")) == "Write a\nx\ny"
    assert TOOL.does(asked("edit", path="a", old="x\ny", new="z")) == "Edit a\n-x\n-y\n+z"
    assert TOOL.does(asked("read", path="a", start=3)) == "Read a from line 3"
    assert TOOL.does(asked("search", pattern="x", path="src")) == "Search x in src"


async def test_a_file_is_read_with_its_lines_numbered(bench: Bench, files: Files) -> None:
    """The heading says which part it is, and where to read on."""
    files.write("f", "".join(f"line {n}\n" for n in range(1, 31)).encode())
    whole = (await use(bench, "read", path="f")).output.split("\n")
    assert (whole[0], whole[1], len(whole)) == (
        "f, lines 1 to 30 of 30 lines, 231 bytes",
        "     1\tline 1",
        31,
    )
    part = (await use(bench, "read", path="f", start=10, lines=2)).output
    assert part == (
        "f, lines 10 to 11 of 30 lines, 231 bytes. For more, read on from line 12.\n"
        "    10\tline 10\n    11\tline 11"
    )
    beyond = (await use(bench, "read", path="f", start=31)).output
    assert beyond == "f has 30 lines: begin at one of them."


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (b"", "f is empty."),
        (b"a\0b", "f is no text (3 bytes). Look at it in the terminal, with `file` or `xxd`."),
        (b"a", "f, lines 1 to 1 of 1 line, 1 byte\n     1\ta"),
        (b"a\r\nb", "f, lines 1 to 2 of 2 lines, 4 bytes\n     1\ta\n     2\tb"),
        (
            "a\u202e\x1b[0m\rb\u2028c\xff".encode("latin-1", "ignore") + "\u202e".encode(),
            "f, lines 1 to 1 of 1 line, 12 bytes\n     1\taU+001B[0mU+000Dbc\ufffdU+202E",
        ),
        (
            b"x" * 5000,
            "f, lines 1 to 1 of 1 line, 5.0 kB\n     1\t" + "x" * 2000 + "… [3000 more characters]",
        ),
    ],
    ids=range(6),
)
async def test_whatever_a_file_holds_can_be_shown(
    bench: Bench, files: Files, content: bytes, answer: str
) -> None:
    """Empty, binary, without a last line end, with characters that cannot be seen, with an endless line."""
    files.write("f", content)
    assert (await use(bench, "read", path="f")).output == answer


async def test_an_answer_is_bounded(bench: Bench, files: Files) -> None:
    """A large file is shown in part; a huge one is never read whole."""
    files.write("f", b"0123456789\n" * 100_000)
    answer = (await use(bench, "read", path="f")).output
    assert len(answer) < bench.limits.kept_output_bytes + 200
    assert "read on from line 1001" in answer
    with (bench.workspace / "huge").open("wb") as file:
        file.write(b"text\n" * 2000)
        file.truncate(1 << 30)
    answer = (await use(bench, "read", path="huge", start=1990)).output
    assert "of more than 2,0" in answer.partition("\n")[0]


@pytest.mark.parametrize("path", ["gone", "folder", "link/passwd", "pipe"])
@pytest.mark.parametrize("action", ["read", "edit", "write"])
async def test_a_refusal_says_what_to_do(bench: Bench, files: Files, path: str, action: str) -> None:
    """What cannot be done is an answer and not the end of the task."""
    files.write("folder/f", b"x")
    (bench.workspace / "link").symlink_to("/etc")
    os.mkfifo(bench.workspace / "pipe")
    arguments = {"read": {}, "edit": {"old": "x", "new": "y"}, "write": {"content": "x"}}[action]
    result = await use(bench, action, path=path, **arguments)
    assert result.ok == (action == "write" and path == "gone")
    assert result.ok or result.output.count(". ") >= 1


async def test_an_edit_is_exact(bench: Bench, files: Files) -> None:
    """One place, or all of them if that is said; otherwise nothing is changed and the answer says why."""
    files.write("f", b"one\ntwo\none\n")
    assert (
        await use(bench, "edit", path="f", old="two", new="2")
    ).output == "Changed f in 1 place, at line 2."
    twice = await use(bench, "edit", path="f", old="one", new="1")
    assert (twice.ok, "lines 1, 3" in twice.output) == (False, True)
    assert "other spaces" in (await use(bench, "edit", path="f", old="one\n  2", new="x")).output
    assert not (await use(bench, "edit", path="f", old="three", new="x")).ok
    assert files.read("f", 100)[0] == b"one\n2\none\n"
    assert (await use(bench, "edit", path="f", old="one", new="", all=True)).ok
    assert files.read("f", 100)[0] == b"\n2\n\n"


async def test_line_ends_and_marks_stay_as_they_are(bench: Bench, files: Files) -> None:
    """A file from Windows stays one, whichever line ends the model writes."""
    files.write("f", b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert (await use(bench, "edit", path="f", old="one\ntwo", new="1\n2")).ok
    assert files.read("f", 100)[0] == b"\xef\xbb\xbf1\r\n2\r\n"
    patch = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n-1\n+eins\n 2\n"
    assert (await use(bench, "patch", patch=patch)).ok
    assert files.read("f", 100)[0] == b"\xef\xbb\xbfeins\r\n2\r\n"


async def test_a_patch_holds_as_a_whole(bench: Bench, files: Files) -> None:
    """New, changed, renamed and deleted files; where one hunk does not fit, none of it is done."""
    files.write("a", b"1\n2\n3\n")
    files.write("b", b"x\n")
    files.write("c", b"y\n")
    good = (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n 1\n-2\n+zwei\n 3\n"
        "--- /dev/null\n+++ b/new/n\n@@ -0,0 +1,2 @@\n+one\n+two\n"
        "diff --git a/c b/d\nrename from c\nrename to d\n"
    )
    bad = good + "--- a/b\n+++ /dev/null\n@@ -1 +0,0 @@\n-not x\n"
    refused = await use(bench, "patch", patch=bad)
    assert (refused.ok, "'not x' is not there" in refused.output) == (False, True)
    assert {entry.path for entry in files.below()} == {"a", "b", "c"}
    done = await use(bench, "patch", patch=good + "--- a/b\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n")
    assert done.output.split("\n") == ["Wrote a.", "Wrote new/n.", "Deleted c.", "Wrote d.", "Deleted b."]
    assert {entry.path for entry in files.below()} == {"a", "d", "new", "new/n"}
    assert [files.read(name, 99)[0] for name in ("a", "d", "new/n")] == [
        b"1\nzwei\n3\n",
        b"y\n",
        b"one\ntwo\n",
    ]


async def test_folders_are_listed_and_files_found(bench: Bench, files: Files) -> None:
    """By name at any depth, or below a folder; caches are left out, links are named and not followed."""
    for path in ("src/a.py", "src/deep/b.py", "src/c.txt", ".git/x.py", "top.py"):
        files.write(path, b"x")
    (bench.workspace / "out").symlink_to("/")
    listed = (await use(bench, "list")).output.split("\n")
    assert listed == [".git/", "out  (a link: not followed)", "src/", "top.py  1 byte"]

    async def found(pattern: str, path: str = "") -> list[str]:
        answer = (await use(bench, "glob", pattern=pattern, path=path)).output
        return [line.partition("  ")[0] for line in answer.split("\n")]

    assert await found("*.py") == ["src/a.py", "src/deep/b.py", "top.py"]
    assert await found("src/*.py") == ["src/a.py"]
    assert await found("src/**/*.py") == ["src/a.py", "src/deep/b.py"]
    assert await found("**") == ["src/a.py", "src/c.txt", "src/deep/b.py", "top.py"]
    assert await found("*.py", "src/deep") == ["src/deep/b.py"]
    assert await found("*.rs") == ["*.rs fits nothing."]
    assert await found("*a" * 200 + "b") == ["*a" * 200 + "b fits nothing."]


async def test_text_is_found(boxed: Bench, files: Files) -> None:
    """Lines with their places, by text or by regular expression, in some files or all."""
    files.write("src/a.py", b"import os\nx = 1  # 1+1\n")
    files.write("b.txt", b"x = 2\n")
    files.write("bin", b"\0x = 3\n")
    (boxed.workspace / "link").symlink_to("/etc/passwd")
    os.mkfifo(boxed.workspace / "pipe")
    assert (await use(boxed, "search", pattern="x = ")).output == "b.txt:1: x = 2\nsrc/a.py:2: x = 1  # 1+1"
    assert (await use(boxed, "search", pattern="1+1")).output == "src/a.py:2: x = 1  # 1+1"
    assert (await use(boxed, "search", pattern=r"^x\s=\s\d$", regex=True)).output == "b.txt:1: x = 2"
    assert (await use(boxed, "search", pattern="IMPORT", ignore_case=True, glob="*.py")).output.startswith(
        "src/a"
    )
    assert (await use(boxed, "search", pattern="x", path="b.txt")).output == "b.txt:1: x = 2"
    nothing = await use(boxed, "search", pattern="root", path="src")
    assert (nothing.ok, nothing.output) == (True, "root is nowhere in src.")
    wrong = await use(boxed, "search", pattern="(", regex=True)
    assert (wrong.ok, "no regular expression" in wrong.output) == (False, True)


async def test_a_pattern_that_takes_for_ever_is_ended(boxed: Bench, files: Files) -> None:
    """It costs its time inside the sandbox, and nothing else."""
    files.write("f", b"a" * 60 + b"!\n")
    hurried = dataclasses.replace(boxed, limits=dataclasses.replace(boxed.limits, timeout_s=1.0))
    result = await use(hurried, "search", pattern="^(a+)+$", regex=True)
    assert (result.ok, result.ended_by) == (False, "timeout")
    assert "for less" in result.output


async def test_the_terminal_and_the_files_are_the_same(boxed: Bench) -> None:
    """What one writes the other may change: both are the workspace's owner."""
    await use(boxed, "write", path="d/f", content="one\n")
    ran = await Terminal().run(TerminalArguments(command="echo two >> d/f && echo x > d/g && cat d/f"), boxed)
    assert (ran.ok, ran.output) == (True, "one\ntwo\n")
    assert (await use(boxed, "edit", path="d/g", old="x", new="y")).ok


def test_calls_that_only_read_may_be_made_together() -> None:
    """All others have to wait for each other."""
    assert TOOL.reads(asked("read", path="a"))
    assert not TOOL.reads(asked("write", path="a", content=""))
    assert not TOOL.reads(asked("search", pattern="a"))


def test_the_script_of_the_search_stands_alone() -> None:
    """It imports nothing of the house: inside the sandbox there is none."""
    assert "from bot" not in Path(searching.__file__).read_text()


async def test_whoever_is_stopped_has_written_or_never_will(bench: Bench) -> None:
    """A call that is cancelled is over when it says so: its file cannot come into another run's hands."""
    for number in range(3000):  # which are counted before there is room for one more
        (bench.workspace / str(number)).touch()
    writing = asyncio.create_task(use(bench, "write", path="f", content="late"))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert writing.cancelled()
    assert (bench.workspace / "f").exists()
