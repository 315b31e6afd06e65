"""Questions and approvals in Slack, with a whole bot: who answers what, and what becomes of an old button."""

import copy

import pytest

from bot import stream
from bot.events import TaskFinished
from bot.practice import Message
from bot.stream import bell
from config.settings import Settings
from storage import database
from storage.tables import Subscriptions, Tasks
from tests.fakes.team import PATIENCE_S, Team
from tests.handlers.slack.talk import rows, told

TWO_QUESTIONS = """/agent assign @coder Deploy
```ask
Deploy to staging?
- yes
- no
```
```ask
Deploy to production?
- yes
- no
```
```sh
echo "production: $ANSWER"
```"""
LIST = "/agent assign @coder Look\n```sh\nls\n```"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody in Slack is an admin."""
    return settings.model_copy(update={"admins": ("local",)})


async def with_buttons(team: Team, saying: str, channel: str = "general") -> Message:
    """The message that has buttons and says this, once there is one."""

    def there() -> Message | None:
        said = (message for thread in team.threads(channel) for message in thread)
        return next((m for m in said if saying in str(m.blocks) and "'button'" in str(m.blocks)), None)

    found = await team.room.wait_for(there, PATIENCE_S)
    assert found
    return found


async def test_a_press_on_a_closed_question_answers_nothing(team: Team) -> None:
    """Who presses a button that was answered is told so alone, and the next question stays open."""
    await team.types(TWO_QUESTIONS)
    first = await with_buttons(team, "staging")
    stale = copy.deepcopy(first.blocks)
    await team.room.press(first.ts, "yes", user="alice")
    second = await with_buttons(team, "production")
    first.blocks, now_shown = stale, first.blocks
    await team.room.press(first.ts, "yes", user="bob")
    first.blocks = now_shown
    note = await team.note("alice answered that", "bob")
    assert "The first answer counts" in note.text
    assert await told() == ["yes"]
    await team.room.press(second.ts, "no", user="bob")
    assert "production: no" in (await team.settled("done"))["steps"][-1]["output"]


async def test_approve_alone_decides_nothing(team: Team) -> None:
    """`!approve` decides on what was read: without its name it is answered with it, privately."""
    await team.does('agent tools ask coder terminal "*"')
    await team.types(LIST)
    asked = await with_buttons(team, "A-1")
    for text in ("!approve", "@Legwork approve"):
        await team.room.say(text, user="bob", thread_ts=asked.thread_ts)
    await team.note("T-1 waits for A-1", "bob")
    assert (await team.does("task show T-1")).data["approvals"][0]["state"] == "open"
    await team.room.say("!approve A-1", user="bob", thread_ts=asked.thread_ts)
    assert (await team.settled("done"))["approvals"][0]["by"] == "bob"


@pytest.mark.parametrize("reason", ["--force is too dangerous", "— bad idea", "-- no"])
async def test_a_reason_may_begin_with_dashes(team: Team, reason: str) -> None:
    """What is entered in the box is the reason as it stands, and the result does not say it twice."""
    await team.does('agent tools ask coder terminal "*"')
    await team.types(LIST)
    asked = await with_buttons(team, "A-1")
    await team.room.press(asked.ts, "Deny", user="bob")
    await team.room.wait_for(lambda: team.room.slack.views_of("bob"), PATIENCE_S)
    assert (await team.room.submit({"text": reason}, user="bob")).errors == {}
    assert (await team.settled("failed"))["approvals"][0]["note"] == reason
    result = await team.message("has failed")
    assert str(result.blocks).count(reason) == 1


async def test_a_named_approver_decides_in_a_direct_message(team: Team) -> None:
    """Who cannot be reached in the channel gets buttons that work, and is told where the thread is."""
    await team.room.command("/agent", "list", user="bob")
    team.room.slack.channels["C0DEPLOYS"].members.discard("U0BOB")
    assert (await team.does("agent edit coder --approvers @bob")).ok
    await team.does('agent tools ask coder terminal "*"')
    await team.room.command("/agent", LIST.removeprefix("/agent "), channel="deploys")
    alone = team.room.slack.direct(team.room.slack.user("bob")).id
    asked = await with_buttons(team, "A-1", alone)
    assert "<@U0BOB>" in str(asked.blocks)
    assert "The thread of T-1 is in <#C0DEPLOYS>." in str(asked.blocks)
    there = await with_buttons(team, "A-1", "deploys")
    assert "The thread of" not in str(there.blocks)
    answer = await team.room.press(asked.ts, "Approve", user="bob", channel=alone)
    assert answer.error == ""
    assert (await team.settled("done"))["approvals"][0]["by"] == "bob"
    await team.room.wait_for(lambda: "Approved by bob" in str(asked.blocks), PATIENCE_S)
    assert "The thread of T-1" in str(asked.blocks)


async def test_a_file_begins_no_thread(team: Team) -> None:
    """Where the first that somebody hears of a task is its PDF, what follows is told all the same."""
    await team.types(LIST)
    await team.settled("done")
    await team.thread_with_report()
    alone = team.room.slack.direct(team.room.slack.user("bob")).id
    await team.types("/task watch T-1", user="bob")

    def rewind() -> None:
        events = stream.replay(Tasks.get().stream_id)
        ended = next(event.seq for event in events if isinstance(event.fact, TaskFinished))
        Subscriptions.update(cursor=ended).where(Subscriptions.address == "U0BOB").execute()

    await database.run(rewind)
    bell.ring()
    await team.room.wait_for(lambda: team.room.slack.history(alone), PATIENCE_S)
    await team.types("/task retry T-1")
    await team.room.wait_for(lambda: len(team.room.slack.history(alone)) > 1, PATIENCE_S)

    async def placed() -> bool:
        thread = await rows(lambda: Subscriptions.get(Subscriptions.address == "U0BOB").thread)
        return thread.startswith(f"{alone}:")

    await team.comes_true(placed)
