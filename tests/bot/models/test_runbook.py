"""The runbook model: which blocks a text has, and what it does with them."""

import itertools
import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Ending
from bot.models.base import Answer, Told, Turn
from bot.models.runbook import LANGUAGES, Block, Runbook, blocks

TWO = "```sh\nmake\n```\nthen\n```python\nprint(1)\n```"


def sh(code: str) -> list[Block]:
    return [Block("sh", code)]


FENCES: dict[str, list[Block]] = {
    # https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    "```sh\nmake\n```": sh("make\n"),
    "~~~sh\nmake\n~~~": sh("make\n"),
    "``\nmake\n``": [],
    "```sh\nmake\n~~~\n```": sh("make\n~~~\n"),
    "~~~sh\nmake\n```\n~~~": sh("make\n```\n"),
    "````sh\nmake\n```\nmore\n````": sh("make\n```\nmore\n"),
    "```sh\nmake\n`````": sh("make\n"),
    "~~~~sh\nmake\n~~~\n~~~~": sh("make\n~~~\n"),
    "```sh": [],
    "```sh\nmake": sh("make\n"),
    "`````sh\n\n```\naaa": sh("\n```\naaa\n"),
    "```sh\n\n  \n```": [],
    "```sh\n```": [],
    " ```sh\n make\nmore\n```": sh("make\nmore\n"),
    "  ```sh\nmake\n  make\n make\n  ```": sh("make\nmake\nmake\n"),
    "   ```sh\n   make\n    make\n  make\n   ```": sh("make\n make\nmake\n"),
    "    ```sh\n    make\n    ```": [],
    "\t```sh\nmake\n```": [],
    "```sh\nmake\n  ```": sh("make\n"),
    "   ```sh\nmake\n ```": sh("make\n"),
    "``` ```\nmake": [],
    "```sh `x`\nmake\n```": [],
    "~~~~~~sh\nmake\n~~~ ~~\nmore": sh("make\n~~~ ~~\nmore\n"),
    "foo\n```sh\nmake\n```\nbar": sh("make\n"),
    "~~~~    sh startline=3 $%@#$\nmake\n~~~~~~~": sh("make\n"),
    "~~~ sh ``` ~~~\nmake\n~~~": sh("make\n"),
    "```sh\n``` sh\n```": sh("``` sh\n"),
    # languages
    "```\nmake\n```": [],
    "```ruby\nmake\n```\n```sh\nx\n```": sh("x\n"),
    "```ruby\n```sh\nmake\n```": [],
    "``` \t sh \nmake\n```": sh("make\n"),
    "```SH\nmake\n```": sh("make\n"),
    "```shx\nmake\n```": [],
    "```sh title='x'\nmake\n```": sh("make\n"),
    "```py\nx\n```\n```python3\ny\n```": [Block("python", "x\n"), Block("python", "y\n")],
    "  ```python\n  if x:\n    y\n  ```": [Block("python", "if x:\n  y\n")],
    # a fence that closes at the end of the last line
    "```sh\nmake```": sh("make\n"),
    "```sh\nmake ```  \nprose": sh("make \n"),
    "```sh\nmake\nmore````\nprose\n```": sh("make\nmore\n"),
    "````sh\nmake```\nmore````": sh("make```\nmore\n"),
    "```sh\n    ```\nprose": [],
    "~~~sh\nmake~~~": sh("make\n"),
    "```sh make```": [],
    # line ends, and what is none
    "```sh\r\nmake\r\nmore\r\n```\r\n": sh("make\nmore\n"),
    "```sh\rmake\r```": sh("make\n"),
    "```sh\nprintf 'a\u2028b\x0cc\x85d'\n```": sh("printf 'a\u2028b\x0cc\x85d'\n"),
    "```sh\nmake\n\n\n": sh("make\n\n\n"),
    "": [],
    "no blocks": [],
}


@pytest.mark.parametrize(("text", "found"), FENCES.items())
def test_blocks_are_those_of_commonmark(text: str, found: list[Block]) -> None:
    """Fences open, close and indent as in CommonMark; and a fence may close at the end of a line."""
    assert blocks(text) == found


