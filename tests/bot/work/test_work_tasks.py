"""Open, find and cancel tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import stream
from bot.errors import UserMistake
from bot.events import ArtifactSaved, ReportFailed, TaskCancelled, TaskOpened
from bot.work import tasks
from bot.work.tasks import Order
from storage import database, subscriptions
from storage import tasks as task_rows
from storage.tables import Discussions, Runs, Tasks, Workspaces
from tests.fakes.core import BACK_ROOM, CLI, GENERAL, NOON, Core, after

TITLES = {
    "Fix the test": "Fix the test",
    "  Fix the test  ": "Fix the test",
    "\n\nFix\nthe test": "Fix",
    "# Fix": "Fix",
    "> - ## Fix": "Fix",
    "* Fix * it": "Fix * it",
    "---\nFix": "Fix",
    "```sh\nmake\n```": "make",
    "~~~\nmake": "make",
    "> ```sh\nmake": "make",
    "": "Untitled task",
    " \n#\n```\n": "Untitled task",
    "x" * 80: "x" * 80,
    "x" * 81: "x" * 79 + "\u2026",
    "x" * 78 + " yy": "x" * 78 + "\u2026",
    "Fix it\r\nplease": "Fix it",
    "\u4fee\u6b63 \U0001f600": "\u4fee\u6b63 \U0001f600",
}


@pytest.mark.parametrize(("text", "title"), TITLES.items())
def test_the_title_is_the_first_line_that_says_something(text: str, title: str) -> None:
    """Marks of headings, lists, quotes and fences are no title; a long one is cut with a sign."""
    assert tasks.title_of(text) == title


@given(st.text() | st.text("#>*- \t\n`~\r\x1c\u2028a\u2026"))
def test_any_text_has_a_title(text: str) -> None:
    """A title is one line of 1 to 80 characters without white space around it."""
    title = tasks.title_of(text)
    assert 1 <= len(title) <= tasks.TITLE_CHARS
    assert title == title.strip()
    assert len(title.splitlines()) == 1


async def test_what_is_opened(core: Core) -> None:
    """A task from a channel: its rows, its place, who hears of it, and its first event."""
    text = "Fix it\n```sh\nmake\n```"
    number = await core.opens(text, origin=BACK_ROOM, notify=["dana@example.org"])

    def look() -> None:
        task = Tasks.get_by_id(number)
        assert (task.title, task.text, task.state) == ("Fix it", text, "queued")
        assert (task.agent.name, task.asker.name, task.opened_at) == ("coder", "Mel", NOON)
        assert (task.ended_at, task.report_due) == (None, False)
        assert task.discussion
        assert (task.discussion.place, task.discussion.private) == (BACK_ROOM.place, True)
        assert task.workspace.name == f"t-{number}"
        heard = [(row.outlet, row.address, row.cursor) for row in subscriptions.of_task(number)]
        assert heard == [("slack", BACK_ROOM.place, 0), ("email", "dana@example.org", 0)]
        (event,) = stream.replay(task.stream_id)
        opened = TaskOpened(title="Fix it", text=text, agent="coder", asked_by="Mel", door="slack")
        assert (event.fact, event.actor, event.at) == (opened, "Mel", NOON)
        (run,) = Runs.select()
        assert (run.task_id, run.open, run.attempt) == (number, True, 0)

    await database.run(look)


async def test_the_machine_is_no_discussion(core: Core) -> None:
    """A task from the command line belongs to no discussion, and nobody hears of it unless named."""
    number = await core.opens()
    assert (await database.run(Tasks.get_by_id, number)).discussion_id is None
    assert await database.run(subscriptions.of_task, number) == []


async def test_an_unknown_agent_leaves_nothing(core: Core) -> None:
    """The answer names the agents there are; nothing was opened, not even the discussion."""

    def act() -> None:
        tasks.open_task(core.mel, Order("ghost" * 100, "x"), GENERAL, NOON)

    names = r"^There is no agent called @(ghost){12}\. There is @analyst, @coder\.$"
    with pytest.raises(UserMistake, match=names):
        await database.run(act)
    for table in (Tasks, Workspaces, Discussions, Runs):
        assert await database.run(table.select().count) == 0


@pytest.mark.parametrize("key", ["T-1", "t-1", "T1", "t1", "T-01"])
async def test_a_task_is_found_by_its_key(core: Core, key: str) -> None:
    """Keys are read in every spelling that people use."""
    number = await core.opens()
    assert (await database.run(tasks.find, key, core.mel, CLI)).id == number == 1


@pytest.mark.parametrize(
    "key", ["", "1", "T-", "T-1x", "X-1", "T--1", "T- 1", "T-1.0", "T-" + "9" * 16, "T" * 999]
)
async def test_what_is_no_key_is_told_so(core: Core, key: str) -> None:
    """Anything else says how a task is called, and repeats no more than the beginning."""
    with pytest.raises(UserMistake, match="one is called like T-12") as mistake:
        await database.run(tasks.find, key, core.mel, CLI)
    assert len(str(mistake.value)) < 120


async def test_what_may_not_be_seen_is_not_there(core: Core) -> None:
    """A task that the asker may not see is answered as one that does not exist: nothing is given away."""
    number = await core.opens(origin=BACK_ROOM, asker=core.ben)
    said = []
    for key in (f"T-{number}", "T-999"):
        with pytest.raises(UserMistake) as mistake:
            await database.run(tasks.find, key, core.mel, GENERAL)
        said.append(str(mistake.value).replace(key, "T-N"))
    assert said == ["There is no task T-N that you can see. Try: task list"] * 2


async def test_a_cancel_stops_the_task(core: Core) -> None:
    """A cancelled task has ended, owes its report, and its run is closed."""
    number = await core.opens()

    def act() -> None:
        task = tasks.find("T-1", core.ben, CLI)
        tasks.cancel(task, core.ben, after(5))
        assert (task.state, task.ended_at) == ("cancelled", after(5))
        kept = Tasks.get_by_id(number)
        assert (kept.state, kept.ended_at, kept.report_due) == ("cancelled", after(5), True)
        assert not Runs.get().open
        event = stream.replay(task.stream_id)[-1]
        assert (event.fact, event.actor, event.at) == (TaskCancelled(by="Ben"), "Ben", after(5))

    await database.run(act)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
async def test_what_is_over_cannot_be_cancelled(core: Core, state: str) -> None:
    """To cancel a task that has ended says how it stands, and records nothing."""
    number = await core.opens()
    await database.run(task_rows.end, number, state, NOON)
    with pytest.raises(UserMistake, match=rf"^T-1 is over already: it is {state}\.$"):
        await database.run(lambda: tasks.cancel(tasks.find("T-1", core.mel, CLI), core.mel, NOON))
    events = await database.run(lambda: stream.replay(Tasks.get_by_id(number).stream_id))
    assert len(events) == 1


async def test_a_report_is_settled_once(core: Core) -> None:
    """Two workers that drew the same report: the first is recorded, the second forgotten."""
    number = await core.opens()
    saved = ArtifactSaved(name="r.pdf", purpose="report", media_type="application/pdf", size=1, sha256="00")

    def act() -> list[str]:
        tasks.settle_report(number, NOON, saved, NOON)  # not owed yet
        task_rows.end(number, "done", NOON)
        tasks.settle_report(number, after(-1), saved, NOON)  # drawn of an earlier ending
        tasks.settle_report(number, NOON, saved, NOON)
        tasks.settle_report(number, NOON, ReportFailed(why="late"), NOON)
        return [event.fact.kind for event in stream.replay(Tasks.get_by_id(number).stream_id)]

    assert await database.run(act) == ["TaskOpened", "ArtifactSaved"]
