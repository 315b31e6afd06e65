"""A mention opens a task, a thread steers it: once over signed HTTP, and once over a real websocket."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from bot.practice import Message, PracticeRoom
from bot.practice.model import Channel
from bot.practice.slack import BOT_USER
from config.settings import Settings
from tests.fakes.team import PATIENCE_S, Team, until

HELLO = "@Legwork @coder Say hello\n```sh\necho hello\n```"
HELD = "@Legwork @coder Hold on\n```sh\ntouch started; until [ -e go ]; do sleep 0.02; done; echo first\n```"
ASK = "@Legwork @coder Deploy\n```ask\nWhich branch?\n- main\n- dev\n```\n```sh\necho out goes $ANSWER\n```"
AT_ONCE_AND_OFTEN = (0.0, *(0.05 for _ in range(100)))


@pytest.fixture(params=["http", "socket"])
def settings(settings: Settings, room: PracticeRoom, request: pytest.FixtureRequest) -> Settings:
    """Slack reaches the bot over HTTP alone, or over a websocket alone."""
    if request.param == "http":
        return settings
    room.deliveries.mode = "socket"
    token, nothing = SecretStr(room.slack.app_token), SecretStr("")
    return settings.model_copy(update={"slack_app_token": token, "slack_signing_secret": nothing})


@pytest.fixture
async def team(team: Team) -> Team:
    """A team whose bot can be reached."""
    if team.house.settings.socket_mode:
        await team.room.wait_for(lambda: team.room.sockets.connections, PATIENCE_S)
    return team


async def at_work(team: Team, task_id: int = 1) -> None:
    """The first step of a held task is under way."""
    await until((team.workspace(task_id) / "started").exists)


def let_go(team: Team, task_id: int = 1) -> None:
    """Let it end."""
    (team.workspace(task_id) / "go").touch()


async def with_report(team: Team, channel: str, ts: str) -> list[Message]:
    """A message's thread, once the PDF is in it."""
    thread = team.room.slack.thread
    await team.room.wait_for(lambda: thread(channel, ts)[-1].files, PATIENCE_S)
    return thread(channel, ts)


def outputs(shown: dict[str, Any]) -> list[str]:
    """What each step printed."""
    return [step["output"] for step in shown["steps"]]


async def test_a_mention_is_answered_in_its_own_thread(team: Team) -> None:
    """Progress, result and PDF come as replies to the mention; the channel itself hears nothing more."""
    said = await team.room.say(HELLO)
    assert [one.error for one in said.deliveries] == ["", ""]
    thread = await with_report(team, "general", said.ts)
    assert thread[0].user == "U0ALICE"
    assert thread[1].text == "T-1 Say hello"
    assert thread[0].reactions == {"eyes": [BOT_USER]}
    assert "T-1 is done" in thread[-2].text
    assert "hello" in str(thread[-2].blocks)
    assert [file.name for file in thread[-1].files] == ["T-1-report.pdf"]
    assert team.room.slack.history("general") == thread[:1]
    assert not team.room.slack.ephemerals()


async def test_a_direct_message_is_a_task(team: Team) -> None:
    """In a direct message nobody needs to be mentioned but the agent; it is a thread there."""
    said = await team.room.say("@coder Say hello\n```sh\necho hello\n```", user="bob", channel="@Legwork")
    thread = await with_report(team, said.channel, said.ts)
    assert "T-1 is done" in thread[-2].text
    assert not team.room.slack.history("general")


async def test_what_is_said_in_the_thread_reaches_the_agent(team: Team) -> None:
    """A reply while it works is heeded at its next turn: a fenced block becomes a further step."""
    root = (await team.room.say(HELD)).ts
    await at_work(team)
    await team.room.say("And then\n```sh\necho second\n```", user="bob", thread_ts=root)
    await team.room.say("!nice work", user="bob", thread_ts=root)
    let_go(team)
    shown = await team.settled("done")
    assert outputs(shown) == ["first\n", "second\n"]
    told = await team.told()
    assert [fact.text.partition("\n")[0] for fact in told] == ["And then", "!nice work"]


async def test_a_plain_reply_answers_the_agents_question(team: Team) -> None:
    """The task waits for a word, any reply in its thread is one; the question shows it, without buttons."""
    root = (await team.room.say(ASK)).ts
    asked = await team.message("@coder asks: Which branch?", root)
    assert "button" in str(asked.blocks)
    await team.settled("waiting")
    await team.room.say("release, please", user="bob", thread_ts=root)
    assert outputs(await team.settled("done"))[-1] == "out goes release, please\n"
    await team.room.wait_for(lambda: "release, please" in str(asked.blocks), PATIENCE_S)
    assert "button" not in str(asked.blocks)


