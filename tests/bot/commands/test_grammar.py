"""From text to a command: TEXT is raw, and every mistake says what to do."""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Annotated

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import Field

from bot.actors import Role
from bot.commands import registry
from bot.commands.grammar import Parsed, parse
from bot.commands.registry import (
    After,
    Arguments,
    Command,
    Flag,
    Nothing,
    Option,
    Pairs,
    Quoted,
    Text,
    Word,
)
from bot.errors import UserMistake
from bot.replies import Reply

MOST = 40_000
REAL = dict(registry.COMMANDS)


class Assign(Arguments):
    """Options and a text."""

    agent: Annotated[str, Word("@AGENT")]
    notify: Annotated[tuple[str, ...], Option("--notify", "ADDRESS", many=True)] = ()
    place: Annotated[str, Option("--in", "WORKSPACE")] = ""
    plan: Annotated[bool, Flag("--plan")] = False
    text: Annotated[str, Text("TEXT")]


class Rule(Arguments):
    """A quoted pattern and a time."""

    agent: Annotated[str, Word("AGENT")]
    tool: Annotated[str, Word("TOOL")]
    pattern: Annotated[str, Quoted("PATTERN")] = ""
    until: Annotated[str, After("for", "TIME")] = ""


class Schedule(Arguments):
    """Quotes first, then a word and a text."""

    when: Annotated[str, Quoted("WHEN")]
    agent: Annotated[str, Word("@AGENT")]
    text: Annotated[str, Text("TEXT")]


class Recipe(Arguments):
    """Values by name."""

    name: Annotated[str, Word("RUNBOOK")]
    values: Annotated[dict[str, str], Pairs("key=value")] = Field(default={})
    agent: Annotated[str, Option("--agent", "@AGENT")] = ""


class Listed(Arguments):
    """An optional word."""

    agent: Annotated[str, Word("AGENT")] = ""


class Watch(Arguments):
    """A word and an option behind it."""

    task: Annotated[str, Word("T-N")]
    every: Annotated[str, Option("--every", "all|milestones|daily|result")] = "all"


class Topic(Arguments):
    """An optional text."""

    topic: Annotated[str, Text("TOPIC")] = ""


class OneTask(Arguments):
    """A word."""

    task: Annotated[str, Word("T-N")]


TABLE: dict[str, type[Arguments]] = {
    "help": Topic,
    "agent assign": Assign,
    "agent list": Nothing,
    "agent help": Topic,
    "agent run": Recipe,
    "agent schedule": Schedule,
    "agent tools": Listed,
    "agent tools allow": Rule,
    "agent tools deny": Rule,
    "agent people link": Listed,
    "agent people role": Nothing,
    "task list": Nothing,
    "task show": OneTask,
    "task watch": Watch,
    "task help": Topic,
}


@pytest.fixture(scope="module", autouse=True)
def _table() -> Iterator[None]:
    """A table of commands of every kind stands in for the real one."""
    registry.COMMANDS.clear()
    for name, takes in TABLE.items():
        registry.COMMANDS[name] = Command(name, Role.MEMBER, takes, lambda *_: Reply("done"), "Do it")
    yield
    registry.COMMANDS.clear()
    registry.COMMANDS.update(REAL)


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
    ("text", "name", "found"),
    [
        ("agent list", "agent list", {}),
        ("  Agent\tLIST \n", "agent list", {}),
        ("/agent list", "agent list", {}),
        ("task help", "task help", {}),
        ("help agent tools", "help", {"topic": "agent tools"}),
        ("agent help tools", "agent help", {"topic": "tools"}),
        ("agent tools", "agent tools", {}),
        ("agent tools coder", "agent tools", {"agent": "coder"}),
        ("agent tools allow coder web", "agent tools allow", {"agent": "coder", "tool": "web"}),
        ("agent people LINK mel", "agent people link", {"agent": "mel"}),
    ],
)
def test_the_longest_name_is_the_command(text: str, name: str, found: dict[str, str]) -> None:
    """Case and white space do not matter, and what could be a longer name is one."""
    assert parse(text, MOST) == Parsed(name, found)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("", ""),
        (" \n", ""),
        ("help", ""),
        ("agent", "agent"),
        (" TASK ", "task"),
        ("agent people", "agent people"),
        ("agent people help", "agent people"),
        ("agent tools help", "agent tools"),
        ("agent people --help", "agent people"),
        ("agent assign --help", "agent assign"),
        ("task list --HELP ", "task list"),
    ],
)
def test_a_group_alone_asks_for_its_help(text: str, topic: str) -> None:
    """So does nothing at all, a group with `help`, and any command with --help."""
    assert parse(text, MOST) == Parsed("help", {"topic": topic} if topic else {})


