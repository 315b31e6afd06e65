"""From text to a command: TEXT is raw, and every mistake says what to do."""

import contextlib
import time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.commands import registry
from bot.commands.grammar import Parsed, parse
from bot.errors import UserMistake

MOST = 40_000


def arguments(text: str) -> dict[str, object]:
    parsed = parse(text, MOST)
    assert parsed.name == "agent assign"
    return parsed.arguments


RAW = [
    "fix the test",
    "don't \"quote\" 'me",
    "it's \u201ccurly\u201d \u2019 \u2026",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u4fee\u6b63",
    "one\ntwo\n\n  three\t\tfour",
    "run\n```sh\nmake --notify=x\n```",
    "fix --notify a@b",
    "fix \u2014notify a@b -- and --this",
    "\\ \\n $HOME `id` $(id) * ? ~ ; | & < >",
    "- a list",
    "-x",
    "---",
    "-",
    "\u2014 said the dash",
    "\u2014fixed",
    "\u2013 5 degrees",
    "a=b --notify=",
    "/agent assign @coder x",
    "@analyst x",
    "x",
]


@pytest.mark.parametrize("text", RAW)
def test_text_is_raw_to_the_end(text: str) -> None:
    """No quote, dash, newline or fence in the TEXT means anything."""
    assert arguments(f"agent assign @coder {text}") == {"agent": "@coder", "text": text}
    assert arguments(f"agent assign @coder --notify a@b {text}")["text"] == text


@pytest.mark.parametrize(
    "text", ["--notify a@b", "--", "-- x", "--fix it", "\u2014notify a@b", "x", "--help"]
)
def test_after_two_dashes_all_is_text(text: str) -> None:
    """A text that begins with dashes stands after `--`."""
    assert arguments(f"agent assign @coder -- {text}") == {"agent": "@coder", "text": text}
    assert arguments(f"agent assign @coder --notify a@b --\n{text}\n") == {
        "agent": "@coder",
        "notify": ["a@b"],
        "text": text,
    }


@pytest.mark.parametrize(
    "options",
    [
        "@coder --notify a@b",
        "@coder --notify=a@b",
        "--notify a@b @coder",
        "@coder \u2014notify a@b",
        "@coder \u2014notify=a@b",
        "@coder \u2013notify a@b",
        "@coder\n--notify\n  a@b",
    ],
)
def test_options_stand_before_the_text(options: str) -> None:
    """However an option is spelled, and wherever before the TEXT: its value is the same."""
    assert arguments(f"agent assign {options} fix it") == {
        "agent": "@coder",
        "notify": ["a@b"],
        "text": "fix it",
    }


def test_an_option_that_may_be_repeated_is_collected() -> None:
    """All values are kept, in order."""
    found = arguments("agent assign --notify a@b @coder --notify=c@d --notify e=f x")
    assert found == {"agent": "@coder", "notify": ["a@b", "c@d", "e=f"], "text": "x"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("agent list", "agent list"),
        ("  Agent\tLIST \n", "agent list"),
        ("", "agent help"),
        ("agent", "agent help"),
        (" TASK ", "task help"),
        ("task help", "task help"),
    ],
)
def test_commands_are_found_in_any_case(text: str, name: str) -> None:
    """Case and white space do not matter; a noun alone asks for help, and so does nothing."""
    assert parse(text, MOST) == Parsed(name, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent asign @coder x", "There is no command `agent asign`. Did you mean `agent assign`?"),
        ("task lst", "There is no command `task lst`. Did you mean `task list`?"),
        ("tasks show T-1", "There is no command `tasks show`. Did you mean `task show`?"),
        ("\u4fee\u6b63", "There is no command `\u4fee\u6b63`. Try `agent help`."),
        ("x" * 999, f"There is no command `{'x' * 60}`. Try `agent help`."),
        ("agent assign @coder --notfy a@b x", "no option `--notfy`. Did you mean `--notify`?"),
        ("agent assign @coder \u2014notify", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --notify", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --notify= x", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --zzz x", "A text that begins with dashes needs `-- ` before it."),
        ("agent list --all", "`agent list` has no option `--all`. Usage: `agent list`"),
        ("agent list all", "`agent list` does not take `all`. Usage: `agent list`"),
        ("agent list --", "`agent list` does not take `--`. Usage: `agent list`"),
        ("task show T-1 T-2", "`task show` does not take `T-2`. Usage: `task show T-N`"),
        ("task show T-1 " + "y" * 999, f"`task show` does not take `{'y' * 60}`."),
        ("agent list \0", "A command cannot hold the character NUL, nor bytes that are not UTF-8. Remove"),
        ("agent assign @coder \udcff", "nor bytes that are not UTF-8. Remove them and send it again."),
        ("x" * (MOST + 1), "That is 40,001 characters, and a command may have 40,000. Shorten it"),
    ],
)
def test_mistakes_say_what_to_do(text: str, says: str) -> None:
    """What is not understood is named, with the nearest that is there."""
    with pytest.raises(UserMistake) as mistake:
        parse(text, MOST)
    assert says in str(mistake.value)


