"""Runbooks as they are declared: what they take, and what is wrong with a bad one."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.errors import UserMistake
from bot.runbooks import Parameter, Runbook, from_row, to_row
from storage import database, runbooks

DISK: dict[str, Any] = {
    "name": "disk-report",
    "about": "Shows what fills a folder.",
    "agent": "coder",
    "text": "Look at {{path}}\n```sh\ndu -d {{depth}} -- {{path}}\n```\n",
    "parameters": [
        {"name": "path", "about": "The folder."},
        {"name": "depth", "type": "integer", "default": 2, "min": 0, "max": 9},
    ],
}
CHOICE = {"name": "path", "type": "choice", "choices": ["a"]}
USAGE = "Usage: `agent run disk-report path=TEXT [depth=2]`"


def disk(**changes: Any) -> Runbook:
    return Runbook.model_validate({**DISK, **changes})


def test_a_runbook_is_filled_with_values_and_defaults() -> None:
    """What is not given is as the configuration has it."""
    assert disk().filled({"path": "/var/my log"}) == (
        "Look at /var/my log\n```sh\ndu -d 2 -- '/var/my log'\n```\n"
    )
    assert "du -d 0 " in disk().filled({"path": "x", "depth": "0"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "path= is missing."),
        ({"depth": "1"}, "path= is missing."),
        ({"path": "x", "deep": "1"}, "disk-report takes path, depth, and no deep."),
        ({"path": "x", "depth": "10"}, "depth= cannot be used: input should be less than or equal to 9."),
        ({"path": "x", "depth": ""}, "depth= cannot be used: input should be a valid integer, unable to"),
        ({"path": "-x"}, "path= cannot be used: it must not begin with a hyphen."),
        ({"path": "a\nb"}, "path= cannot be used: it takes one line without control characters."),
    ],
)
def test_a_wrong_value_is_answered_with_the_usage(given: dict[str, str], says: str) -> None:
    """What is missing, unknown or of another type is a sentence."""
    with pytest.raises(UserMistake) as mistake:
        disk().filled(given)
    assert str(mistake.value).startswith(says)
    assert str(mistake.value).endswith(USAGE)


def test_a_runbook_may_take_nothing() -> None:
    """Then whatever is given is too much."""
    plain = disk(text="```sh\nuptime\n```", parameters=[])
    assert plain.usage == "agent run disk-report"
    assert plain.filled({}) == "```sh\nuptime\n```"
    with pytest.raises(UserMistake, match="takes no parameters, and so no path"):
        plain.filled({"path": "x"})


@pytest.mark.parametrize(
    ("declaration", "text", "value"),
    [
        ({"type": "text"}, "a b", "a b"),
        ({"type": "text", "pattern": "-?a+|b"}, "-aa", "-aa"),
        ({"type": "integer"}, "-5", -5),
        ({"type": "number"}, "2.50", 2.5),
        ({"type": "boolean"}, "YES", True),
        ({"type": "boolean"}, "off", False),
        ({"type": "choice", "choices": ["a b", "c"]}, "a b", "a b"),
        ({"type": "date"}, "2026-11-21", "2026-11-21"),
    ],
)
def test_values_are_typed(declaration: dict[str, Any], text: str, value: object) -> None:
    """A line of text is read as what the parameter says."""
    read = Parameter(name="x", **declaration).read(text)
    assert (str(read) if declaration["type"] == "date" else read) == value


@pytest.mark.parametrize(
    ("declaration", "text"),
    [
        ({"type": "text", "pattern": "a+|b"}, "xb"),
        ({"type": "text", "pattern": "a+|b"}, "b\n"),
        ({"type": "text", "max": 3}, "abcd"),
        ({"type": "text", "min": 1}, ""),
        ({"type": "text"}, "x" * 1001),
        ({"type": "text"}, "a\u2028b"),
        ({"type": "text"}, "a\0b"),
        ({"type": "integer"}, "2.5"),
        ({"type": "integer"}, "1" * 5000),
        ({"type": "number"}, "nan"),
        ({"type": "number"}, "1e999"),
        ({"type": "boolean"}, "perhaps"),
        ({"type": "choice", "choices": ["a", "b"]}, "A"),
        ({"type": "date"}, "21.11.2026"),
        ({"type": "date"}, "86400"),
    ],
)
def test_what_is_of_another_type_is_refused(declaration: dict[str, Any], text: str) -> None:
    """In a clause that fits a sentence."""
    with pytest.raises(ValueError, match=r"^[a-z]") as refusal:
        Parameter(name="x", **declaration).read(text)
    assert "\n" not in str(refusal.value)


BAD: dict[str, dict[str, Any]] = {
    "String should match pattern": {"name": "Disk Report"},
    "no parameter of that name": {"parameters": []},
    "two of its parameters have one name": {"parameters": [{"name": "path"}] * 2},
    "choices belong to the type choice": {"parameters": [{"name": "path", "type": "choice"}]},
    "a pattern belongs to the type text": {
        "parameters": [{"name": "path", "type": "date", "pattern": "x"}],
    },
    "the pattern ( cannot be read": {"parameters": [{"name": "path", "pattern": "("}]},
    "min and max belong to": {"parameters": [{"name": "path", "type": "boolean", "min": 1}]},
    "the default: input should be a valid integer": {
        "parameters": [{"name": "path", "type": "integer", "default": "many"}],
    },
    "Extra inputs are not permitted": {
        "parameters": [{"name": "path", "colour": "red"}],
    },
    "stands inside quotes": {"text": '```sh\necho "{{path}}"\n```'},
    "stands inside a string": {"text": "```python\nprint('{{path}}')\n```"},
    "a block of Python cannot be read": {"text": "```python\nprint({{path}}\n```"},
}


@pytest.mark.parametrize(("says", "changes"), BAD.items())
def test_a_bad_runbook_is_refused_at_the_start(says: str, changes: dict[str, Any]) -> None:
    """Whoever wrote it is told what is wrong."""
    with pytest.raises(ValidationError) as refusal:
        disk(**changes)
    assert says in refusal.value.errors()[0]["msg"]


@pytest.mark.usefixtures("core")
async def test_rows_hold_all_of_it() -> None:
    """What was stored is what was declared; what the configuration dropped is gone."""
    other = disk(name="other", parameters=[{**CHOICE, "default": "a"}], text="{{path}}")

    def act() -> None:
        for kept in ([disk(), other], [other], [other]):
            runbooks.sync(map(to_row, kept))
            assert [from_row(row) for row in runbooks.every()] == kept
        assert runbooks.find("disk-report") is None
        found = runbooks.find("other")
        assert found is not None
        assert from_row(found).usage == "agent run other [path=a]"

    await database.run(act)