def rule(rest: str) -> dict[str, object]:
    parsed = parse(f"agent tools deny coder terminal {rest}", MOST)
    assert parsed.name == "agent tools deny"
    assert parsed.arguments.pop("agent") == "coder"
    assert parsed.arguments.pop("tool") == "terminal"
    return parsed.arguments


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ls", "ls"),
        ('"git push *"', "git push *"),
        ("'git push *'", "git push *"),
        ("\u201cgit push *\u201d", "git push *"),
        ("\u201egit push *\u201c", "git push *"),
        ('\u201cgit push *"', "git push *"),
        ("\u2018git push *\u2019", "git push *"),
        (r'"say \"hi\" \* \\"', r'say "hi" \* \\'),
        ('"say \u201chi\u201d"', "say \u201chi\u201d"),
        ('"it\'s"', "it's"),
        ('"two\nlines"', "two\nlines"),
        ('"for 2h"', "for 2h"),
        ('""', ""),
    ],
)
def test_one_argument_stands_in_quotes(written: str, read: str) -> None:
    """Straight or curly, with a quote inside behind a backslash; patterns keep their own backslashes."""
    assert rule(written) == {"pattern": read}
    assert rule(f"{written} for 2h") == {"pattern": read, "until": "2h"}
    assert rule(f"\n{written}\nFOR  2h ") == {"pattern": read, "until": "2h"}


def test_a_keyword_stands_at_the_end() -> None:
    """A value follows it; where a word is still wanted, it is that word."""
    assert rule("") == {}
    assert rule("for 2h") == {"until": "2h"}
    assert rule('"for" for "2h"') == {"pattern": "for", "until": "2h"}
    assert parse("agent tools deny for for for 2h", MOST).arguments == {
        "agent": "for",
        "tool": "for",
        "until": "2h",
    }


def test_quotes_stand_before_the_text() -> None:
    """An argument in quotes is one argument, and quotes in the TEXT behind it mean nothing."""
    found = parse(
        'agent schedule \u201cevery monday 9:00\u201d @coder "look" at \u201cit\u201d', MOST
    ).arguments
    assert found == {"when": "every monday 9:00", "agent": "@coder", "text": '"look" at \u201cit\u201d'}


def test_values_by_name_are_collected() -> None:
    """Any number of key=value, quoted or not, with options anywhere among them."""
    found = parse(
        "agent run deploy env=prod note=\u201ca b\u201d --agent @coder x-y='1 2' none= url=a=b", MOST
    )
    assert found.arguments == {
        "name": "deploy",
        "agent": "@coder",
        "values": {"env": "prod", "note": "a b", "x-y": "1 2", "none": "", "url": "a=b"},
    }
    assert parse("agent run deploy", MOST).arguments == {"name": "deploy"}


@pytest.mark.parametrize(
    "options",
    [
        '@coder --in "my place" --plan',
        "--plan --in=\u201cmy place\u201d @coder",
        "\u2014plan @coder \u2013in='my place'",
        "@coder \u2014in \u201cmy place\u201d \u2014plan",
    ],
)
def test_values_of_options_may_be_quoted(options: str) -> None:
    """Behind a space or an equals sign; and a flag has no value at all."""
    assert arguments(f"agent assign {options} --notify a@b \u2014 x") == {
        "agent": "@coder",
        "place": "my place",
        "plan": True,
        "notify": ["a@b"],
        "text": "\u2014 x",
    }


