"""Commands about runbooks, workspaces and dead letters."""

import pytest

from bot.runbooks import Runbook, to_row
from bot.work import runs
from storage import database, deliveries, runbooks, tasks
from storage.tables import Notices, Subscriptions
from tests.bot.commands.answers import refused, told
from tests.fakes.core import BACK_ROOM, GENERAL, NOON, Core, after, held

DISK = {
    "name": "disk-report",
    "about": "Shows what fills a folder.",
    "agent": "coder",
    "text": "Look at {{path}}\n```sh\ndu -d {{depth}} -- {{path}}\n```\n",
    "parameters": [
        {"name": "path", "about": "The folder."},
        {"name": "depth", "type": "integer", "default": 2},
    ],
}


@pytest.fixture
async def written(core: Core) -> Core:
    """A house with a runbook."""
    await database.run(lambda: runbooks.sync([to_row(Runbook.model_validate(DISK))]))
    return core


async def test_runbooks_are_listed_with_what_they_take(written: Core) -> None:
    """The usage, ready to be copied, and what each parameter is."""
    reply = await written.does("agent runbooks", written.mel)
    assert told(reply).splitlines() == [
        "- `agent run disk-report path=TEXT [depth=2]` — Shows what fills a folder. (@coder)",
        "    - path: The folder.",
    ]
    assert [one["name"] for one in reply.data["runbooks"][0]["parameters"]] == ["path", "depth"]


async def test_without_runbooks_it_is_said_so(core: Core) -> None:
    """An empty list says who can change that."""
    assert told(await core.does("agent runbooks", core.mel)).startswith("There are no runbooks:")


async def test_a_runbook_opens_a_task(written: Core) -> None:
    """For its agent, with the values in its text and the command as its title."""
    reply = await written.does('agent run Disk-Report path="/var/my log" depth=1', written.mel, GENERAL)
    assert told(reply) == '**T-1** is queued for @coder: disk-report path="/var/my log" depth=1'
    task = await database.run(tasks.get, 1)
    assert (task.title, task.agent.name) == ('disk-report path="/var/my log" depth=1', "coder")
    assert task.text == "Look at /var/my log\n```sh\ndu -d 1 -- '/var/my log'\n```\n"


async def test_a_runbook_asks_no_model(written: Core) -> None:
    """Whatever model its agent has, or the next one, its blocks are run as they stand."""
    told(await written.does("agent edit @coder --model openai:a", written.ada))
    told(await written.does("agent edit @analyst --model anthropic:a", written.ada))
    told(await written.does("agent run disk-report path=x", written.mel))
    told(await written.does("agent assign @coder Look at x", written.mel))
    claims = [await held(), await held()]
    assert [claim.model for claim in claims] == ["runbook", "openai:a"]
    for claim in claims:
        told(await written.does(f"task assign {claim.key} @analyst", written.mel))
        await database.run(runs.let_go, claim)
    assert [(await held()).model, (await held()).model] == ["runbook", "anthropic:a"]


async def test_a_runbook_works_where_it_is_told(written: Core) -> None:
    """In a named workspace, or where another task has left its files."""
    told(await written.does("agent run disk-report --in shop path=x", written.mel))
    told(await written.does("agent run disk-report --in T-1 path=x", written.mel))
    shown = await written.does("agent workspaces show shop", written.mel)
    assert shown.data["waiting"] == ["T-1", "T-2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("disk-report", "path= is missing. Usage: `agent run disk-report path=TEXT [depth=2]`"),
        ("disk-report path=x depth=many", "depth= cannot be used: input should be a valid integer"),
        ("disk-report path=x colour=red", "disk-report takes path, depth, and no colour."),
        ("disk-rapport path=x", "There is no runbook called disk-rapport. Did you mean `disk-report`?"),
        ("zzz", "There is no runbook called zzz. See them all: agent runbooks"),
    ],
)
async def test_a_wrong_run_opens_nothing(written: Core, text: str, says: str) -> None:
    """A sentence, with the usage or the nearest name."""
    assert refused(await written.does(f"agent run {text}", written.mel)).startswith(says)
    assert (await written.does("task list", written.ada)).data == {"tasks": []}