def test_missing_arguments_are_left_to_the_registry() -> None:
    """The grammar takes what is there; what is missing has its sentence elsewhere."""
    assert arguments("agent assign") == {}
    assert arguments("agent assign @coder") == {"agent": "@coder"}
    assert arguments("agent assign @coder --  ") == {"agent": "@coder", "text": ""}


def test_the_longest_command_is_whole() -> None:
    """A command of exactly the longest length is read to its last character."""
    head = "agent assign @coder "
    text = "\u00fc" * (MOST - len(head))
    assert arguments(head + text)["text"] == text


@pytest.mark.parametrize(
    "text",
    [
        "agent assign @coder " + "--notify a@b " * 3_000,
        "agent assign @coder " + "\u2014" * 39_000,
        "agent assign @coder " + "-" * 39_000,
        "agent assign @coder --" + "n" * 39_000,
        "agent " + "assign" * 6_000,
        " \n\t" * 13_000,
        "a b" * 13_000,
    ],
)
def test_long_commands_are_read_quickly(text: str) -> None:
    """No command, however odd, holds up the others."""
    began = time.thread_time()
    with contextlib.suppress(UserMistake):
        parse(text, MOST)
    assert time.thread_time() - began < 0.5


OPTIONS = ["--notify", "--notify=a@b", "\u2014notify", "--", "-", "--no"]
SIGNS = [" ", "\n", "\t", "\u00a0", "\x1c", "=", "'", '"', "```", "x", "\0", "\u2028", "\udcff"]
PIECES = st.lists(st.sampled_from([*registry.COMMANDS, "agent", "task", "@coder", "T-1", *OPTIONS, *SIGNS]))


@given(st.text(st.characters()) | PIECES.map("".join) | PIECES.map(" ".join))
def test_any_text_is_a_command_or_a_mistake(text: str) -> None:
    """The grammar never fails otherwise, and never invents: each value stood in the text."""
    try:
        parsed = parse(text, MOST)
    except UserMistake:
        return
    assert parsed.name in registry.COMMANDS
    for value in parsed.arguments.values():
        for one in value if isinstance(value, list) else [value]:
            assert one in text
            one.encode()


@given(st.text(min_size=1))
@example("--x")
@example("\u2014notify")
def test_text_without_a_leading_option_comes_back(text: str) -> None:
    """What a person writes is what the task gets, without the white space around it."""
    first = (text.split() or [""])[0]
    assume(first and "\0" not in text)
    option = first.startswith("--") and (len(first) == 2 or first[2].isalnum() or first[2] == "_")
    assume(not option and first.partition("=")[0] not in {"\u2014notify", "\u2013notify"})
    assert arguments(f"agent assign @coder {text}")["text"] == text.strip()
