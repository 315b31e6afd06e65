"""Commands in answers, as people can type them in Slack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import Reply
from handlers.slack import typed

SHOWN = {
    "`task approve A-1` or `task deny A-1 why`": "`/task approve A-1` or `/task deny A-1 why`",
    "`agent people link a@b CODE`": "`/agent people link a@b CODE`",
    "More: `help agent`, `help`": "More: `/agent help agent`, `@Legwork help`",
    "- `agent people` list": "- `/agent people` list",
    "`agent asign` is none": "`agent asign` is none",
    "`agents`, `task`": "`agents`, `/task`",
    "`/task list` `!cancel` `git push`": "`/task list` `!cancel` `git push`",
    "agent list, `x` task list": "agent list, `x` task list",
    "```\ntask list\n`task list`\n```": "```\ntask list\n`task list`\n```",
    "``task list``": "``task list``",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_a_command_in_a_code_span_gets_its_slash(text: str, shown: str) -> None:
    """Only a registered command or a group of them does, and only in a span of its own."""
    assert typed.shown(Reply(text)) == shown


def test_a_mistake_may_end_with_a_command() -> None:
    """What a mistake advises at its end becomes a span; what an answer ends with may be people's."""
    advice = "There is no task T-9 that you can see. Try: task list"
    assert typed.shown(Reply(advice, ok=False)).endswith("Try: `/task list`")
    assert typed.shown(Reply("**T-1** fix: task list")) == "**T-1** fix: task list"
    assert typed.shown(Reply("It is no agent: agent", ok=False)) == "It is no agent: agent"
    assert typed.shown(Reply("T-1 says: task of mine", ok=False)) == "T-1 says: task of mine"


@given(st.text("`agent tsklishow\n:", max_size=60))
def test_nothing_is_lost(text: str) -> None:
    """Whatever a text holds, slashes and the spans of advice are all that is added."""
    shown = typed.shown(Reply(text, ok=False))
    assert shown.replace("/", "").replace("`", "") == text.replace("`", "")
