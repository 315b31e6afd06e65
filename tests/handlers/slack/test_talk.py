"""What people say to the bot in channels, threads and direct messages."""

import asyncio

import pytest

from bot import stream
from storage import database, discussions
from storage.tables import Agents, Discussions, Inbox, Subscriptions, Tasks
from tests.fakes.team import Team
from tests.handlers.slack.talk import effects, event, kept, noted, post, rows, states, tasks_now, told

HELLO = "@Legwork assign @coder Say hello"


async def opened(team: Team, text: str = HELLO, channel: str = "general") -> str:
    """The thread of a task that alice opened by a mention."""
    said = await team.room.say(text, channel=channel)
    assert [one.status_code for one in said.deliveries] == [200] * len(said.deliveries)
    return said.ts


async def default_agent(channel: str = "C0GENERAL") -> None:
    """@analyst takes what is said to nobody in particular."""

    def change() -> None:
        place = discussions.ensure("slack", channel, private=False)
        discussions.change(place.id, agent=Agents.get(Agents.name == "analyst"))

    await database.run(change)


async def test_a_mention_opens_a_task_in_its_thread(desk: Team) -> None:
    """`@Legwork assign …` acts once although Slack tells of it twice; the task lives below it, unrepeated."""
    said = await desk.room.say(HELLO)
    assert {one.event_type for one in said.deliveries} == {"message", "app_mention"}
    assert await tasks_now() == [("coder", "Say hello")]
    assert await rows(lambda: Subscriptions.get().thread) == f"C0GENERAL:{said.ts}"
    assert await noted() == []
    assert await kept() == [("alice", "assign @coder Say hello")]


@pytest.mark.parametrize(
    ("text", "agent", "wanted"),
    [
        ("@Legwork @coder fix the test", "coder", "fix the test"),
        ("@Legwork: @Coder: fix the test", "coder", "fix the test"),
        ("@coder fix the test @Legwork", "coder", "fix the test"),
        ("@Legwork fix the test", "analyst", "fix the test"),
        ("Please, @Legwork, fix the test", "analyst", "Please, fix the test"),
        ("@Legwork help me with the test", "analyst", "help me with the test"),
        ("@Legwork ask @bob", "analyst", "ask @U0BOB"),
        ("@Legwork a & b <c>", "analyst", "a & b <c>"),
    ],
)
async def test_words_for_an_agent_become_a_task(desk: Team, text: str, agent: str, wanted: str) -> None:
    """They are for the agent that is named first, else for the one of the channel."""
    await default_agent()
    await desk.room.say(text)
    assert await tasks_now() == [(agent, wanted)]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("@Legwork agent list", "**@coder**"),
        ("@Legwork list", "There are no tasks yet."),
        ("@Legwork help", "**What you can do**"),
        ("@Legwork", "**What you can do**"),
    ],
)
async def test_a_command_is_answered_in_the_thread_of_its_mention(desk: Team, text: str, answer: str) -> None:
    """What can be read by everybody is answered once, below what was said."""
    said = await desk.room.say(text)
    (note,) = await noted()
    assert answer in note.text
    assert (note.channel, note.thread, note.only_for) == ("C0GENERAL", said.ts, "")
    assert await tasks_now() == []


async def test_chatter_is_neither_kept_nor_noted(desk: Team) -> None:
    """What is not for the bot leaves nothing behind, not even that it came."""
    root = await desk.room.say("good morning")
    await desk.room.say("morning!", user="bob", thread_ts=root.ts)
    assert await effects() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    ["> @Legwork assign @coder x", "`@Legwork assign @coder x`", "```\n@Legwork assign @coder x\n```"],
)
async def test_a_quoted_mention_is_no_mention(desk: Team, text: str) -> None:
    """What is quoted or shown as code is not said to the bot, although Slack calls it a mention."""
    quoted = text.replace("@Legwork", "<@U0LEGWORK>").replace("> ", "&gt; ")
    for number, kind in enumerate(("message", "app_mention")):
        assert (await post(desk, event(f"Ev{number}", type=kind, text=quoted)))[0] == 200
    assert await effects() == (0, 0, 0, 0)


