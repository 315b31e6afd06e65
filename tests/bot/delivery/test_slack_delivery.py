"""The thread of a task while Slack has bad days: complete, in order, each message once."""

import asyncio
import errno
import itertools
from typing import Any

import pytest

from bot.app.far_ends import slack_client
from bot.app.house import now
from bot.artifacts import Artifacts
from bot.delivery.outlet import Letter, Message, Recipient
from bot.delivery.reporter import Reporter
from bot.delivery.slack import SlackOutlet
from bot.events import ArtifactSaved, Event, TaskCancelled
from bot.reports.report import Report
from bot.stream import bell
from storage import database, tasks
from storage.tables import Tasks
from tests.fakes.team import PATIENCE_S, Team, until

HELLO = "Say hello\n```sh\necho hello\n```"
SLOW = "Wait\n```sh\nuntil [ -e go ]; do sleep 0.05; done\n```"


def texts(team: Team) -> list[str]:
    return [message.text for thread in team.threads() for message in thread]


@pytest.mark.parametrize("fault", [{"error": "ratelimited", "retry_after": 1}, {"status": 500}])
async def test_a_result_stands_whatever_becomes_of_the_root(team: Team, fault: dict[str, object]) -> None:
    """When the root cannot be changed at the end, the result is not posted again, and the root follows."""
    team.room.slack.fail("chat.update", **fault)  # type: ignore[arg-type]  # a dict of its own arguments
    await team.types(f"/agent assign @coder {HELLO}")
    (root, *_) = await team.thread_with_report()
    await team.room.wait_for(lambda: "done" in str(root.blocks), 30)
    assert [text for text in texts(team) if "is done" in text] == ["T-1 is done: Say hello"]


async def test_posts_take_turns_where_slack_limited_the_channel(team: Team) -> None:
    """After a rate limit the messages of a channel come more than a second apart, and all of them come."""
    slack = team.room.slack
    slack.fail("chat.postMessage", error="ratelimited", retry_after=1)
    await team.types(f"/agent assign @coder {SLOW}")
    await team.room.wait_for(lambda: slack.calls_of("chat.postMessage"), 30)
    for _ in range(2):
        await team.types(f"/agent assign @coder {SLOW}")
    await team.room.wait_for(lambda: len(slack.history("general")) == 3, 30)
    calls = slack.calls_of("chat.postMessage")
    assert [call.ok for call in calls][:1] == [False]
    assert min(later.at - sooner.at for sooner, later in itertools.pairwise(calls)) > 0.95


async def test_a_file_that_was_not_taken_is_sent_again(team: Team) -> None:
    """An upload address that answers 500 is a passing fault; the report is there once."""
    team.room.slack.fail("upload", status=500, times=3)
    await team.types(f"/agent assign @coder {HELLO}")
    await team.thread_with_report()
    assert texts(team) == ["T-1 Say hello", "T-1 is done: Say hello", ""]
    uploads = [call.at for call in team.room.slack.calls_of("upload")]
    waits = [later - sooner for sooner, later in itertools.pairwise(uploads)]
    assert len(uploads) == 4
    assert waits[2] > waits[0]


async def test_the_bot_joins_the_channel_that_it_was_asked_in(team: Team) -> None:
    """Where anybody may post but only a member may share files, the thread is whole, report and all."""
    slack = team.room.slack
    slack.public_write = True
    slack.channel("general").members.discard("U0LEGWORK")
    slack.fail("chat.postMessage", how="close", acted=True)
    await team.types(f"/agent assign @coder {HELLO}")
    assert len(await team.thread_with_report()) == 3
    assert len(team.threads()) == 1
    await team.types(f"/agent assign @coder {HELLO}")
    await team.room.wait_for(lambda: len(team.threads()) == 2, 30)
    assert [call.ok for call in slack.calls_of("conversations.join")] == [True]


async def test_a_revoked_token_loses_nothing(team: Team) -> None:
    """Whatever the token's trouble, the thread is whole once it is mended."""
    team.room.slack.fail("*", error="token_revoked", times=6)
    await team.types(f"/agent assign @coder {HELLO}")
    assert len(await team.thread_with_report()) == 3


async def test_only_edits_of_a_progress_message_are_spaced_out(team: Team) -> None:
    """Nothing is remembered of a root that was changed; what is of a progress message is soon forgotten."""
    outlet = SlackOutlet(slack_client(team.house.settings), team.house.artifacts, now)
    for number in range(50):
        report = Report(key="T-1", title="x", state="running")
        earlier = {"root": f"C0GENERAL:{number}", "progress": f"C0GENERAL:{number}.5"}
        event = Event(seq=1, at=now(), actor="x", fact=TaskCancelled(by="x"))
        to, message = Recipient(1, "C0GENERAL", "", ""), Message(1, "edit", 1, edits=("root", "progress"))
        await outlet.edit(Letter(message, to, report, event, earlier))
        assert 0 < outlet.wait_s(Letter(message, to, report, event, earlier)) <= 1
    assert set(outlet._edits._free_at) == {f"C0GENERAL:{number}.5" for number in range(50)}


async def test_a_report_that_cannot_be_kept_is_said_and_holds_up_nobody(team: Team) -> None:
    """The thread says that there is no PDF and what to do; the next task's report comes."""
    folder = team.house.artifacts.path("T-1", "x").parent
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    await team.types(f"/agent assign @coder --notify dana@example.org {HELLO}")
    await team.room.wait_for(lambda: "T-1 has no PDF" in texts(team), 30)
    assert "an admin can report this" in str(team.threads()[0][-1].blocks)
    await team.room.wait_for(lambda: team.room.mailbox.letters, 30)
    assert b"could not be drawn" in team.room.mailbox.letters[0].raw
    await team.types(f"/agent assign @coder {HELLO}")
    await team.thread_with_report()


class FullDisk(Artifacts):
    """A folder on a disk without room for the reports of some tasks."""

    no_room_for = ("T-1",)
    tried: tuple[str, ...] = ()

    def save(self, key: str, *args: Any) -> ArtifactSaved:
        """Fail as a full disk does."""
        self.tried += (key,)
        if key in self.no_room_for:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().save(key, *args)


async def test_a_full_disk_lets_others_go_first(desk: Team) -> None:
    """A report that finds no room is owed still, is not drawn over and over, and holds up nobody."""
    numbers = [await desk.assigned_in_slack(HELLO) for _ in range(2)]
    await database.run(lambda: [tasks.end(number, "cancelled", now()) for number in numbers])
    disk = FullDisk(desk.house.settings.home / "artifacts")
    reporting = asyncio.create_task(Reporter(disk, now).drive())
    try:
        await until(lambda: disk.tried == ("T-1", "T-2"))
        for _ in range(20):
            bell.ring()
            await database.run(lambda: None)
        assert disk.tried == ("T-1", "T-2")
        async with asyncio.timeout(PATIENCE_S):
            while await database.run(lambda: [task.report_due for task in Tasks.select()]) != [True, False]:
                bell.ring()
    finally:
        reporting.cancel()
        await asyncio.wait([reporting])
