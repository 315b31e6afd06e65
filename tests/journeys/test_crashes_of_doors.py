"""Doors and workers are killed at the worst moment: what was said is acted on once, or asked about again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.app.house import opened
from bot.practice import Letter, Message, PracticeRoom
from config.settings import Settings
from storage import database
from storage.tables import Approvals, Letters, Notices, Runs, Tasks
from tests.fakes.jam import is_stuck, stuck_at
from tests.fakes.team import PATIENCE_S, Part, Start, Team, in_time, until

HELD = "touch started; until [ -e go ]; do sleep 0.02; done; echo made >> log; cat log"
ASK = '/agent tools ask coder terminal "touch started"'
HALF_A_LETTER = (
    b"EHLO here\r\nMAIL FROM:<dana@example.org>\r\nRCPT TO:<postmaster@practice.example>\r\nDATA\r\nSubject: "
)
HALF_A_REQUEST = b"POST /slack/events HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nhalf"
ENDS_WITHIN_S = 5.0


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Dana is an admin in Slack; the first mail of a task goes at once."""
    return settings.model_copy(update={"first_mail_seconds": 0.0, "admins": ("U0DANA",)})


@pytest.fixture
async def desk(room: PracticeRoom, settings: Settings) -> AsyncIterator[Team]:
    """A team whose bot is what the test starts; in this process there is nothing but the data folder."""
    async with opened(settings) as house:
        yield Team(room, house)


async def web(desk: Team, start: Start) -> Part:
    """Start the web side."""
    part = await start("web")
    desk.room.bot_url = f"{(await part.says('listening'))['http']}/slack/events"
    return part


async def mail(desk: Team, start: Start) -> Part:
    """Start the mail side."""
    part = await start("mail")
    desk.room.mail_to = (await part.says("taking mail"))["SMTP"]
    return part


async def seen(desk: Team, state: str) -> dict[str, Any]:
    """The task once other processes brought it to this state."""
    found: dict[str, Any] = {}

    async def look() -> bool:
        found.update((await desk.does("task show T-1")).data)
        return bool(found["state"] == state)

    await in_time(look)
    return found


async def letter(desk: Team, saying: str) -> Letter:
    """The first mail that says this."""
    letters = desk.room.mailbox.letters
    found = await desk.room.wait_for(lambda: next((a for a in letters if saying in a.text), None), PATIENCE_S)
    assert found
    return found


async def asked(desk: Team, key: str) -> Message:
    """The message with the buttons."""
    return await desk.message(f"{key}: may @coder do this?")


async def held_for_approval(desk: Team, start: Start) -> tuple[Part, Message]:
    """A worker whose task waits for A-1, asked for by alice with a mention; the message that asks."""
    await web(desk, start)
    await desk.types(ASK, user="dana")
    await desk.room.say(f"@Legwork @coder Hold on\n```sh\n{HELD}\n```")
    first = await start("worker")
    message = await asked(desk, "A-1")
    await seen(desk, "waiting")
    return first, message


@pytest.mark.parametrize(
    ("act", "kept"),
    [
        ("INSERT ON letters", False),
        ("UPDATE OF message_key ON letters", True),
        ("UPDATE OF state ON letters", True),
    ],
    ids=["before it is kept", "before it is read", "before it is settled"],
)
async def test_a_letter_is_acted_on_once(desk: Team, start: Start, act: str, kept: bool) -> None:  # noqa: FBT001  a parameter of the test
    """Kept before 250, acted on in one transaction: killed anywhere, the mail side goes on where it was."""
    await desk.does("agent edit coder --approvers dana@example.org")
    await desk.does('agent tools ask coder terminal "touch made"')
    await desk.does("agent assign @coder --notify dana@example.org Touch\n```sh\ntouch made; ls\n```")
    first_worker = await start("worker")
    question = await letter(desk, "A-1")
    await seen(desk, "waiting")
    assert await first_worker.stop() == 0
    victim = await mail(desk, start)

    async def approve() -> int:
        headers = {"Message-ID": "<approve.1@example.org>"}
        return (await desk.room.mailbox.reply(question, "approve", headers=headers)).code

    with stuck_at(desk.house.settings.home / "legwork.db", act) as connection:
        sending = asyncio.create_task(approve())
        await is_stuck(connection)
        victim.kill()
        await victim.ended()
    assert (await sending == 250) == kept
    assert (await desk.does("task show T-1")).data["approvals"][0]["state"] == "open"

    await mail(desk, start)
    if not kept:
        assert await approve() == 250
    await start("worker")
    done = await seen(desk, "done")
    assert [step["output"] for step in done["steps"]] == ["made\n"]
    assert await database.run(lambda: [one.state for one in Letters.select()]) == ["done"]
    assert await approve() == 250
    assert await database.run(lambda: [one.state for one in Approvals.select()]) == ["used"]