async def test_a_direct_message_needs_no_mention(desk: Team) -> None:
    """What is said to the bot alone is a command or a task, private, and answered there."""
    await desk.room.say("agent list", channel="@Legwork")
    said = await desk.room.say("@coder fix my test", channel="@Legwork")
    assert "**@coder**" in (await noted())[0].text
    assert await tasks_now() == [("coder", "fix my test")]
    place = await rows(Discussions.get)
    assert place.private
    assert place.place.startswith("D")
    assert await rows(lambda: Subscriptions.get().thread) == f"{place.place}:{said.ts}"
    assert "T-1" not in (await desk.types("/task list", user="bob")).json()["text"]


async def test_talk_in_a_tasks_thread_is_said_to_the_agent(desk: Team) -> None:
    """Whoever talks there talks to the agent, `!nice work` as well; the thread shows it already."""
    root = await opened(desk)
    await desk.room.say("use python 3.12", user="bob", thread_ts=root)
    await desk.room.say("!nice work", thread_ts=root)
    await desk.room.say("--force, please", thread_ts=root)
    await desk.room.say("@Legwork look at the docs, too", thread_ts=root)
    assert await told() == ["use python 3.12", "!nice work", "--force, please", "look at the docs, too"]
    assert await noted() == []
    assert len(await kept()) == 5


@pytest.mark.parametrize("text", ["!cancel", "!stop", "@Legwork cancel", "@Legwork !cancel"])
async def test_a_verb_in_a_tasks_thread_acts_on_the_task(desk: Team, text: str) -> None:
    """`!verb`, or a verb after a mention, is a command about the thread's task."""
    root = await opened(desk)
    await desk.room.say(text, thread_ts=root)
    assert await states() == ["cancelled"]
    assert await told() == []
    assert await noted() == []


async def test_a_mention_alone_asks_how_the_task_stands(desk: Team) -> None:
    """`@Legwork` and nothing else, in a task's thread, shows the task."""
    root = await opened(desk)
    await desk.room.say("@Legwork", thread_ts=root)
    assert "Say hello" in (await noted())[0].text


async def test_a_command_about_another_task_is_answered(desk: Team) -> None:
    """What another thread shows is said here, too."""
    await opened(desk)
    root = await opened(desk)
    await desk.room.say("@Legwork cancel T-1", thread_ts=root)
    assert await states() == ["cancelled", "queued"]
    (note,) = await noted()
    assert "**T-1** is cancelled" in note.text


async def test_a_task_that_is_over_hears_no_talk(desk: Team) -> None:
    """Thanks are kept and not answered; a mention and a verb are answered, and can begin it anew."""
    root = await opened(desk)
    await desk.room.say("!cancel", thread_ts=root)
    await desk.room.say("thanks!", thread_ts=root)
    assert await noted() == []
    await desk.room.say("@Legwork one more thing", thread_ts=root)
    assert "T-1 is over" in (await noted())[0].text
    await desk.room.say("!show", thread_ts=root)
    assert "Say hello" in (await noted())[1].text
    await desk.room.say("!retry", thread_ts=root)
    assert await states() == ["queued"]
    assert await told() == []
    assert "thanks!" in [text for _, text in await kept()]


async def test_a_second_task_in_a_thread_takes_it_over(desk: Team) -> None:
    """`assign @agent …` in a thread whose task is over opens another there, and talk is for that one."""
    root = await opened(desk)
    await desk.room.say("!cancel", thread_ts=root)
    await desk.room.say("@Legwork assign @analyst count the words", thread_ts=root)
    await desk.room.say("only long ones", thread_ts=root)
    assert await tasks_now() == [("coder", "Say hello"), ("analyst", "count the words")]
    assert await told(2) == ["only long ones"]


async def test_a_redelivery_acts_once(desk: Team) -> None:
    """A retry, for whatever reason, is acked and changes nothing."""
    said = await desk.room.say(HELLO)
    before = await effects()
    for delivered in said.deliveries:
        again = await desk.room.redeliver(delivered.event_id)
        assert (again.status_code, again.attempts) == (200, 2)
    assert await effects() == before


