"""The words that many commands take are read into one form, or answered with how they are written."""

import contextlib
from datetime import timedelta
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.commands import words
from bot.commands.registry import After, Arguments, Option, Word
from bot.commands.words import (
    Address,
    AgentName,
    BudgetWords,
    Duration,
    People,
    PersonRef,
    QuestionKey,
    TaskKey,
    WorkspaceName,
    YesNo,
)


class Every(Arguments):
    """A field of every kind."""

    agent: Annotated[AgentName, Word("@AGENT")] = ""
    task: Annotated[TaskKey, Word("T-N")] = ""
    question: Annotated[QuestionKey, Word("A-N")] = ""
    length: Annotated[Duration | None, After("for", "TIME")] = None
    address: Annotated[Address | None, Word("ADDRESS")] = None
    person: Annotated[PersonRef | None, Word("PERSON")] = None
    people: Annotated[People, Option("--approvers", "PERSON,…")] = ()
    answer: Annotated[YesNo | None, Option("--answer", "yes|no")] = None
    budget: Annotated[BudgetWords, Option("--budget", "BUDGET")] = ""
    place: Annotated[WorkspaceName | None, Option("--in", "WORKSPACE")] = None


def read(**field: object) -> object:
    """What a field is read into."""
    (name,) = field
    return getattr(Every.model_validate(field), name)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("agent", "@Coder:", "coder"),
        ("agent", "coder,", "coder"),
        ("agent", "<@U1|Coder>", "coder"),
        ("task", "t-12", "T-12"),
        ("task", "T012.", "T-12"),
        ("question", "a-17", "A-17"),
        ("question", "T-142:", "T-142"),
        ("length", "90s", timedelta(seconds=90)),
        ("length", "30m", timedelta(minutes=30)),
        ("length", "30min", timedelta(minutes=30)),
        ("length", "2H", timedelta(hours=2)),
        ("length", "1h30m", timedelta(hours=1, minutes=30)),
        ("length", "1d 12h", timedelta(hours=36)),
        ("length", "2w", timedelta(days=14)),
        ("address", "Mel@Example.org", "mel@example.org"),
        ("address", "<mailto:mel@example.org>", "mel@example.org"),
        ("person", "<@U1|mel>", PersonRef(slack="U1", name="mel")),
        ("person", "<@U1|Mel Stone>:", PersonRef(slack="U1", name="Mel Stone")),
        ("person", "<@U1>", PersonRef(slack="U1")),
        ("person", "@mel,", PersonRef(name="mel")),
        ("person", "Mel", PersonRef(name="Mel")),
        ("person", "Mel@example.org", PersonRef(address="mel@example.org")),
        ("people", "@mel, Dana@example.org,", (PersonRef(name="mel"), PersonRef(address="dana@example.org"))),
        ("people", "<@U1|Stone, Mel>,mel", (PersonRef(slack="U1", name="Stone, Mel"), PersonRef(name="mel"))),
        ("people", ["mel,ben", "mel"], (PersonRef(name="mel"), PersonRef(name="ben"))),
        ("people", "None", ()),
        ("answer", "Yes", True),
        ("answer", "off", False),
        ("answer", True, True),
        ("budget", "2usd,50steps,30m", "2usd,50steps,30m"),
        ("budget", "90m, 1step, $2.50", "2.5usd,1steps,1h30m"),
        ("budget", "10USD", "10usd"),
        ("budget", "0.05$", "0.05usd"),
        ("budget", "1d", "1d"),
        ("place", "Build-2", "build-2"),
        ("place", "T-12", "t-12"),
    ],
)
def test_each_word_has_one_form(field: str, text: object, value: object) -> None:
    """However people write it."""
    assert read(**{field: text}) == value


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("task", "12", "12 is no task: one is called like T-12"),
        ("task", "A-17", "A-17 is no task: one is called like T-12"),
        ("task", "T-\u0661", "is no task"),
        ("question", "Q-1", "Q-1 is no question or task: they are called like A-17, T-12"),
        ("length", "soon", "'soon' is no length of time: write it like 30m, 2h, 1d or 1h30m"),
        ("length", "", "'' is no length of time"),
        ("length", "30", "'30' is no length of time"),
        ("length", "1m1h", "'1m1h' is no length of time"),
        ("length", "\u0661h", "is no length of time"),
        ("length", "0s", "'0s' is not between 1s and 366d"),
        ("length", "367d", "'367d' is not between 1s and 366d"),
        ("address", "nobody", "'nobody' is no email address"),
        ("person", "@", "'@' names nobody: write @name or an address"),
        ("person", "a@b@c", "'a@b@c' is no email address"),
        ("people", ",".join(f"p{n}" for n in range(21)), "at most 20 people can be named"),
        ("people", "mel,@", "'@' names nobody"),
        ("people", 5, "people are named with commas between them"),
        ("answer", "maybe", "'maybe' is neither yes nor no"),
        ("budget", "2usd,", "'' is no part of a budget: write it like 2usd,50steps,30m"),
        ("budget", "2", "'2' is no part of a budget"),
        ("budget", "0usd", "a budget has more than 0 and at most 10,000 dollars"),
        ("budget", "99999steps", "a budget has more than 0 and at most 10,000 steps"),
        ("budget", "1usd,$2", "1usd and 2usd limit the same: keep one"),
        ("place", "../x", "'../x' names no workspace: letters, digits and hyphens, or a task like T-12"),
        ("place", "-x", "'-x' names no workspace"),
        ("place", "x" * 42, "names no workspace"),
    ],
)
def test_a_word_that_cannot_be_read_says_how_it_is_written(field: str, text: object, says: str) -> None:
    """The first thing that pydantic tells is our sentence, and names the field."""
    with pytest.raises(ValidationError) as error:
        read(**{field: text})
    first = error.value.errors()[0]
    assert first["loc"][0] == field
    assert says in first["msg"]


def test_a_person_is_shown_as_people_read_them() -> None:
    """By name where there is one."""
    for text, shown in [("<@U1|mel>", "@mel"), ("<@U1>", "@U1"), ("mel", "@mel"), ("A@b.org", "a@b.org")]:
        assert PersonRef.model_validate(text).shown == shown


@given(st.timedeltas(words.SHORTEST, words.LONGEST))
def test_a_length_is_written_as_it_is_read(length: timedelta) -> None:
    """What is written can be typed again; fractions of a second are left out."""
    assert words.duration(words.written(length)) == timedelta(seconds=int(length.total_seconds()))


@given(st.sampled_from(list(Every.model_fields)), st.text())
def test_any_word_is_read_or_answered(field: str, text: str) -> None:
    """Nothing but a sentence comes of what cannot be read, and what was read is read again as itself."""
    with contextlib.suppress(ValidationError):
        value = read(**{field: text})
        if isinstance(value, str):
            assert read(**{field: value}) == value
