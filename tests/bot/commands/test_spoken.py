"""What is said in a thread or a mail is a command only where a verb is plainly meant."""

import contextlib
from collections.abc import Iterator
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.actors import Role
from bot.commands import grammar, registry
from bot.commands.registry import Arguments, Command, Flag, Nothing, Option, Text, Word
from bot.commands.spoken import ALIKE, IN_MAIL, about, in_task
from bot.errors import UserMistake
from bot.replies import Reply


class OneTask(Arguments):
    """A word."""

    task: Annotated[str, Word("T-N")]


class Decision(Arguments):
    """A question and a note."""

    question: Annotated[str, Word("A-N")]
    note: Annotated[str, Text("NOTE")] = ""


class Say(Arguments):
    """A task and a text."""

    quiet: Annotated[bool, Flag("--quiet")] = False
    task: Annotated[str, Word("T-N")]
    text: Annotated[str, Text("TEXT")]


class Watch(Arguments):
    """A task and an option."""

    task: Annotated[str, Word("T-N")]
    every: Annotated[str, Option("--every", "CADENCE")] = ""


class Assign(Arguments):
    """A task and a word."""

    task: Annotated[str, Word("T-N")]
    agent: Annotated[str, Word("@AGENT")]


class Find(Arguments):
    """No task at all."""

    text: Annotated[str, Text("TEXT")]


TABLE: dict[str, tuple[type[Arguments], bool]] = {
    "task approve": (Decision, False),
    "task deny": (Decision, False),
    "task cancel": (OneTask, False),
    "task pause": (OneTask, False),
    "task resume": (OneTask, False),
    "task retry": (OneTask, False),
    "task show": (OneTask, True),
    "task say": (Say, False),
    "task watch": (Watch, False),
    "task assign": (Assign, False),
    "task find": (Find, True),
    "task list": (Nothing, True),
    "agent list": (Nothing, True),
}


@pytest.fixture(scope="module", autouse=True)
def _table() -> Iterator[None]:
    """A table of task commands of every kind stands in for the real one."""
    before = dict(registry.COMMANDS)
    registry.COMMANDS.clear()
    for name, (takes, reads) in TABLE.items():
        registry.COMMANDS[name] = Command(
            name, Role.STAKEHOLDER, takes, lambda *_: Reply("done"), "Do it", reads=reads
        )
    yield
    registry.COMMANDS.clear()
    registry.COMMANDS.update(before)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("approve", "task approve T-12"),
        ("  Approve. \n", "task approve T-12"),
        ("APPROVED!", "task approve T-12"),
        ("approve T-12", "task approve T-12"),
        ("approve: t-12.", "task approve t-12"),
        ("cancel", "task cancel T-12"),
        ("stop!!", "task cancel T-12"),
        ("status", "task show T-12"),
        ("Status?", "task show T-12"),
        ("retry", "task retry T-12"),
        ("deny", "task deny T-12"),
        ("deny too broad", "task deny T-12 too broad"),
        ("Deny: it\u2019s too broad!", "task deny T-12 it\u2019s too broad!"),
        ("deny:too broad", "task deny T-12 too broad"),
        ("deny \u2014 too broad\nand late", "task deny T-12 too broad\nand late"),
        ("say use **v2** - not v1", "task say T-12 use **v2** - not v1"),
        ("say - a list", "task say T-12 - a list"),
        ("watch", "task watch T-12"),
        ("watch --every daily", "task watch T-12 --every daily"),
        ("watch \u2014every daily", "task watch T-12 \u2014every daily"),
        ("assign @other", "task assign T-12 @other"),
        ("assign", "task assign T-12"),
    ],
)
def test_a_verb_is_a_command_on_its_task(said: str, means: str) -> None:
    """Alone on its line, or with what its command takes behind the task."""
    assert in_task(said, "T-12") == means


@pytest.mark.parametrize(
    "said",
    [
        "",
        "!",
        "nice work",
        "approve it if the tests pass",
        "approve, but only the first",
        "approve\nbut not in production",
        "approve?",
        "cancel the second part",
        "stop using tabs",
        "status of the deployment is unclear",
        "retry with more memory",
        "watch this space",
        "cancel's",
        "denying is easy",
        "deny's",
        "list",
        "find bugs",
        "task cancel",
        "agent list",
        "cancle",
        "12",
    ],
)
def test_anything_else_is_said_to_the_agent(said: str) -> None:
    """A condition, another task or a sentence that begins like a verb is no command."""
    assert in_task(said, "T-12") is None


def test_in_mail_few_verbs_count() -> None:
    """A mail is a letter: only the plainest words on its first line are commands."""
    assert in_task("Approve.", "A-17", IN_MAIL) == "task approve A-17"
    assert in_task("approved", "A-17", IN_MAIL) == "task approve A-17"
    assert in_task("deny: too broad", "A-17", IN_MAIL) == "task deny A-17 too broad"
    assert in_task("stop", "T-142", IN_MAIL) == "task cancel T-142"
    assert in_task("cancel", "T-142", IN_MAIL) == "task cancel T-142"
    assert in_task("status?", "T-142", IN_MAIL) == "task show T-142"
    assert in_task("Pause.", "T-142", IN_MAIL) == "task pause T-142"
    assert in_task("resume", "T-142", IN_MAIL) == "task resume T-142"
    for other in ("show", "pause for a week", "retry", "say hello", "watch", "assign @other"):
        assert in_task(other, "T-142", IN_MAIL) is None


SAID = st.sampled_from([*ALIKE, *(name.split()[1] for name in TABLE)])
REST = st.text() | st.sampled_from(["", ".", "!", "?", ": x", " --every daily", " T-12", " T-13", "\nx"])


@given(st.text() | st.builds(lambda verb, rest: verb + rest, SAID, REST))
def test_what_is_said_acts_on_this_task_only(said: str) -> None:
    """Whatever is said: no command, or one about the very task that it was said in, unless it names one."""
    command = in_task(said, "T-12")
    if command is None:
        return
    with contextlib.suppress(UserMistake):
        parsed = grammar.parse(command, 40_000)
        assert parsed.name.startswith("task ")
        meant = about(said) or "T-12"  # so that a door can look first
        assert meant in (parsed.arguments.get("task"), parsed.arguments.get("question"))


def test_a_key_behind_the_verb_counts_instead() -> None:
    """Whoever names another question or task means that one, as where several wait for an answer."""
    assert in_task("approve A-17", "T-12", IN_MAIL) == "task approve A-17"
    assert in_task("deny a-17: too broad", "T-12", IN_MAIL) == "task deny a-17 too broad"
    assert in_task("deny: A-17 too broad", "A-1", IN_MAIL) == "task deny A-17 too broad"
    assert in_task("cancel T-13.", "T-12") == "task cancel T-13"
    assert in_task("approve A-17 and all the others", "T-12") is None