async def test_many_deliveries_at_once_act_once(desk: Team) -> None:
    """Twenty that come at the same time, by either name, are one."""
    bodies = [
        event(f"Ev{n // 2}", type=("message", "app_mention")[n % 2], text="<@U0LEGWORK> assign @coder x")
        for n in range(20)
    ]
    answers = await asyncio.gather(*(post(desk, body) for body in bodies))
    assert {status for status, _ in answers} == {200}
    assert await tasks_now() == [("coder", "x")]


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B1"},
        {"user": "U0LEGWORK"},
        {"user": ""},
        {"subtype": "channel_join"},
        {"subtype": "bot_message", "bot_id": "B1", "user": None},
        {"user_team": "T0ELSEWHERE"},
    ],
)
async def test_who_is_not_of_the_team_is_passed_over(desk: Team, fields: dict[str, object]) -> None:
    """Bots, the bot itself, notices, and people of other companies in shared channels are not heard."""
    assert (await post(desk, event(**fields)))[0] == 200
    assert await effects() == (0, 0, 0, 0)


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
async def test_files_and_broadcasts_are_heard(desk: Team, subtype: str) -> None:
    """What comes with a file, or is shown in the channel as well, is said like anything else."""
    assert (await post(desk, event(subtype=subtype)))[0] == 200
    assert len(await noted()) == 1


async def test_the_bot_does_not_hear_itself(team: Team) -> None:
    """The bot's own posts come as events, too, and none of them is taken for talk."""
    team.room.talk.own_messages = True
    root = await opened(team, "@Legwork assign @coder Say\n```sh\necho hello\n```")
    await team.room.wait_for(lambda: [m for m in team.room.slack.thread("general", root) if m.files], 30)
    assert await told() == []


async def test_how_private_a_place_is(desk: Team) -> None:
    """A mention does not tell; until a message does the place counts as private, and it is kept up with."""
    mention = event("Ev1", type="app_mention", channel_type="", text="<@U0LEGWORK> assign @coder plan")
    await post(desk, mention)
    assert "plan" not in (await desk.types("/task list", user="bob", channel="deploys")).json()["text"]
    await post(desk, event("Ev2", text="just chatter", ts="1700000001.000100"))
    assert "plan" in (await desk.types("/task list", user="bob", channel="deploys")).json()["text"]
    await post(desk, event("Ev3", text="more", ts="1700000002.000100", channel_type="group"))
    assert "plan" not in (await desk.types("/task list", user="bob", channel="deploys")).json()["text"]
    assert len(await kept()) == 1


async def test_a_new_task_sees_what_was_said_before_it(desk: Team) -> None:
    """The discussion's last messages go with a task, and not the one that opens it."""
    await desk.room.say("@Legwork list")
    await opened(desk)
    context = await rows(_context)
    assert context == ["list"]


def _context() -> list[str]:
    return [one.text for one in stream.replay(Tasks.get().stream_id)[0].fact.context]


async def test_a_full_disk_loses_nothing(desk: Team) -> None:
    """Where the database cannot take an event the answer is 500 and nothing is noted; the redelivery acts."""

    def limit(pages: int) -> None:
        database.proxy.execute_sql(f"PRAGMA max_page_count = {pages}")

    await desk.room.say("@Legwork list")
    before = await effects()
    await database.at_once(lambda: limit(1))
    long = event("Ev9", text="<@U0LEGWORK> assign @coder " + "x" * 15_000)
    assert (await post(desk, long))[0] == 500
    await database.at_once(lambda: limit(1_000_000))
    assert await effects() == before
    retried = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_error"}
    assert (await post(desk, long, **retried))[0] == 200
    assert len(await tasks_now()) == 1


async def test_what_was_heard_before_is_not_heard_again(desk: Team) -> None:
    """An old message whose ids are forgotten, and that Slack tells of again, opens no second task."""
    await post(desk, event("Ev1", text="<@U0LEGWORK> assign @coder x"))
    await database.run(lambda: Inbox.delete().execute())
    await post(desk, event("Ev2", type="app_mention", text="<@U0LEGWORK> assign @coder y", channel_type=""))
    assert await tasks_now() == [("coder", "x")]
