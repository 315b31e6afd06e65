"""What belongs to no subscription: said once, later if it must be, and never lost."""

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import stream
from bot.app.far_ends import slack_client
from bot.app.house import now, opened
from bot.artifacts import Artifacts
from bot.delivery.attaching import Attaching
from bot.delivery.notifier import Notifier
from bot.delivery.outlet import AccessError, Attachment, Notifying
from bot.delivery.pump import Patience
from bot.delivery.slack import SlackOutlet
from bot.errors import Permanent, Retry
from bot.events import DeliveryAbandoned
from bot.practice import PracticeRoom
from bot.stream import bell
from bot.workspaces import Workspaces
from config.settings import Settings
from storage import database, notices
from storage.tables import Notices
from tests.fakes.clock import Clock, running
from tests.fakes.core import NOON, Core
from tests.fakes.team import until

PATIENCE = Patience(first_s=2, longest_s=300, give_up=timedelta(days=4), lease=timedelta(seconds=60))
QUICK = dataclasses.replace(PATIENCE, lease=timedelta(seconds=0.6))
DAY = 86_400.0


class FarEnd:
    """An outlet whose far end does what the test says.

    Attributes:
        answers: What the next tries meet.
        said: The notices that came, as text with the name of what was attached.
    """

    name = "slack"

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.said: list[tuple[str, str]] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def say(self, notice: Notices, attachment: Attachment | None) -> None:
        """Answer as the test says."""
        self.said.append((notice.text, attachment.name if attachment else ""))
        await self.answering.wait()
        if self.answers:
            raise self.answers.pop(0)


@pytest.fixture
def far_end() -> FarEnd:
    """A far end that takes everything."""
    return FarEnd()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@contextlib.asynccontextmanager