async def test_a_button_answers_it_too(team: Team) -> None:
    """An offered answer is a button, which says its own words."""
    root = (await team.room.say(ASK)).ts
    asked = await team.message("@coder asks: Which branch?", root)
    assert (await team.room.press(asked.ts, "dev", user="bob")).error == ""
    assert outputs(await team.settled("done"))[-1] == "out goes dev\n"


async def test_verbs_in_the_thread(team: Team) -> None:
    """`!status` is answered in the thread, `!cancel` stops the task: its command is dead, nothing follows."""
    root = (await team.room.say(HELD)).ts
    await at_work(team)
    await team.room.say("!status", user="bob", thread_ts=root)
    await team.message("Running for", root)
    await team.room.say("!cancel", user="bob", thread_ts=root)
    thread = await with_report(team, "general", root)
    assert any("T-1 is cancelled" in message.text for message in thread)
    let_go(team)
    shown = (await team.does("task show T-1")).data
    assert (shown["state"], outputs(shown)) == ("cancelled", [""])
    assert not await team.told()


async def test_nobody_elsewhere_sees_a_private_channels_task(team: Team) -> None:
    """Who is in no private channel learns nothing of its tasks, by whatever they ask; its asker does."""
    slack = team.room.slack
    slack.channels["C0SECRET"] = Channel("C0SECRET", "secret", "", {"U0ALICE", BOT_USER}, type="group")
    root = (await team.room.say(HELD.replace("Hold on", "Merger"), channel="secret")).ts
    await at_work(team)
    for words in (
        "task show T-1",
        "task cancel T-1",
        "task say T-1 hi",
        "task find Merger",
        "task watch T-1",
    ):
        answer = (await team.types(f"/{words}", user="bob")).json()["text"]
        assert "Merger" not in answer
        assert "that you can see" in answer
    await team.room.say("@Legwork show T-1", user="bob")
    await team.note("There is no task T-1 that you can see", "bob")
    assert "Merger" not in (await team.types("/task list", user="bob")).json()["text"]
    assert "Merger" in (await team.types("/task list")).json()["text"]
    let_go(team)
    await with_report(team, "secret", root)
    assert "Merger" not in str(team.threads())


async def test_an_event_that_comes_again_acts_once(team: Team) -> None:
    """Slack sends twice what it had no answer for: one task, one further step, one cancel."""
    said = await team.room.say(HELD)
    await at_work(team)
    more = await team.room.say("```sh\necho second\n```", thread_ts=said.ts)
    events = [one.event_id for one in (*said.deliveries, *more.deliveries)]
    again = await asyncio.gather(*(team.room.redeliver(event_id) for event_id in events * 2))
    assert {one.error for one in again} == {""}
    let_go(team)
    assert outputs(await team.settled("done")) == ["first\n", "second\n"]
    assert len(await team.told()) == 1
    assert len((await team.does("task list")).data["tasks"]) == 1


@pytest.mark.parametrize("settings", ["socket"], indirect=True)
@pytest.mark.parametrize("how", ["refresh", "break"])
async def test_a_new_connection_in_mid_task_loses_and_doubles_nothing(team: Team, how: str) -> None:
    """What is said while Slack renews the connection, or the network breaks, is heard once."""
    room = team.room
    room.talk.retry_after_s = AT_ONCE_AND_OFTEN
    root = (await room.say(HELD)).ts
    await at_work(team)
    first = room.sockets.connections[0]

    async def new_connection() -> None:
        if how == "refresh":
            await room.sockets.disconnect("refresh_requested")
        else:
            room.sockets.drop()

    words = [f"```sh\necho {number}\n```" for number in range(4)]
    await asyncio.gather(new_connection(), *(room.say(text, thread_ts=root) for text in words))
    await room.wait_for(lambda: any(one is not first for one in room.sockets.connections), PATIENCE_S)

    async def all_heard() -> bool:
        return len(await team.told()) == len(words)

    await team.comes_true(all_heard)
    await asyncio.gather(*(room.redeliver(event_id) for event_id in list(room.talk.sent)))
    let_go(team)
    shown = await team.settled("done")
    assert sorted(outputs(shown)) == ["0\n", "1\n", "2\n", "3\n", "first\n"]
    await with_report(team, "general", root)
    assert sum("T-1 is done" in message.text for message in room.slack.thread("general", root)) == 1