def test_options_may_follow_the_words() -> None:
    """Where there is no TEXT they may stand at the end."""
    watched = {"task": "T-1", "every": "milestones"}
    assert parse("task watch T-1 --every milestones", MOST).arguments == watched
    assert parse("task watch --every=milestones T-1", MOST).arguments == watched


def test_people_are_left_in_words_and_readable_in_the_text() -> None:
    """A mention is one word although its name has spaces; a TEXT shows the name, or the id that there is."""
    text = "ask <@U012ABC|Mel Stone>, <@U9> and <mel@example.org>; a<b, <@nobody and <@|x>"
    assert parse(f"agent assign <@U012ABC|Mel Stone> {text}", MOST).arguments == {
        "agent": "<@U012ABC|Mel Stone>",
        "text": "ask @Mel Stone, @U9 and <mel@example.org>; a<b, <@nobody and <@|x>",
    }
    assert arguments("agent assign @coder -- --x <@U9|mel>")["text"] == "--x @mel"
    assert parse("task show <@U9|a\tb>", MOST).arguments == {"task": "<@U9|a\tb>"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent asign @coder x", "There is no command `agent asign`. Did you mean `agent assign`?"),
        ("task lst", "There is no command `task lst`. Did you mean `task list`?"),
        ("tasks show T-1", "There is no command `tasks show`. Did you mean `task show`?"),
        ("\u4fee\u6b63", "There is no command `\u4fee\u6b63`. Try `help`."),
        ("x" * 999, f"There is no command `{'x' * 60}`. Try `help`."),
        ("assign @coder x", "There is no command `assign @coder`. Did you mean `agent assign`?"),
        ("list", "There is no command `list`. Did you mean `agent list` or `task list`?"),
        ("agent people lnk mel", "no command `agent people lnk`. Did you mean `agent people link`?"),
        ("agent people zzz", "There is no command `agent people zzz`. Try `help agent people`."),
        ("agent role mel admin", "no command `agent role`. Did you mean `agent people role`?"),
        ("agent tools alow coder web", "no command `agent tools alow`. Did you mean `agent tools allow`?"),
        ("agent tools coder web", "`agent tools` does not take `web`. Usage: `agent tools [AGENT]`"),
        ("agent tools deny c t git push", "`agent tools deny` does not take `push`. What has spaces in it"),
        ("agent tools deny c t git push", 'stands in quotes: "PATTERN". Usage: '),
        ("agent tools deny c t x for", "`for` needs a value: `for TIME`."),
        ("agent tools deny c t for 1h for 2h", "`for` was given twice. Keep one."),
        ('agent tools deny c t "git push', "The quote before `git push` is never closed. Close it and send"),
        ('agent tools deny c t "git"push', "Something sticks to the quote after `git`: put a space between"),
        ("agent run x a=1 b", "`agent run` does not take `b`. Write it as `key=value`. Usage: "),
        ("agent run x a=1 a=2", "`a=` was given twice. Keep one."),
        ("agent run x a='1", "The quote before `1` is never closed. Close it and send it again."),
        ("agent assign @coder --plan=no x", "--plan takes no value: leave out what follows it."),
        ("agent assign @coder --in a --in b x", "--in was given twice. Keep one."),
        ("agent assign @coder --in --plan x", "--in needs a value: `--in WORKSPACE`."),
        ("agent assign @coder --in \u2014plan x", "--in needs a value: `--in WORKSPACE`."),
        ("agent assign @coder --in '' x", "--in needs a value: `--in WORKSPACE`."),
        ("agent assign @coder --Notify a@b x", "no option `--Notify`. Did you mean `--notify`?"),
        ("agent assign @coder --notfy a@b x", "no option `--notfy`. Did you mean `--notify`?"),
        ("agent assign @coder \u2014notify", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --notify", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --notify= x", "--notify needs a value: `--notify ADDRESS`."),
        ("agent assign @coder --zzz x", "A text that begins with dashes needs `-- ` before it."),
        ("task shw T-1", "There is no command `task shw`. Did you mean `task show`?"),
        ("agent tool alow coder web", "There is no command `agent tool`. Did you mean `agent tools`?"),
        ("agnt list", "There is no command `agnt list`. Did you mean `agent list`?"),
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
        "agent assign @coder " + "<@U1|" * 7_000,
        "agent assign " + "<@U1|a b>" * 4_000,
        "agent assign " + "<" * 39_000,
        'agent tools deny a b "' + "\\" * 39_000,
        'agent tools deny a b "' + 'x\\"' * 9_000,
        "agent run x " + " ".join(f"k{n}=v" for n in range(5_000)),
    ],
)
def test_long_commands_are_read_quickly(text: str) -> None:
    """No command, however odd, holds up the others."""
    began = time.thread_time()
    with contextlib.suppress(UserMistake):
        parse(text, MOST)
    assert time.thread_time() - began < 2


