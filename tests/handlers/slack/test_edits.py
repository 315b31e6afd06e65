"""What is edited or taken back after the bot heard it."""

import pytest

from bot import stream
from bot.app.house import now
from bot.events import QuestionAsked
from storage import database
from storage.tables import Messages, Tasks
from tests.fakes.team import Team
from tests.handlers.slack.talk import effects, event, kept, noted, post, rows, states, tasks_now, told

HELLO = "@Legwork assign @coder Say hello"


async def test_an_edited_instruction_reaches_the_agent_as_a_correction(desk: Team) -> None:
    """What was said to an open task is told again in its new words, once."""
    root = (await desk.room.say(HELLO)).ts
    said = await desk.room.say("use pyhton", thread_ts=root)
    edited = await desk.room.edit(said.ts, "use python")
    assert await told() == ["use pyhton", "Correction: use python"]
    assert (await kept())[-1][1] == "use python"
    for delivered in edited.deliveries:
        await desk.room.redeliver(delivered.event_id)
    assert len(await told()) == 2


async def test_a_correction_answers_no_question(desk: Team) -> None:
    """An edit is about what was said before: it is never taken for the answer to what is asked now."""
    root = (await desk.room.say(HELLO)).ts
    said = await desk.room.say("use pyhton", thread_ts=root)

    def ask() -> None:
        asked = QuestionAsked(step=1, call_id="c1", text="Delete all?", options=("yes",))
        stream.record(Tasks.get().stream_id, "@coder", asked, now())
        Tasks.update(state="waiting", waiting_for="reply", question="c1").execute()

    await database.run(ask)
    await desk.room.edit(said.ts, "use python")
    await desk.room.edit(root, "@Legwork assign @coder Say goodbye")
    assert await states() == ["waiting"]
    assert await told() == ["use pyhton", "Correction: use python", "Correction: Say goodbye"]


async def test_an_edited_task_is_corrected_and_not_opened_again(desk: Team) -> None:
    """The mention that opened a task, edited, corrects it; Slack mentions it again, and nobody acts."""
    root = (await desk.room.say(HELLO)).ts
    edited = await desk.room.edit(root, "@Legwork assign @coder Say goodbye")
    assert {one.event_type for one in edited.deliveries} == {"message", "app_mention"}
    assert await tasks_now() == [("coder", "Say hello")]
    assert await told() == ["Correction: Say goodbye"]


async def test_an_edited_command_is_not_run_again(desk: Team) -> None:
    """Editing what was a command, or to a command, does nothing but change what is kept."""
    root = (await desk.room.say(HELLO)).ts
    shown = await desk.room.say("!show", thread_ts=root)
    said = await desk.room.say("go on", thread_ts=root)
    before = await noted()
    await desk.room.edit(shown.ts, "!cancel", channel="general")
    await desk.room.edit(said.ts, "!cancel")
    assert await states() == ["queued"]
    assert await told() == ["go on"]
    assert await noted() == before


async def test_a_task_that_is_over_hears_no_correction(desk: Team) -> None:
    """Once the task is over an edit only changes what is kept."""
    root = (await desk.room.say(HELLO)).ts
    said = await desk.room.say("use pyhton", thread_ts=root)
    await desk.room.say("!cancel", thread_ts=root)
    await desk.room.edit(said.ts, "use python")
    assert await told() == ["use pyhton"]
    assert await noted() == []
    assert "use python" in [text for _, text in await kept()]


async def test_an_edit_that_changes_no_word_says_nothing(desk: Team) -> None:
    """Slack tells of a message as changed when a link is unfurled, too."""
    await post(desk, event("Ev1", text="<@U0LEGWORK> assign @coder see https://x.org"))
    same = {
        "ts": "1700000000.000100",
        "user": "U0ALICE",
        "text": "<@U0LEGWORK> assign @coder see https://x.org",
    }
    await post(desk, event("Ev2", subtype="message_changed", message=same))
    assert await told() == []


async def test_a_message_that_was_chatter_may_become_a_mention(desk: Team) -> None:
    """Who forgot the mention can add it: nothing was done with that message before."""
    said = await desk.room.say("assign @coder Say hello")
    await desk.room.edit(said.ts, HELLO)
    assert await tasks_now() == [("coder", "Say hello")]


async def test_what_is_taken_back_is_forgotten(desk: Team) -> None:
    """A deleted message is kept no longer, a root with answers neither; what the agent was told stays."""
    root = (await desk.room.say(HELLO)).ts
    said = await desk.room.say("the password is hunter2", thread_ts=root)
    await desk.room.delete(said.ts)
    assert "hunter2" not in str(await kept())
    await desk.room.say("another", thread_ts=root)
    await desk.room.delete(root)
    assert [text for _, text in await kept()] == ["another"]
    assert await told() == ["the password is hunter2", "another"]
    assert await states() == ["queued"]


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted"])
async def test_what_was_never_heard_is_no_news(desk: Team, subtype: str) -> None:
    """An edit or deletion of chatter leaves nothing behind."""
    fields = {"message": {"ts": "1.000000", "user": "U0ALICE", "text": "x"}, "deleted_ts": "1.000000"}
    assert (await post(desk, event(subtype=subtype, **fields)))[0] == 200
    assert await effects() == (0, 0, 0, 0)


async def test_somebody_elses_edit_is_not_taken_for_the_authors(desk: Team) -> None:
    """An edit by a bot changes nothing."""
    await post(desk, event("Ev1", text="<@U0LEGWORK> assign @coder x"))
    other = {"ts": "1700000000.000100", "user": "U0ALICE", "bot_id": "B1", "text": "y"}
    await post(desk, event("Ev2", subtype="message_changed", message=other))
    assert await rows(lambda: Messages.get().text) == "assign @coder x"
