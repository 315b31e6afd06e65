"""What people ask the bot in their own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack import asks

ANYWHERE = {
    "agent list": "agent list",
    "/agent list": "/agent list",
    "!agent list": "agent list",
    "agent asign @coder x": "agent asign @coder x",
    "help": "help",
    "help agent assign": "help agent assign",
    "help?": "help",
    "help me with the tests": None,
    "list": "task list",
    "tasks": "task list",
    "agents": "agent list",
    "list all files": None,
    "assign @coder fix it": "agent assign @coder fix it",
    "assign @coder": "agent assign @coder",
    "show T-12": "task show T-12",
    "status t-12?": "task show t-12",
    "stop T-12": "task cancel T-12",
    "approve A-17": "task approve A-17",
    "deny T-12 too broad": "task deny T-12 too broad",
    "assign T-12 @analyst": "task assign T-12 @analyst",
    "show me the logs": None,
    "show T-12's files": None,
    "run the tests": None,
    "cancel": None,
    "@coder fix it": None,
    "": None,
}
IN_THREAD = {
    "cancel": "task cancel T-5",
    "status": "task show T-5",
    "deny too broad": "task deny T-5 too broad",
    "deny T-12 too broad": "task deny T-12 too broad",
    "approve A-17": "task approve A-17",
    "assign @analyst": "task assign T-5 @analyst",
    "assign @analyst look at it too": "agent assign @analyst look at it too",
    "nice work": None,
    "approve of that": None,
    "list the files you changed": None,
    "help": "help",
    "agent list": "agent list",
}


@pytest.mark.parametrize(("said", "command"), ANYWHERE.items())
def test_only_what_is_plainly_a_command_is_one(said: str, command: str | None) -> None:
    """A command with or without its group is understood; words for an agent are left to it."""
    assert asks.command(said) == command


@pytest.mark.parametrize(("said", "command"), IN_THREAD.items())
def test_a_verb_in_a_tasks_thread_is_about_that_task(said: str, command: str | None) -> None:
    """A verb alone means the thread's task, one with a key the task or approval of that key."""
    assert asks.command(said, "T-5") == command


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("@coder fix it", "coder"),
        ("@Coder: fix it", "coder"),
        ("@coder", "coder"),
        ("x @coder y", ""),
        ("@ x", ""),
    ],
)
def test_an_agent_is_named_first(said: str, name: str) -> None:
    """What begins with `@name` is for the agent of that name."""
    assert asks.agent(said) == name


@given(st.text() | st.text(st.sampled_from("assignhelp T-1A@!/ \n")))
def test_no_text_breaks_it(said: str) -> None:
    """Whatever is said, it is a command or it is not."""
    for key in ("", "T-5"):
        command = asks.command(said, key)
        assert command is None or command.strip()