def test_all_spellings_of_a_language() -> None:
    """Every name of a language runs as that language."""
    for word, language in LANGUAGES.items():
        assert blocks(f"```{word}\nx\n```") == [Block(language, "x\n")]


LINES = st.lists(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "", " ", "   "]),
        st.sampled_from(["", "```", "````", "~~~", "~~~~~"]),
        st.sampled_from(["", "", "sh", " sh x", "ruby"]),
        st.sampled_from(["", "", " "]),
    ),
    max_size=12,
)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_blocks_agree_with_another_reader(lines: list[str], end: str) -> None:
    """Where no fence closes at a line's end, the blocks are those that a CommonMark reader finds."""
    peer = pytest.importorskip("markdown_it", reason="no CommonMark reader to compare with")
    text = end.join(lines)
    tokens = [token for token in peer.MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    theirs = [
        Block("sh", token.content)
        for token in tokens
        if token.info.split()[:1] == ["sh"] and token.content.strip()
    ]
    # How readers end a block that is never closed differs in blank lines.
    assert [b.code.rstrip() for b in blocks(text)] == [b.code.rstrip() for b in theirs]


@given(st.text() | st.text("`~ \t\r\nsh\x85", max_size=60) | LINES.map("\n".join))
def test_any_text_has_blocks(text: str) -> None:
    """No text breaks the reader; no block is empty, or longer than the text."""
    for block in blocks(text):
        assert block.language in {"sh", "python"}
        assert block.code.strip()
        assert block.code.endswith("\n")
        assert len(block.code) <= len(text)


SIZE = 100_000
HOSTILE = {
    "fences": "```\n" * (SIZE // 4),
    "languages": "```sh\n" * (SIZE // 6),
    "backticks": "`" * SIZE,
    "tildes": "~" * SIZE,
    "tildes and a backtick": "~" * SIZE + "`",
    "backticks and words": "`" * (SIZE // 2) + "a" * (SIZE // 2) + "`",
    "blanks": "```" + " " * SIZE + "`",
    "tabs": "~~~" + "\t" * SIZE + "`",
    "a word": "~~~" + "a" * SIZE + "`",
    "closing": "```sh\n" + "x" * SIZE + "``\n" + "`" * SIZE + "x",
    "indented": (" " * 50 + "```\n") * (SIZE // 54),
    "unclosed": "~~~sh\n" + "~~\n" * (SIZE // 3),
    "ends": "\r\n\x85\u2028" * (SIZE // 4),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_fences_take_no_time(text: str) -> None:
    """A hundred thousand characters of anything are read in the time of a blink."""
    began = time.thread_time()
    blocks(text)
    assert time.thread_time() - began < 0.5


def did(ends: str) -> list[Answer]:
    """Answers to calls, a sign each: `+` it succeeded, `-` it failed, `?` it was interrupted."""
    return [
        Answer(str(n), ok=end == "+", interrupted=end == "?", exit_code={"+": 0, "-": 1}.get(end))
        for n, end in enumerate(ends, 1)
    ]


async def after(text: str, answers: list[Answer]) -> Turn:
    """What a runbook does once it knows these answers."""
    book = Runbook(text)
    book.learn(answers)
    return await book.turn(1)


async def test_blocks_are_run_in_order() -> None:
    """Each turn calls the terminal with the next block, strictly, and names the call by its step."""
    book = Runbook(TWO)
    (first,) = (await book.turn(1)).calls
    assert (first.id, first.tool) == ("1", "terminal")
    assert first.args == {"command": "make\n", "language": "sh", "stop_on_error": True}
    book.learn(did("+"))
    (second,) = (await book.turn(2)).calls
    assert (second.id, second.args["language"], second.args["command"]) == ("2", "python", "print(1)\n")


@pytest.mark.parametrize(("ends", "step"), [("?", "1"), ("+?", "2"), ("??+?", "2")])
async def test_an_interrupted_block_is_run_again(ends: str, step: str) -> None:
    """What never ended counts as not done: the same block, under the same name."""
    turn = await after(TWO, did(ends))
    assert [call.id for call in turn.calls] == [step]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (did("-"), "Step 1 of 2 failed with exit code 1."),
        (did("+-"), "Step 2 of 2 failed with exit code 1."),
        (did("+?-"), "Step 2 of 2 failed with exit code 1."),
        ([Answer("1", ok=False, text="There is no tool called x.")], "Step 1 of 2 failed: There is no tool"),
        (
            [Answer("1", ok=False, exit_code=137, ended_by="timeout")],
            "Step 1 of 2 failed: it took longer than",
        ),
    ],
)
async def test_a_failure_stops_the_runbook(answers: list[Answer], words: str) -> None:
    """After the first block that fails nothing more is called, and the words say which and why."""
    turn = await after(TWO, answers)
    assert turn.gave_up
    assert turn.calls == ()
    assert turn.words.startswith(words)


async def test_every_limit_has_its_sentence() -> None:
    """Whatever ended a command, people are told in words, and in different ones."""
    answers = [Answer("1", ok=False, ended_by=ended_by) for ended_by in get_args(Ending)]
    words = {(await after(TWO, [answer])).words for answer in answers}
    assert len(words) == len(answers)
    assert all(said.startswith("Step 1 of 2 failed: it ") and said.endswith(".") for said in words)


@pytest.mark.parametrize(
    ("text", "ends", "words"),
    [
        ("```sh\nx\n```", "+", "The step succeeded."),
        ("```sh\nx\n```", "?+", "The step succeeded."),
        (TWO, "++", "All 2 steps succeeded."),
    ],
)
async def test_the_last_words(text: str, ends: str, words: str) -> None:
    """When all blocks are done the task is, and the words count them."""
    turn = await after(text, did(ends))
    assert (turn.words, turn.calls, turn.gave_up) == (words, (), False)


async def printed(output: str) -> str:
    turn = await after("```sh\nx\n```", [Answer("1", ok=True, text=output)])
    return turn.words.removeprefix("The step succeeded")


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("", "."),
        ("\n\n", "."),
        ("hello\n", ". The last one printed:\n\n```\nhello\n```"),
        ("a\n```\nb", ". The last one printed:\n\n````\na\n```\nb\n````"),
        ("x ````` y", ". The last one printed:\n\n``````\nx ````` y\n``````"),
    ],
)
async def test_the_end_of_the_output_is_shown(output: str, shown: str) -> None:
    """The last output stands in a block that nothing in it can close."""
    assert await printed(output) == shown


async def test_a_long_output_is_cut_to_its_end() -> None:
    """Of many lines, and of long ones, the last are shown, and that it is cut is said."""
    many = await printed("\n".join(map(str, range(100))))
    assert (
        many == ". The last one printed (its end):\n\n```\n" + "\n".join(map(str, range(70, 100))) + "\n```"
    )
    long = await printed("x" * 3_000 + "end")
    assert long.startswith(". The last one printed (its end):\n\n```\nxxx")
    assert long.endswith("xend\n```")
    assert len(long) < 2_100
    whole = "\n".join(itertools.repeat("y", 30))
    assert await printed(whole) == f". The last one printed:\n\n```\n{whole}\n```"


@pytest.mark.parametrize("text", ["", "Just do it", "```\nmake\n```", "```ruby\nx\n```", "`make`"])
async def test_nothing_to_run_says_how(text: str) -> None:
    """A text without blocks ends at once, with what to write instead."""
    turn = await after(text, [])
    assert turn.gave_up
    assert turn.calls == ()
    assert turn.words.startswith("There is nothing to run")
    assert "```sh" in turn.words


async def test_blocks_count_where_whoever_says_them_may_have_commands_run() -> None:
    """Words of others are words: nothing in them is run."""
    model = Runbook("```sh\none\n```")
    model.learn([Told("```sh\ntwo\n```", "Eve says"), Told("```sh\nthree\n```", "Mel says", commands=True)])
    ran = []
    for step in itertools.count(1):
        turn = await model.turn(step)
        if not turn.calls:
            break
        ran.append(turn.calls[0].args["command"])
        model.learn([Answer(turn.calls[0].id, ok=True)])
    assert ran == ["one\n", "three\n"]
