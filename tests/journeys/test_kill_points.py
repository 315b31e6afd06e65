"""kill -9 at each named point: the work is done once, each post is there once, and the model is told all.

A point is reached with real processes, before far ends that hold their answers, or in a database in which
whoever does one thing hangs in mid-transaction. Then another process goes on; the same rules hold for all.
"""

import asyncio
import smtplib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest

from bot.app.mail import reply_addresses
from bot.events import (
    ArtifactSaved,
    Event,
    InstructionGiven,
    ModelTurned,
    RunStarted,
    TaskFinished,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from storage import database
from storage.tables import Letters, Subscriptions
from tests.fakes.jam import is_stuck
from tests.fakes.models import Reply, calls, says
from tests.fakes.scene import INTERRUPTED, Scene, kinds, recording
from tests.fakes.team import PATIENCE_S, Part, in_time, until

DANA = "dana@example.org"
WORK = calls(("terminal", {"command": "echo worked >> log; mkdir outbox; cp log outbox"}))
LONG = calls(
    ("terminal", {"command": "echo worked >> log; touch started; until [ -e go ]; do sleep 0.02; done"})
)
LOOK = calls(("terminal", {"command": "cat log; mkdir -p outbox; cp log outbox"}))
_DONE = ("finish", {"summary": "It is done."})
FINISH = calls(_DONE)
HELD, HELD_HALF = calls(_DONE, hang="head"), calls(_DONE, hang="middle")
LETTER = (
    f"From: {DANA}\r\nSubject: Re: [T-1] Try\r\nMessage-ID: <red.1@example.org>\r\n\r\nMake it red\r\n"
).encode()


async def after_the_claim(scene: Scene) -> Part:
    """The run is claimed, and has not begun."""
    jam = scene.jam("UPDATE OF state ON tasks")
    victim = await scene.worker()
    await is_stuck(jam)
    return victim


async def in_mid_request(scene: Scene) -> Part:
    """Half of the model's second answer has come."""
    victim = await scene.worker()
    await scene.asked(2)
    return victim


async def in_mid_tool(scene: Scene) -> Part:
    """The command runs, and has done something."""
    victim = await scene.worker()
    await until((scene.desk.workspace() / "started").exists)
    return victim


async def tool_ended(scene: Scene) -> Part:
    """The command has ended; that is not committed."""
    jam = scene.jam(recording("ToolFinished"))
    victim = await scene.worker()
    await is_stuck(jam)
    return victim


async def step_committed(scene: Scene) -> Part:
    """The step is in the log, and nothing came after it."""
    victim = await scene.worker()
    await scene.recorded(ToolFinished)
    return victim


async def end_not_committed(scene: Scene) -> Part:
    """The agent has called `finish`; that the task is done is not committed."""
    jam = scene.jam(recording("TaskFinished"))
    victim = await scene.worker()
    await is_stuck(jam)
    return victim


async def root_posted(scene: Scene) -> Part:
    """The thread's first message is posted; the cursor has not moved."""
    scene.desk.room.slack.fail("chat.postMessage", how="hang", acted=True)
    victim = await scene.worker()
    await scene.posted("root")
    return victim


async def result_posted(scene: Scene) -> Part:
    """The result is posted; the cursor has not moved."""
    victim = await scene.worker()
    await scene.posted("progress")
    scene.desk.room.slack.fail("chat.postMessage", how="hang", acted=True)
    scene.server.gate.set()
    await scene.posted("result")
    return victim


async def file_posted(scene: Scene) -> Part:
    """The first file is posted; the cursor has not moved."""
    scene.desk.room.slack.fail("files.completeUploadExternal", how="hang", acted=True)
    victim = await scene.worker()
    await scene.posted("log")
    return victim


async def mail_sent(scene: Scene) -> Part:
    """The mail is accepted; the cursor has not moved."""
    scene.desk.room.mailbox.fail("DATA", acted=True, hang=True)
    victim = await scene.worker()
    await scene.desk.room.wait_for(scene.mails, PATIENCE_S)
    return victim


async def letter_committed(scene: Scene) -> Part:
    """A letter to the task is committed; its sender has not read the 250."""
    await scene.worker()
    await scene.asked(2)
    victim = await scene.mail()
    client = await asyncio.to_thread(hand_in, scene.desk.room.mail_to, await reply_address(scene))
    scene.jams.callback(client.close)

    async def committed() -> bool:
        return await database.run(Letters.select().exists)

    await in_time(committed)
    return victim


async def another_worker(scene: Scene) -> None:
    """Once the leases are over, it goes on."""
    await scene.leases_end()
    scene.server.gate.set()
    await scene.worker()


async def another_mail_side(scene: Scene) -> None:
    """The sender, who knows of no 250, sends the letter again."""
    await scene.mail()
    client = await asyncio.to_thread(hand_in, scene.desk.room.mail_to, await reply_address(scene))
    code, _ = await asyncio.to_thread(client.getreply)
    client.close()
    assert code == 250

    async def read() -> bool:
        return await database.run(lambda: not Letters.select().where(Letters.state == "new").exists())

    await in_time(read)
    scene.server.gate.set()


def hand_in(server: str, to: str) -> smtplib.SMTP:
    """Send Dana's letter, and do not read what the server says to it."""
    client = smtplib.SMTP(*server.rsplit(":", 1), timeout=PATIENCE_S)
    client.ehlo()
    client.mail(DANA)
    client.rcpt(to)
    client.docmd("DATA")
    client.send(LETTER + b".\r\n")
    return client


async def reply_address(scene: Scene) -> str:
    """Where Dana answers."""
    heard = await database.run(lambda: Subscriptions.get(Subscriptions.address == DANA).id)
    return reply_addresses(scene.desk.house).task(1, heard)


@dataclass(frozen=True)
class Point:
    """Where a process is killed, and what is special about it.

    Attributes:
        reached: Brings a process there.
        script: What the model answers, in order.
        interrupted: Tools whose calls were under way: nobody knows how far they got.
        goes_on: Starts another process.
        attempts: How many workers had the task in the end.
        mail_twice: A mail comes twice, and it is recorded that it may have.
        instructions: What people said.
    """

    reached: Callable[[Scene], Awaitable[Part]]
    script: Sequence[Reply] = (WORK, FINISH)
    interrupted: tuple[str, ...] = ()
    goes_on: Callable[[Scene], Awaitable[None]] = another_worker
    attempts: int = 2
    mail_twice: bool = False
    instructions: tuple[str, ...] = ()


POINTS = {
    "after claim": Point(after_the_claim),
    "in mid-model-request": Point(in_mid_request, (WORK, HELD_HALF, FINISH)),
    "in mid-tool": Point(in_mid_tool, (LONG, LOOK, FINISH), ("terminal",)),
    "tool ended but not committed": Point(tool_ended, (WORK, LOOK, FINISH), ("terminal",)),
    "step committed": Point(step_committed, (WORK, HELD, FINISH)),
    "task finished but not committed": Point(end_not_committed, (WORK, FINISH, FINISH), ("finish",)),
    "first post sent with cursor unmoved": Point(root_posted),
    "result sent with cursor unmoved": Point(result_posted, (WORK, HELD), attempts=1),
    "file sent with cursor unmoved": Point(file_posted, attempts=1),
    "mail sent with cursor unmoved": Point(mail_sent, attempts=1, mail_twice=True),
    "letter committed before 250 is read": Point(
        letter_committed,
        (WORK, says("I am done.", hang="head"), FINISH),
        goes_on=another_mail_side,
        attempts=1,
        instructions=("Make it red",),
    ),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
async def test_whoever_goes_on_does_what_is_left_and_no_more(scene: Scene, point: Point) -> None:
    """One rule for all of them: work, posts and facts are there once, and the model is told what happened."""
    scene.server.script = list(point.script)
    await scene.desk.assigned_in_slack(f"--notify {DANA} Try")
    victim = await point.reached(scene)
    victim.kill()
    await victim.ended()
    scene.jams.close()
    await point.goes_on(scene)
    await scene.settled()

    shown = (await scene.desk.does("task show T-1")).data
    assert (shown["state"], shown["mails_maybe_twice"]) == ("done", point.mail_twice)
    assert (scene.desk.workspace() / "log").read_text() == "worked\n"
    posted = scene.parts()
    assert len(posted) == len(set(posted))
    assert {"root", "log", "result", "T-1-report.pdf"} <= set(posted)
    assert posted[0] == "root"
    assert posted[-1] == "T-1-report.pdf"
    assert list(scene.mails().values()) == [2 if point.mail_twice else 1]
    in_order(await scene.events(), point)
    assert scene.forgets_nothing()
    assert scene.answers().count(INTERRUPTED) == len(point.interrupted)
    for told, given in zip(scene.told_by_people(), point.instructions, strict=True):
        assert given in told


def in_order(events: Sequence[Event], point: Point) -> None:
    """Each thing was recorded once, and what follows from another thing after it."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    steps = kinds(events, ModelTurned)
    assert [turned.step for turned in steps] == list(range(1, len(steps) + 1))
    assert kinds(events, RunStarted)[-1].attempt == point.attempts
    assert len(kinds(events, TaskFinished)) == 1
    saved = [fact.name for fact in kinds(events, ArtifactSaved)]
    assert len(saved) == len({"log", "T-1-report.pdf", *saved})
    assert [given.text for given in kinds(events, InstructionGiven)] == list(point.instructions)
    under_way: dict[str, str] = {}
    interrupted = []
    for fact in kinds(events, ToolStarted, ToolFinished, ToolInterrupted):
        match fact:
            case ToolStarted():
                assert fact.call.id not in under_way
                under_way[fact.call.id] = fact.call.tool
            case ToolFinished():
                del under_way[fact.call_id]
            case ToolInterrupted():
                interrupted.append(under_way.pop(fact.call_id))
    assert not under_way
    assert interrupted == list(point.interrupted)
