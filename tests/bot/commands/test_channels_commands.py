"""Commands about the channel that they are said in."""

import pytest

from bot import stream
from bot.events import ChannelChanged
from storage import database
from tests.bot.commands.answers import refused, told
from tests.fakes.core import BACK_ROOM, CLI, GENERAL, Core


async def test_a_channel_begins_with_nothing_of_its_own(core: Core) -> None:
    """Before anything was said there, and without making it a discussion."""
    reply = await core.does("agent channel show", core.ada, GENERAL)
    assert reply.data == {"agent": "", "workspace": "", "approvers": []}
    assert "- Agent where none is named: none" in told(reply)


async def test_what_is_set_holds_there_and_is_recorded(core: Core) -> None:
    """In that channel and no other; what is not named stays, and `none` takes away."""
    text = "agent channel set --agent @Coder --workspace Shop --approvers @mel,dana@example.org"
    what = "agent: @coder; workspace: shop; approvers: Mel (U0MEL), dana (dana@example.org)"
    assert told(await core.does(text, core.ada, GENERAL)) == f"In this channel from now on: {what}."
    shown = (await core.does("agent channel show", core.ada, GENERAL)).data
    assert shown == {"agent": "coder", "workspace": "shop", "approvers": ["Mel", "dana"]}
    assert (await core.does("agent channel show", core.ada, BACK_ROOM)).data["agent"] == ""
    told(await core.does("agent channel set --agent none --approvers none", core.ada, GENERAL))
    shown = (await core.does("agent channel show", core.ada, GENERAL)).data
    assert shown == {"agent": "", "workspace": "shop", "approvers": []}
    first, second = [event.fact for event in await database.run(stream.replay, stream.HOUSE)]
    assert first == ChannelChanged(place=GENERAL.place, what=f"{what}.", by="Ada")
    assert second.what == "agent: none; approvers: none of its own."


async def test_a_channel_s_workspace_is_where_its_tasks_work(core: Core) -> None:
    """Unless the task names another."""
    told(await core.does("agent channel set --workspace shop", core.ada, GENERAL))
    told(await core.does("agent assign @coder x", core.mel, GENERAL))
    told(await core.does("agent assign @coder --in other x", core.mel, GENERAL))
    assert (await core.does("agent workspaces show shop", core.mel)).data["waiting"] == ["T-1"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("set", "Say what to change. Usage: `agent channel set [--agent @AGENT|none]"),
        ("set --agent @ghost", "There is no agent called @ghost."),
        ("set --workspace a/b", "--workspace cannot be used: 'a/b' names no workspace"),
        ("set --workspace T-1", "--workspace cannot be used: T-1 is one task's own workspace; name one"),
        ("set --workspace t12", "--workspace cannot be used: t12 is one task's own workspace; name one"),
        ("set --approvers @ghost", "Nobody is known as @ghost."),
    ],
)
async def test_mistakes(core: Core, text: str, says: str) -> None:
    """Each is a sentence, and leaves nothing."""
    assert refused(await core.does(f"agent channel {text}", core.ada, GENERAL)).startswith(says)
    assert list(await database.run(stream.replay, stream.HOUSE)) == []


@pytest.mark.parametrize("text", ["show", "set --workspace shop"])
async def test_a_channel_is_meant_where_it_is(core: Core, text: str) -> None:
    """Elsewhere there is no channel to mean; and it takes an admin."""
    said = refused(await core.does(f"agent channel {text}", core.ada, CLI))
    assert said == "Say this in the channel that it is about."
    assert "needs the role admin" in refused(await core.does(f"agent channel {text}", core.mel, GENERAL))


async def test_a_retired_agent_is_no_channel_s(core: Core) -> None:
    """It would refuse whatever is said there."""
    told(await core.does("agent retire @coder", core.ada))
    assert "@coder is retired" in refused(
        await core.does("agent channel set --agent @coder", core.ada, GENERAL)
    )
