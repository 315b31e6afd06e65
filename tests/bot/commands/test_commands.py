"""What commands answer, to people and to programs."""

import pytest

from bot.actors import Actor
from bot.replies import Reply
from storage import database, subscriptions
from tests.bot.commands.answers import told
from tests.fakes.core import BACK_ROOM, CLI, GENERAL, NOON, Core, after


def refused(reply: Reply) -> str:
    assert not reply.ok
    assert reply.data == {"error": reply.text, "kind": "refused"}
    return reply.text


async def test_assign_answers_with_the_key(core: Core) -> None:
    """Who assigns is told the number, the agent and the title."""
    reply = await core.does("agent assign @coder Fix it.\nSoon", core.mel, GENERAL)
    assert told(reply) == "**T-1** is queued for @coder: Fix it."
    assert reply.data == {"id": 1, "key": "T-1", "title": "Fix it.", "state": "queued"}


async def test_assign_tells_who_hears_of_it(core: Core) -> None:
    """Addresses are brought into one form, named once, and told."""
    text = (
        "agent assign @coder --notify Dana@Example.org --notify <dana@example.org> --notify eve@x.org Fix it."
    )
    reply = await core.does(text, core.mel, GENERAL)
    assert told(reply).splitlines() == [
        "**T-1** is queued for @coder: Fix it.",
        "Results go to dana@example.org, eve@x.org too.",
    ]
    rows = await database.run(subscriptions.of_task, 1)
    assert [(row.outlet, row.address) for row in rows] == [
        ("slack", GENERAL.place),
        ("email", "dana@example.org"),
        ("email", "eve@x.org"),
    ]


@pytest.mark.parametrize("name", ["@coder", "coder", "@Coder", "@coder:", "CODER,"])
async def test_agents_are_named_as_people_do(core: Core, name: str) -> None:
    """With or without the @, in any case, with the colon of an address."""
    assert "queued for @coder" in told(await core.does(f"agent assign {name} x", core.mel))


@pytest.mark.parametrize("name", ["@ghost", "@", "@@coder", "--"])
async def test_an_unknown_agent_names_those_there_are(core: Core, name: str) -> None:
    """A wrong name is answered with the right ones, and nothing was opened."""
    reply = await core.does(f"agent assign {name} x", core.mel)
    assert "There is no agent called @" in refused(reply)
    assert reply.text.endswith("There is @analyst, @coder.")
    assert (await core.does("task list", core.ada)).data == {"tasks": []}


async def test_agents_are_listed(core: Core) -> None:
    """Agents are shown by name with what they do."""
    reply = await core.does("agent list", core.mel)
    assert told(reply).splitlines() == [
        "- **@analyst** \u2014 Works through data.",
        "- **@coder** \u2014 Runs shell and Python.",
    ]
    assert reply.data["agents"][1] == {"name": "coder", "about": "Runs shell and Python.", "status": "active"}


async def test_an_empty_list_says_how_to_begin(core: Core) -> None:
    """Before the first task the list says how to open one."""
    reply = await core.does("task list", core.mel)
    assert told(reply) == "There are no tasks yet. Open one: `agent assign @AGENT TEXT`"
    assert reply.data == {"tasks": []}


async def test_the_list_shows_the_newest_that_one_may_see(core: Core) -> None:
    """The newest twenty tasks, newest first, each with its state, agent and asker."""
    await core.opens("secret", asker=core.ben, origin=BACK_ROOM)
    for number in range(21):
        await core.opens(f"Job {number}", asker=core.ben)
    await core.does("task cancel T-22", core.ben, now=after(1))
    reply = await core.does("task list", core.mel)
    lines = told(reply).splitlines()
    assert len(lines) == 20
    assert lines[0] == "- \u23f9\ufe0f **T-22** Job 20 \u2014 cancelled, @coder for Ben"
    assert lines[1] == "- \U0001f553 **T-21** Job 19 \u2014 queued, @coder for Ben"
    assert reply.data["tasks"][0] == {
        "id": 22,
        "key": "T-22",
        "title": "Job 20",
        "state": "cancelled",
        "agent": "coder",
        "asked_by": "Ben",
        "opened_at": NOON.isoformat(),
        "ended_at": after(1).isoformat(),
    }
    assert "secret" not in reply.text


async def test_show_tells_how_a_task_stands(core: Core) -> None:
    """A task is shown with its title, state, text and steps so far."""
    await core.opens("Fix it\nplease")
    reply = await core.does("task show T-1", core.mel)
    assert told(reply).startswith("\U0001f553 **T-1** Fix it\n")
    assert (reply.data["key"], reply.data["state"], reply.data["text"]) == ("T-1", "queued", "Fix it\nplease")
    assert reply.data["steps"] == []


async def test_what_may_not_be_seen_is_not_shown(core: Core) -> None:
    """Neither shown nor cancelled: to whoever may not see it, a task is not there."""
    await core.opens(asker=core.ben, origin=BACK_ROOM)
    for actor, verb in [(core.mel, "show"), (core.mel, "cancel"), (core.dana, "show"), (core.dana, "cancel")]:
        reply = await core.does(f"task {verb} T-1", actor, GENERAL)
        assert refused(reply) == "There is no task T-1 that you can see. Try: task list"
    assert (await core.does("task show T-1", core.mel, BACK_ROOM)).ok


async def test_cancel_answers_with_what_is_now(core: Core) -> None:
    """The answer has the new state and the time of the end."""
    await core.opens()
    reply = await core.does("task cancel t-1", core.mel, now=after(7))
    assert told(reply) == "\u23f9\ufe0f **T-1** is cancelled."
    assert (reply.data["state"], reply.data["ended_at"]) == ("cancelled", after(7).isoformat())


async def test_a_task_is_cancelled_once(core: Core) -> None:
    """The second cancel says that it is over."""
    await core.opens()
    told(await core.does("task cancel T-1", core.mel))
    assert refused(await core.does("task cancel T-1", core.ben)) == "T-1 is over already: it is cancelled."


async def test_a_stakeholder_cancels_their_own_task_only(core: Core) -> None:
    """Who hears of a task by mail sees it, and is told whom to ask; who opened it stops it."""
    await core.opens(asker=core.mel, notify=["dana@example.org"])
    await core.opens(asker=core.dana)

    async def cancel(number: int, actor: Actor) -> Reply:
        return await core.does(f"task cancel T-{number}", actor, CLI)

    said = "T-1 was opened by Mel: ask them, or a team member."
    assert refused(await cancel(1, core.dana)) == said
    assert (await core.does("task show T-1", core.dana)).data["state"] == "queued"
    told(await cancel(2, core.dana))
    told(await cancel(1, core.ben))


@pytest.mark.parametrize("verb", ["show", "cancel"])
@pytest.mark.parametrize("key", ["12", "T-x", "last"])
async def test_a_wrong_key_says_how_one_looks(core: Core, verb: str, key: str) -> None:
    """What is no key is answered with one."""
    reply = await core.does(f"task {verb} {key}", core.mel)
    assert not reply.ok
    assert f"{key} is no task: one is called like T-12." in reply.text


@pytest.mark.parametrize("words", ["jürgen", "STRASSE 1", "οδοσ", "50%", "say hello"])
async def test_words_are_found_in_capitals_or_not(core: Core, words: str) -> None:
    """In any language; what is searched for stands for itself."""
    await core.opens("Für JÜRGEN\nStraße 1, ΟΔΟΣ, 50% off. Say HELLO")
    await core.opens("500 others")
    found = await core.does(f"task find {words}", core.mel)
    assert [task["key"] for task in found.data["tasks"]] == ["T-1"]
