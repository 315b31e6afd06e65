"""Telling people while far ends misbehave: nothing is lost, nobody else is disturbed."""

from bot.practice import PracticeRoom
from storage import database
from storage.tables import Deliveries, Events
from tests.fakes.team import Team

HELLO = "Say hello\n```sh\necho hello\n```"


def posts(room: PracticeRoom) -> list[bool]:
    return [call.ok for call in room.slack.calls_of("chat.postMessage")]


async def test_a_rate_limit_is_obeyed(team: Team) -> None:
    """When Slack answers `ratelimited`, the message waits as long as it says, and then is there once."""
    team.room.slack.fail("chat.postMessage", error="ratelimited", retry_after=1, times=2)
    await team.types(f"/agent assign @coder {HELLO}")
    thread = await team.thread_with_report()
    assert len(thread) == 3
    assert posts(team.room) == [False, False, True, True]
    calls = [call.at for call in team.room.slack.calls_of("chat.postMessage")]
    assert min(calls[1] - calls[0], calls[2] - calls[1]) > 0.95


async def test_a_broken_answer_does_not_double_a_post(team: Team) -> None:
    """A post whose answer was lost is looked up by its metadata and not sent again."""
    team.room.slack.fail("chat.postMessage", how="close", acted=True, times=2)
    team.room.slack.fail("files.completeUploadExternal", how="close", acted=True)
    await team.types(f"/agent assign @coder {HELLO}")
    thread = await team.thread_with_report()
    await settled()
    assert len(team.threads()) == 1
    assert len(team.threads()[0]) == len(thread) == 3


async def test_a_server_error_is_tried_again(team: Team) -> None:
    """HTTP 500 from Slack is a passing fault."""
    team.room.slack.fail("chat.postMessage", status=500)
    await team.types(f"/agent assign @coder {HELLO}")
    assert len(await team.thread_with_report()) == 3


async def test_a_mail_server_that_is_down_disturbs_nobody(team: Team) -> None:
    """With SMTP down the thread is complete all the same; the mail follows, once, when it is up."""
    await team.room.mailbox.stop()
    await team.types(f"/agent assign @coder --notify dana@example.org {HELLO}")
    await team.thread_with_report()
    await team.types(f"/agent assign @coder {HELLO}")
    await team.room.wait_for(lambda: len(team.threads()) == 2 and team.threads()[1][-1].files, 30)
    assert team.room.mailbox.letters == []
    await team.room.mailbox.start()
    await team.room.wait_for(lambda: team.room.mailbox.letters, 30)
    await settled()
    assert len(team.room.mailbox.letters) == 1
    assert await database.run(lambda: not any(row.maybe_twice for row in Deliveries.select()))


async def test_a_refused_recipient_is_a_dead_letter(team: Team) -> None:
    """A 550 is final: it is kept with its reason and told to the house, and others get their mail."""
    team.room.mailbox.fail("RCPT", code=550, text="5.1.1 No such user")
    await team.types(f"/agent assign @coder --notify gone@example.org --notify dana@example.org {HELLO}")
    await team.room.wait_for(lambda: team.room.mailbox.letters, 30)
    await settled()
    dead = await database.run(lambda: list(Deliveries.select().where(Deliveries.state == "dead")))
    assert len(dead) == 1
    assert "550 5.1.1 No such user" in dead[0].error
    house = await database.run(
        lambda: [bytes(row.body or b"") for row in Events.select().where(Events.stream == 1)]
    )
    assert b"DeliveryAbandoned" in house[-1]


async def test_a_channel_that_the_bot_is_not_in_does_not_hide_the_result(team: Team) -> None:
    """Where it cannot join, the thread is a direct message to whoever asked, and says how to mend it."""
    team.room.slack.channel("general").members.discard("U0LEGWORK")
    team.room.slack.fail("conversations.join", error="missing_scope", times=2)
    await team.types(f"/agent assign @coder {HELLO}")
    await team.room.wait_for(lambda: "D0ALICE" in team.room.slack.channels, 30)
    thread = await team.thread_with_report("D0ALICE")
    assert "invite" in str(thread[0].blocks).lower()
    assert "T-1 is done" in thread[1].text
    assert team.threads("general") == []


async def test_a_message_that_somebody_deleted_is_not_missed(team: Team) -> None:
    """Deleting the root while the task runs loses nothing of the result."""
    await team.types("/agent assign @coder Wait\n```sh\nuntil [ -e go ]; do sleep 0.05; done\n```")
    (root,) = await team.room.wait_for(lambda: team.room.slack.history("general"), 30)
    root.deleted = True
    (team.house.workspaces.path("t-1") / "go").touch()
    await team.room.wait_for(lambda: any(m.files for m in team.room.slack.messages), 30)
    assert any("T-1 is done" in message.text for message in team.room.slack.messages)


async def settled() -> None:
    """Wait until no message is under way."""
    while await database.run(lambda: Deliveries.select().where(Deliveries.state == "sending").count()):
        pass