async def test_a_mention_is_acted_on_once(desk: Team, start: Start) -> None:
    """Killed before its commit, the web side has done nothing and acked nothing: sent again, it acts once."""
    desk.room.talk.retry_after_s = ()
    victim = await web(desk, start)
    with stuck_at(desk.house.settings.home / "legwork.db", "INSERT ON tasks") as connection:
        saying = asyncio.create_task(desk.room.say("@Legwork @coder Say hello\n```sh\necho hello\n```"))
        await is_stuck(connection)
        victim.kill()
        await victim.ended()
    said = await saying
    assert all(one.error for one in said.deliveries)
    assert not await database.run(Tasks.select().count)

    await web(desk, start)
    for _ in range(2):
        for event_id in [one.event_id for one in said.deliveries]:
            assert not (await desk.room.redeliver(event_id)).error
    await start("worker")
    await seen(desk, "done")
    assert await database.run(Tasks.select().count) == 1


async def test_a_decision_outlives_the_worker_that_asked(desk: Team, start: Start) -> None:
    """A task that waits needs no worker: another process takes the answer, another worker makes the call."""
    first, message = await held_for_approval(desk, start)
    first.kill()
    await first.ended()
    assert (await desk.room.press(message.ts, "Approve", user="bob")).error == ""
    await start("worker")
    await until((desk.workspace() / "started").exists)
    (desk.workspace() / "go").touch()
    done = await seen(desk, "done")
    assert [step["output"] for step in done["steps"]] == ["made\n"]
    await desk.room.wait_for(lambda: "Approved by bob in Slack" in str(message.blocks), PATIENCE_S)
    assert await database.run(lambda: [one.state for one in Approvals.select()]) == ["used"]


async def test_an_approval_is_not_good_for_a_second_try(desk: Team, start: Start) -> None:
    """Killed in the call that was approved, nobody knows how far that got: it is asked about once more."""
    first, message = await held_for_approval(desk, start)
    await desk.room.press(message.ts, "Approve", user="bob")
    await until((desk.workspace() / "started").exists)
    first.kill()
    await first.ended()
    await start("worker")
    again = await asked(desk, "A-2")
    waiting = await seen(desk, "waiting")
    assert [one["state"] for one in waiting["approvals"]] == ["approve", "open"]
    await desk.room.press(again.ts, "Approve", user="bob")
    (desk.workspace() / "go").touch()
    done = await seen(desk, "done")
    (step,) = done["steps"]
    assert (step["output"], step["attempts"]) == ("made\n", 2)
    assert await database.run(lambda: [one.state for one in Approvals.select()]) == ["used", "used"]


async def test_a_note_may_come_twice_and_no_more(desk: Team, start: Start) -> None:
    """Killed between saying something and noting that, the worker's heir says it once more: never less."""
    await web(desk, start)
    root = (await desk.room.say("@Legwork agents")).ts
    desk.room.slack.fail("chat.postMessage", how="hang", acted=True)

    def answers() -> list[Message]:
        return desk.room.slack.thread("general", root)[1:]

    victim = await start("worker")
    await desk.room.wait_for(answers, PATIENCE_S)
    victim.kill()
    await victim.ended()
    assert await database.run(lambda: Notices.get().state) == "waiting"
    await start("worker")

    async def sent() -> bool:
        return bool(await database.run(lambda: Notices.get().state == "sent"))

    await in_time(sent)
    assert len(answers()) == 2
    assert answers()[0].text == answers()[1].text


@contextlib.asynccontextmanager
async def connected(address: str, said: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection that says this, and then nothing more."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(said)
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_everything_ends_in_order(desk: Team, start: Start) -> None:
    """SIGTERM with every door open and a task at work: within seconds all have let go, and others go on."""
    part = await start("serve", SLACK_APP_TOKEN=desk.room.slack.app_token)
    http = (await part.says("listening"))["http"].removeprefix("http://")
    smtp = (await part.says("taking mail"))["SMTP"]
    sockets = desk.room.sockets
    await desk.room.wait_for(lambda: sockets.connections, PATIENCE_S)
    await desk.room.say(f"@Legwork @coder Hold on\n```sh\n{HELD}\n```")
    await until((desk.workspace() / "started").exists)
    async with (
        connected(smtp, b"") as idle,
        connected(smtp, HALF_A_LETTER) as writing,
        connected(http, HALF_A_REQUEST) as half,
        connected(http, b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n") as kept,
    ):
        await idle.readuntil(b"220 ")
        await writing.readuntil(b"354 ")
        await kept.readuntil(b"200 OK")
        begun = time.monotonic()
        assert await part.stop() == 0
        assert time.monotonic() - begun < ENDS_WITHIN_S
        assert b"\r\n421 " in await idle.read()
        assert b"\r\n421 " in await writing.read()
        await half.read()
        await kept.read()
    await desk.room.wait_for(lambda: not sockets.connections, PATIENCE_S)
    assert await database.run(lambda: (Runs.get().token, Runs.get().open)) == (None, True)

    (desk.workspace() / "go").touch()
    await start("worker")
    assert (await seen(desk, "done"))["steps"][0]["output"] == "made\n"