async def test_stakeholders_run_nothing(written: Core) -> None:
    """That takes a member."""
    for text in ("agent runbooks", "agent run disk-report path=x", "agent workspaces list"):
        assert "needs the role member" in refused(await written.does(text, written.dana))


async def test_a_workspace_shows_who_holds_it_and_who_waits(core: Core) -> None:
    """One task at a time, urgent ones first; a task's own workspace is no named one."""
    assert "There are no named workspaces yet" in told(await core.does("agent workspaces list", core.mel))
    await core.opens()
    for options in ("", "", "--priority high "):
        told(await core.does(f"agent assign @coder --in shop {options}Fix it", core.mel))
    claims = [await held("w1"), await held("w2")]
    assert {claim.task_id for claim in claims} == {1, 4}
    reply = await core.does("agent workspaces list", core.mel)
    assert reply.data == {"workspaces": [{"name": "shop", "held_by": "T-4", "waiting": ["T-2", "T-3"]}]}
    assert told(reply) == "- **shop** — T-4 Fix it (queued) works in it, 2 waiting"
    shown = told(await core.does("agent workspaces show SHOP", core.mel))
    assert shown.splitlines()[1:] == ["- T-2 Fix it (queued)", "- T-3 Fix it (queued)"]


async def test_a_workspace_does_not_tell_what_is_private(core: Core) -> None:
    """Who may not see a task sees its number, and no workspace of its own."""
    told(await core.does("agent assign @coder --in shop Secret", core.ben, BACK_ROOM))
    await core.opens("Secret too", asker=core.ben, origin=BACK_ROOM)
    said = refused(await core.does("agent workspaces show shop", core.mel))
    assert said == "There is no workspace called shop. Try: agent workspaces list"
    assert "no named workspaces" in told(await core.does("agent workspaces list", core.mel))
    assert "private discussion" in refused(await core.does("agent assign @coder --in shop ls", core.mel))
    assert "shop" in told(await core.does("agent workspaces list", core.ben, BACK_ROOM))
    assert "There is no task T-2 that you can see" in refused(
        await core.does("agent workspaces show t-2", core.mel)
    )
    assert told(await core.does("agent workspaces show t-2", core.ben)) == (
        "**t-2** — free, 1 waiting\n- T-2 Secret too (queued)"
    )


async def test_an_unknown_workspace(core: Core) -> None:
    """The answer says where the known ones are."""
    said = refused(await core.does("agent workspaces show shop", core.mel))
    assert said == "There is no workspace called shop. Try: agent workspaces list"


async def test_dead_letters_are_shown_to_admins(core: Core) -> None:
    """Of tasks and of notices, newest first, with what the far end said."""
    assert told(await core.does("agent deadletters", core.ada)) == "There are no dead letters."
    await core.opens(origin=GENERAL)

    def kill() -> None:
        subscription = Subscriptions.get()
        deliveries.begin(subscription.id, 1, "root", NOON)
        deliveries.dead(subscription.id, 1, "root", "channel_not_found", NOON)
        said = {"outlet": "email", "address": "a@b.org", "text": "x", "state": "dead", "error": "550 no"}
        Notices.create(at=after(60), **said)

    await database.run(kill)
    reply = await core.does("agent deadletters", core.ada)
    assert told(reply).splitlines() == [
        "- 21 November 12:01 UTC, email to a@b.org: 550 no",
        "- 21 November 12:00 UTC, slack to C0GENERAL, of T-1: channel_not_found",
    ]
    assert [letter["task"] for letter in reply.data["dead_letters"]] == [None, "T-1"]
    assert "needs the role admin" in refused(await core.does("agent deadletters", core.mel))