@pytest.mark.parametrize("name", [*TABLE, *(name for name in REAL if name not in TABLE)])
def test_a_usage_line_parses(name: str) -> None:
    """What help shows can be written so: with everything, and with only what must be there."""
    known = registry.COMMANDS.get(name) or REAL[name]
    fields = known.arguments.parts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.COMMANDS, name, known)
        whole = parse(re.sub(r"[\[\]\u2026]", "", known.usage), MOST)
        least = parse(re.sub(r"\[[^]]*\]\u2026?|\u2026", "", known.usage), MOST)
    assert (whole.name, set(whole.arguments)) == (name, set(fields))
    assert (least.name, set(least.arguments)) == (
        name,
        {one for one in fields if known.arguments.needed(one)},
    )


OPTIONS = ["--notify", "--notify=a@b", "\u2014notify", "--", "-", "--no", "--plan", "for", "--in="]
SIGNS = [
    " ",
    "\n",
    "\t",
    "\u00a0",
    "\x1c",
    "=",
    "'",
    '"',
    "\u201c",
    "\u201d",
    "\\",
    "```",
    "x",
    "\0",
    "\u2028",
]
MORE = ["\udcff", "<@U1|mel>", "<@U1", "|a b>", "k=v", "help"]
PIECES = st.lists(st.sampled_from([*TABLE, "agent", "task", "@coder", "T-1", *OPTIONS, *SIGNS, *MORE]))
GARBLED = st.text(st.characters()) | PIECES.map("".join) | PIECES.map(" ".join)


@given(GARBLED)
def test_any_text_is_a_command_or_a_mistake(text: str) -> None:
    """The grammar never fails otherwise, and never names what is not there."""
    try:
        parsed = parse(text, MOST)
    except UserMistake:
        return
    known = registry.COMMANDS[parsed.name]
    assert parsed.arguments.keys() <= known.arguments.parts().keys()
    repr(parsed).encode()


@given(st.sampled_from(sorted(TABLE)), GARBLED)
def test_any_argument_is_read_or_a_mistake(name: str, rest: str) -> None:
    """The same, for what follows the name of each command: that one, its help, or one whose name goes on."""
    try:
        parsed = parse(f"{name} {rest}", MOST)
    except UserMistake:
        return
    assert parsed.name in (name, "help") or parsed.name.startswith(f"{name} ")
    assert parsed.arguments.keys() <= registry.COMMANDS[parsed.name].arguments.parts().keys()


@given(st.text())
@example('\\"')
def test_quotes_carry_any_text(text: str) -> None:
    """Whatever is put in quotes, its own quotes behind backslashes, is one argument."""
    assume("\0" not in text and "\\" not in text)
    escaped = text.replace('"', '\\"')
    assert rule(f'"{escaped}" for 2h') == {"pattern": text, "until": "2h"}


@given(st.text(min_size=1))
@example("--x")
@example("\u2014notify")
def test_text_without_a_leading_option_comes_back(text: str) -> None:
    """What a person writes is what the task gets, without the white space around it."""
    first = (text.split() or [""])[0]
    assume(first and "\0" not in text)
    option = first.startswith("--") and (len(first) == 2 or first[2].isalnum() or first[2] == "_")
    known = {f"{dash}{name}" for dash in "\u2014\u2013" for name in ("notify", "in", "plan")}
    assume(not option and first.partition("=")[0] not in known and "<@" not in text)
    assert arguments(f"agent assign @coder {text}")["text"] == text.strip()
