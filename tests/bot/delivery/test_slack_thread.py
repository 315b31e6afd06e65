"""A task's thread in the practice room, told by the pump from events that a test records."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot import people, scheduler, stream
from bot.actors import Door, Origin
from bot.app.far_ends import slack_client
from bot.app.house import House, now, opened
from bot.delivery.pump import Patience, Pump
from bot.delivery.slack import SlackOutlet
from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    Call,
    InstructionGiven,
    QuestionAsked,
    RunStarted,
    TaskCancelled,
    TaskReassigned,
    TaskRetried,
    ToolStarted,
)
from bot.practice import Message, PracticeRoom
from bot.work import tasks
from bot.work.approvals import Asking
from bot.work.tasks import Order
from config.settings import Settings
from storage import database, subscriptions
from storage import tasks as rows
from storage.tables import Subscriptions

PATIENCE = Patience(0.05, 1, timedelta(days=4), timedelta(seconds=60))
GENERAL = "C0GENERAL"
BEGUN = RunStarted(attempt=1, worker="w1", model="runbook")
PUSH = Call(id="c1", tool="terminal", args={"command": "git push"})


def asked(does: str = "git push", number: int = 17) -> ApprovalAsked:
    return ApprovalAsked(
        approval=number, step=1, call=PUSH, does=does, digest="0", rule="Ada has @coder ask before git push."
    )


DECIDED = ApprovalDecided(
    approval=17, call_id="c1", decision="deny", by="Dana", door="email", note="Too broad"
)
WONDERS = QuestionAsked(step=1, call_id="c2", text="Which **branch**?", options=("main", "release"))


@dataclass
class Desk:
    """A practice room, and a task that is told there.

    Attributes:
        task_id: The task, once it is opened.
    """

    room: PracticeRoom
    house: House
    task_id: int = 0

    async def opens(self, place: str = GENERAL, thread: str = "", cadence: str = "all") -> None:
        """Mel asks for a task."""

        def open_() -> int:
            mel = people.from_slack("U0MEL", "Mel", (), now())
            origin = Origin(Door.SLACK, place, thread=thread)
            task = tasks.open_task(mel, Order("coder", "Push it"), origin, now())
            subscriptions.set_cadence(task.id, "slack", [place], cadence)
            return int(task.id)

        self.task_id = await database.run(open_)

    async def records(self, *facts: AnyFact, state: str = "") -> None:
        """These happen; the task's row has a new state."""

        def record() -> None:
            task = rows.get(self.task_id)
            for fact in facts:
                stream.record(task.stream_id, "x", fact, now())
            if state:
                type(task).update(state=state).where(type(task).id == task.id).execute()

        await database.run(record)

    def said(self, channel: str = GENERAL) -> list[Message]:
        """Everything in a channel, threads and all, in the order in which it came."""
        return [message for message in self.room.slack.messages if message.channel == channel]

    async def sees(self, holds: Callable[[list[Message]], object], channel: str = GENERAL) -> list[Message]:
        """Wait until something holds of what was said in a channel."""
        await self.room.wait_for(lambda: holds(self.said(channel)), 20)
        return self.said(channel)


@pytest.fixture
async def desk(room: PracticeRoom, settings: Settings) -> AsyncIterator[Desk]:
    """A room with a pump and nothing else."""
    async with opened(settings) as house:
        outlet = SlackOutlet(slack_client(settings), house.artifacts, now)
        pumping = asyncio.create_task(Pump([outlet], PATIENCE, now).drive())
        ticking = scheduler.start(settings.tick_seconds, Asking(timedelta(hours=1)), now)
        yield Desk(room, house)
        ticking.shutdown(wait=False)
        pumping.cancel()
        await asyncio.wait([pumping])


def texts(messages: Iterable[Message]) -> list[str]:
    return [message.text for message in messages]


def has_buttons(message: Message) -> bool:
    return any(block["type"] == "actions" for block in message.blocks)


async def test_an_approval_is_asked_in_the_thread_and_its_message_tells_the_end(desk: Desk) -> None:
    """It has buttons until somebody decides, by whatever door; then it says who. The root shows the state."""
    await desk.opens()
    await desk.records(BEGUN, asked(), state="waiting")
    said = await desk.sees(lambda all_: len(all_) >= 2 and "waiting for approval A-17" in str(all_[0].blocks))
    assert said[1].thread_ts == said[0].ts
    assert has_buttons(said[1])
    await desk.records(DECIDED, state="queued")
    said = await desk.sees(lambda all_: not has_buttons(all_[1]))
    assert "Denied by Dana by email" in str(said[1].blocks)
    assert "Too broad" in str(said[1].blocks)
    await desk.sees(lambda all_: "waiting" not in str(all_[0].blocks))