async def notifying(
    outlet: Notifying, now: Callable[[], datetime], patience: Patience = PATIENCE
) -> AsyncIterator[asyncio.Task[None]]:
    """A notifier at work."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        attaching = Attaching(Artifacts(home / "artifacts"), Workspaces(home / "workspaces", None))
        task = asyncio.create_task(Notifier([outlet], attaching, patience, now).drive())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def noted(text: str = "Hello", outlet: str = "slack", **options: Any) -> int:
    """Something waits to be said."""
    made = await database.run(lambda: notices.add(outlet, "C0GENERAL", text, NOON, **options))
    bell.ring()
    return made


async def row(number: int = 1) -> Notices:
    return await database.run(lambda: Notices.get_by_id(number))


async def after_try(far_end: FarEnd, number: int) -> Notices:
    """The notice after so many tries, once nobody says it."""
    await until(lambda: len(far_end.said) == number)
    while (found := await row()).token is not None:
        pass
    return found


@pytest.mark.usefixtures("core")
async def test_it_is_said_once(far_end: FarEnd, clock: Clock) -> None:
    """What was said is not said again, and what another outlet is to say is left to it."""
    await noted()
    await noted(outlet="email")
    async with notifying(far_end, clock.now):
        assert (await after_try(far_end, 1)).state == "sent"
        clock.pass_(DAY)
        await noted("Bye")
        await until(lambda: len(far_end.said) == 2)
    assert far_end.said == [("Hello", ""), ("Bye", "")]
    assert (await row(2)).state == "waiting"


@pytest.mark.usefixtures("core")
async def test_the_waits_grow_and_a_far_end_gets_its_time(far_end: FarEnd, clock: Clock) -> None:
    """After passing faults the waits double; where a far end names the seconds, those are waited."""
    far_end.answers = [Retry("Down."), Retry("Down."), Retry("Slow down.", 30), ZeroDivisionError("oops")]
    await noted()
    waits = []
    async with notifying(far_end, clock.now):
        for number in range(1, 5):
            found = await after_try(far_end, number)
            assert found.not_before is not None
            waits.append((found.not_before - clock.at).total_seconds())
            clock.pass_(waits[-1])
        assert (await after_try(far_end, 5)).state == "sent"
    assert waits == [2, 4, 30, 16]


@pytest.mark.usefixtures("core")
async def test_a_final_no_is_a_dead_letter(far_end: FarEnd, clock: Clock) -> None:
    """It is kept with its reason, told to the house, and not tried again."""
    far_end.answers = [Permanent("Slack answers channel_not_found.")]
    await noted()
    async with notifying(far_end, clock.now):
        found = await after_try(far_end, 1)
    assert (found.state, found.error) == ("dead", "Slack answers channel_not_found.")
    assert [(fact.task, fact.address, fact.why) for fact in await abandoned()] == [
        ("", "C0GENERAL", "Slack answers channel_not_found.")
    ]


@pytest.mark.usefixtures("core")
async def test_it_is_given_up_after_days_of_faults_but_not_for_a_token(far_end: FarEnd, clock: Clock) -> None:
    """A far end that is down for four days is given up; one that wants another token is waited for."""
    far_end.answers = [AccessError("The token is revoked.")] * 3 + [Retry("Down.")] * 5
    await noted()
    async with notifying(far_end, clock.now):
        for number in range(1, 9):
            await after_try(far_end, number)
            clock.pass_(DAY)
    found = await row()
    assert (found.state, len(far_end.said)) == ("dead", 8)
    assert found.error.startswith("Down. (tried since 2026-11-24")


async def abandoned() -> list[DeliveryAbandoned]:
    events = await database.run(stream.replay, stream.HOUSE)
    return [event.fact for event in events if isinstance(event.fact, DeliveryAbandoned)]


@pytest.mark.usefixtures("core")
async def test_a_worker_that_stops_gives_it_back(far_end: FarEnd, clock: Clock) -> None:
    """Whoever comes next says it at once."""
    far_end.answering.clear()
    await noted()
    async with notifying(far_end, clock.now):
        await until(lambda: far_end.said)
    assert (await row()).token is None
    far_end.answering.set()
    async with notifying(far_end, clock.now):
        assert (await after_try(far_end, 2)).state == "sent"


@pytest.mark.usefixtures("core")
async def test_a_slow_far_end_is_told_once(far_end: FarEnd) -> None:
    """The lease is renewed for as long as saying takes: nobody says it meanwhile."""
    other = FarEnd()
    far_end.answering.clear()
    other.answering.clear()
    await noted()
    async with notifying(far_end, running, QUICK), notifying(other, running, QUICK):
        await until(lambda: far_end.said + other.said)
        begun = running()
        while (leased_until := (await row()).leased_until) is None or leased_until < begun + 3 * QUICK.lease:
            bell.ring()
        far_end.answering.set()
        other.answering.set()
        while (await row()).state != "sent":
            pass
    assert far_end.said + other.said == [("Hello", "")]


@pytest.mark.usefixtures("core")
async def test_a_lost_lease_stops_a_notifier(far_end: FarEnd, clock: Clock) -> None:
    """One that wakes late, and finds that another took over, says no more and leaves the notice to it."""
    far_end.answering.clear()
    await noted()
    async with notifying(far_end, clock.now, QUICK):
        await until(lambda: far_end.said)
        clock.at += timedelta(hours=1)
        token = await database.run(notices.lease, 1, clock.at, clock.at + PATIENCE.lease)
        assert token
        await until(lambda: not any(task.get_name() == "notice 1" for task in asyncio.all_tasks()))
    assert ((await row()).token, (await row()).state) == (token, "waiting")


@pytest.mark.usefixtures("core")
async def test_what_a_dead_worker_was_saying_is_said_when_its_lease_is_over(
    far_end: FarEnd, clock: Clock
) -> None:
    """Until then nobody else says it; a late word of the dead one changes nothing."""
    number = await noted()
    token = await database.run(notices.lease, number, NOON, NOON + PATIENCE.lease)
    assert token
    async with notifying(far_end, clock.now):
        clock.pass_(59)
        await database.run(lambda: None)
        assert far_end.said == []
        clock.pass_(2)
        assert (await after_try(far_end, 1)).state == "sent"
    assert not await database.run(notices.settle, number, token, "dead", "late")


async def test_a_report_goes_with_it_as_the_task_stands(core: Core, far_end: FarEnd, clock: Clock) -> None:
    """The PDF is drawn when it is said."""
    task_id = await core.opens()
    number = await noted("Here it is.")
    await database.run(notices.enclose, number, task_id, "report")
    async with notifying(far_end, clock.now):
        assert (await after_try(far_end, 1)).state == "sent"
    assert far_end.said == [("Here it is.", "T-1-report.pdf")]


async def test_slack_shows_it_where_it_belongs(room: PracticeRoom, settings: Settings) -> None:
    """In a channel, in a thread, to one person alone; what cannot be shown there goes to them directly."""
    slack = room.slack
    ts = (await room.say("@Legwork hello", channel="general")).ts
    slack.channel("general").members.discard("U0BOB")
    async with opened(settings) as house:
        outlet = SlackOutlet(slack_client(settings), house.artifacts, now)
        for options in (
            {},
            {"thread": ts},
            {"only_for": "U0ALICE"},
            {"only_for": "U0BOB"},
            {"thread": "1234567890.123456"},
        ):
            await noted("**Hi** <!channel>", **options)
        async with notifying(outlet, Clock().now):
            await until(lambda: len(slack.messages) == 6)
            states = {state.state for state in [await row(number) for number in range(1, 6)]}
            while states != {"sent"}:
                states = {state.state for state in [await row(number) for number in range(1, 6)]}
    shown = sorted(
        (message.channel, message.thread_ts, message.only_for)
        for message in slack.messages
        if message.text == "*Hi* &lt;!channel&gt;"
    )
    assert shown == [
        ("C0GENERAL", "", ""),
        ("C0GENERAL", "", ""),
        ("C0GENERAL", "", "U0ALICE"),
        ("C0GENERAL", ts, ""),
        ("D0BOB", "", ""),
    ]


async def test_slack_gets_a_report_as_a_file(room: PracticeRoom, settings: Settings) -> None:
    """In the thread that it answers; one for a single person in their direct messages."""
    ts = (await room.say("@Legwork hello")).ts
    pdf = Attachment("T-1-report.pdf", "application/pdf", b"%PDF-1.7")
    async with opened(settings) as house:
        outlet = SlackOutlet(slack_client(settings), house.artifacts, now)
        for number in (await noted(thread=ts), await noted(thread=ts, only_for="U0ALICE")):
            await outlet.say(await row(number), pdf)
    shown = [(m.channel, m.thread_ts, m.text, m.files[0].name) for m in room.slack.messages if m.files]
    assert shown == [
        ("C0GENERAL", ts, "Hello", "T-1-report.pdf"),
        ("D0ALICE", "", "Hello", "T-1-report.pdf"),
    ]
