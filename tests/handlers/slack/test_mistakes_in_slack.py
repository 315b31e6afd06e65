"""Mistakes and refusals: whoever made one is told so alone."""

import pytest

from storage import database
from storage.tables import Identities, People
from tests.fakes.team import Team
from tests.handlers.slack.talk import noted, rows, tasks_now, told


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("@Legwork fix the test", "no agent is set for this place"),
        ("@Legwork agent asign @coder x", "Did you mean `/agent assign`?"),
        ("@Legwork @codr fix it", "There is no agent called @codr."),
        ("@Legwork show T-9", "There is no task T-9 that you can see. Try: `/task list`"),
    ],
)
async def test_a_mistake_is_told_to_whoever_made_it_alone(desk: Team, text: str, answer: str) -> None:
    """It stands in the channel: Slack shows a private note in a thread only where there is one already."""
    await desk.room.say(text)
    (note,) = await noted()
    assert answer in note.text
    assert (note.channel, note.thread, note.only_for) == ("C0GENERAL", "", "U0ALICE")
    said = await desk.room.say(text, channel="@Legwork")
    assert ((await noted())[1].thread, (await noted())[1].only_for) == (said.ts, "")
    assert await tasks_now() == []


async def test_who_may_not_say_something_is_told_alone(desk: Team) -> None:
    """A stakeholder who takes no part is refused where only they see it, after a mention as well."""
    root = (await desk.room.say("@Legwork assign @coder Say hello")).ts
    await desk.room.say("@Legwork list", user="bob")
    bob = await rows(lambda: Identities.get(Identities.value == "U0BOB").person.id)
    await database.run(lambda: People.update(role="stakeholder").where(People.id == bob).execute())
    await desk.room.say("hurry up", user="bob", thread_ts=root)
    await desk.room.say("@Legwork hurry up", user="bob", thread_ts=root)
    for note in (await noted())[1:]:
        assert "There is no task T-1 that you can see" in note.text
        assert (note.only_for, note.thread) == ("U0BOB", root)
    assert await told() == []