async def test_an_approval_does_not_wait_for_the_pace_of_progress(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a task begins to wait for people they hear of it at once, however long progress has to wait."""
    monkeypatch.setattr("bot.delivery.slack.BETWEEN_EDITS_S", 600)
    await desk.opens()
    await desk.records(BEGUN, state="running")
    await desk.sees(lambda all_: len(all_) == 2)
    await desk.records(ToolStarted(step=1, call=PUSH, does="ls"))
    await desk.records(asked(), state="waiting")
    said = await desk.sees(lambda all_: len(all_) == 3)
    assert has_buttons(said[2])


async def test_a_long_call_is_whole_in_the_thread(desk: Desk) -> None:
    """It takes several messages, in order, and the last asks."""
    await desk.opens()
    script = "".join(f"echo {number}\n" for number in range(3_000))
    await desk.records(asked(script), state="waiting")
    said = await desk.sees(lambda all_: any(map(has_buttons, all_)))
    assert [has_buttons(message) for message in said] == [False] * (len(said) - 1) + [True]
    shown = str([message.blocks for message in said])
    assert all(f"echo {number}\\n" in shown for number in (0, 1, 1_499, 2_998))


async def test_a_reminder_has_buttons_as_long_as_it_is_true(desk: Desk) -> None:
    """It says that the approval still waits; cancelling the task takes all buttons away."""
    await desk.opens()
    await desk.records(asked(), ApprovalReminded(approval=17), state="waiting")
    said = await desk.sees(lambda all_: len(all_) == 3)
    assert "A-17 still waits" in said[2].text
    assert has_buttons(said[2])
    await desk.records(TaskCancelled(by="Mel"), state="cancelled")
    said = await desk.sees(lambda all_: len(all_) == 4 and not any(map(has_buttons, all_)))
    assert "Withdrawn" in str(said[1].blocks)
    assert "Withdrawn" in str(said[2].blocks)


async def test_a_question_is_answered_by_another_door(desk: Desk) -> None:
    """Its options are buttons; an answer by mail is shown in it, and an instruction in a message."""
    await desk.opens()
    await desk.records(WONDERS, state="waiting")
    said = await desk.sees(lambda all_: len(all_) == 2)
    assert [one["value"] for one in said[1].blocks[2]["elements"]] == [
        "task say T-1 --answers 1 -- main",
        "task say T-1 --answers 1 -- release",
    ]
    answer = InstructionGiven(text="main", by="Dana", door="email", answers="c2")
    await desk.records(
        answer, InstructionGiven(text="And <!here> hurry", by="Dana", door="email"), state="queued"
    )
    said = await desk.sees(lambda all_: len(all_) == 3 and not has_buttons(all_[1]))
    assert "Answered by Dana by email" in str(said[1].blocks)
    assert said[2].blocks[0]["text"]["text"] == ":speech_balloon: *Dana* by email:\n>And &lt;!here&gt; hurry"


async def test_a_task_of_a_mention_is_told_in_its_thread(desk: Desk) -> None:
    """The root answers the message that the task came from, and all else is there too."""
    ts = (await desk.room.say("Push it, please")).ts
    await desk.opens(thread=ts)
    await desk.records(BEGUN, TaskCancelled(by="Mel"), state="cancelled")
    said = await desk.sees(lambda all_: len(all_) == 3)
    assert [message.thread_ts for message in said] == ["", ts, ts]
    assert "cannot write" not in str(said)


async def test_a_person_is_asked_directly(desk: Desk) -> None:
    """Who is to decide and hears of nothing else gets a direct message that names them, and no more."""
    await desk.opens("U0ALICE", cadence="asked")
    desk.room.slack.fail("chat.postMessage", how="close", acted=True)
    await desk.records(BEGUN, asked(), state="waiting")
    said = await desk.sees(lambda all_: any(map(has_buttons, all_)), "D0ALICE")
    await desk.records(DECIDED, TaskCancelled(by="Mel"), state="cancelled")
    said = await desk.sees(lambda all_: not any(map(has_buttons, all_)), "D0ALICE")
    assert texts(said) == ["A-17: Denied by Dana by email, " + said[0].text.partition("email, ")[2]]


async def test_a_retry_and_a_new_agent_are_told(desk: Desk) -> None:
    """A line says so, and the root shows how the task stands now, and for whom."""
    await desk.opens()
    await desk.records(TaskCancelled(by="Mel"), state="cancelled")
    await desk.sees(lambda all_: len(all_) == 2)
    await desk.records(TaskRetried(by="Mel"), TaskReassigned(agent="analyst", by="Ben"), state="queued")
    said = await desk.sees(lambda all_: len(all_) == 4 and "analyst" in str(all_[0].blocks))
    assert texts(said[2:]) == ["Mel began T-1 anew.", "Ben gave T-1 to @analyst."]
    assert "queued" in str(said[0].blocks)


async def test_who_wants_to_hear_nothing_hears_nothing(desk: Desk) -> None:
    """The cursor moves on, so that they are not told all of it when they change their mind."""
    await desk.opens(cadence="none")
    await desk.records(BEGUN, asked(), state="waiting")
    while (await database.run(lambda: Subscriptions.get_by_id(1))).cursor < 3:
        pass
    assert desk.said() == []
