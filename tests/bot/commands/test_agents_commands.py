"""Commands about agents: who may give them tasks, what is shown of them, how admins change them."""

import pytest

from bot import stream
from bot.events import AgentChanged, AnyFact
from storage import database, tasks
from tests.bot.commands.answers import refused, told
from tests.fakes.core import GENERAL, Core, claimed


async def facts() -> list[AnyFact]:
    return [event.fact for event in await database.run(stream.replay, stream.HOUSE)]


async def changes() -> list[str]:
    """What the house's log says of agents."""
    return [fact.what for fact in await facts() if isinstance(fact, AgentChanged)]


async def test_options_of_assign_are_kept(core: Core) -> None:
    """Where, how urgent and for how much stands in the task's row."""
    text = "agent assign @coder --in Shop --priority high --budget 30m,2usd --notify a@b.org Fix --it"
    reply = await core.does(text, core.mel)
    assert told(reply) == "**T-1** is queued for @coder: Fix --it\nResults go to a@b.org too."
    task = await database.run(tasks.get, 1)
    assert (task.priority, task.budget, task.text) == (1, "2usd,30m", "Fix --it")
    assert (await core.does("agent workspaces show shop", core.mel)).data["waiting"] == ["T-1"]


@pytest.mark.parametrize("option", ["--priority top", "--budget much", "--in a/b", "--notify nobody"])
async def test_wrong_options_are_answered_with_the_usage(core: Core, option: str) -> None:
    """Each names the option, and the usage follows."""
    said = refused(await core.does(f"agent assign @coder {option} x", core.mel))
    assert said.startswith(f"{option.split(maxsplit=1)[0]} cannot be used: ")
    assert "Usage: `agent assign @AGENT [--in WORKSPACE]" in said


async def test_stakeholders_use_what_is_open_to_them(core: Core) -> None:
    """No agent is, until an admin opens one; and they mail nobody, nor enter a team's workspace."""
    said = refused(await core.does("agent assign @coder Say hello", core.dana))
    assert said.startswith("@coder is not open to stakeholders. An admin can open an agent:")
    told(await core.does("agent edit @coder --stakeholders yes", core.ada))
    assert "is queued" in told(await core.does("agent assign @coder Say hello", core.dana))
    said = refused(await core.does("agent assign @analyst Say hello", core.dana))
    assert "@analyst is not open to stakeholders, but @coder is." in said
    for option in ("--in shop", "--notify eve@example.org"):
        said = refused(await core.does(f"agent assign @coder {option} x", core.dana))
        assert "need the role member" in said
    told(await core.does("agent assign @coder --in shop x", core.mel))


async def test_an_unknown_agent_is_as_shut_as_any(core: Core) -> None:
    """A stakeholder does not learn which agents there are."""
    assert refused(await core.does("agent assign @ghost x", core.dana)).startswith(
        "@ghost is not open to stakeholders."
    )


async def test_agents_are_made(core: Core) -> None:
    """With all that can be said of them, which `agent show` says again; the log has it too."""
    text = (
        'agent create @Writer --about "Writes \\"prose\\"." --model runbook --workspace docs '
        '--instructions "Be brief.\nBe kind." --stakeholders yes --own-approval no '
        "--approvers @mel,<@U0BEN|Ben, the second>,dana@example.org"
    )
    assert told(await core.does(text, core.ada)) == "**@writer** is ready: `agent assign @writer TEXT`"
    shown = await core.does("agent show @writer", core.mel)
    assert told(shown).splitlines() == [
        '**@writer** — Writes "prose".',
        "- Status: active, with no open tasks",
        "- Model: runbook",
        "- Works in: docs",
        "- Reaches on the network: nothing",
        "- Open to stakeholders: yes",
        "- Approvers: Mel, Ben, dana",
        "- Whoever asked may approve: no",
        "- Rules of its own: 0; see `agent tools @writer`",
        "",
        "Its instructions:",
        "",
        "> Be brief.",
        "> Be kind.",
    ]
    assert shown.data["approvers"] == ["Mel", "Ben", "dana"]
    (change,) = await changes()
    assert change == (
        '@writer was made; about: Writes "prose".; model: runbook; instructions: Be brief.\nBe kind.; '
        "workspace: docs; open to stakeholders: yes; whoever asked may approve: no; "
        "approvers: Mel (U0MEL), Ben (U0BEN), dana (dana@example.org)."
    )


async def test_what_is_not_named_stays(core: Core) -> None:
    """An edit changes what it names, and can take away."""
    told(await core.does("agent edit @coder --workspace shop --approvers @mel --own-approval yes", core.ada))
    before = (await core.does("agent show @coder", core.ada)).data
    told(await core.does('agent edit @coder --about "Codes."', core.ada))
    after = (await core.does("agent show @coder", core.ada)).data
    assert after == {**before, "about": "Codes."}
    text = "agent edit @coder --workspace none --approvers none --own-approval default --model default"
    assert "approvers: any member" in told(await core.does(text, core.ada))
    after = (await core.does("agent show @coder", core.ada)).data
    assert (after["workspace"], after["approvers"], after["own_approval"]) == ("", [], "default")


async def test_hosts_that_an_agent_reaches(core: Core) -> None:
    """None at first; those that are named are kept as they will be compared, and can be taken away."""
    assert (await core.does("agent show @coder", core.mel)).data["hosts"] == []
    text = 'agent edit @coder --hosts "Docs.Python.org,*.example.org, docs.python.org git.example.net:8443"'
    hosts = "`docs.python.org`, `*.example.org`, `git.example.net:8443`"
    said = told(await core.does(text, core.ada))
    assert said == f"**@coder** is changed: reaches on the network: {hosts}."
    shown = await core.does("agent show @coder", core.mel)
    assert f"- Reaches on the network: {hosts}" in told(shown).splitlines()
    assert shown.data["hosts"] == ["docs.python.org", "*.example.org", "git.example.net:8443"]
    assert told(await core.does("agent edit @coder --hosts none", core.ada)).endswith("the network: nothing.")
    assert "- Reaches on the network: nothing" in told(await core.does("agent show @coder", core.mel))
    assert len(await changes()) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent create @coder", "There is an agent called @coder already."),
        ("agent create @all", "@AGENT cannot be used: all means something else; take another name."),
        ("agent create @9lives", "@AGENT cannot be used: '9lives' can be no agent's name"),
        ("agent create @a_b", "@AGENT cannot be used: 'a_b' can be no agent's name"),
        ("agent create @w --model magic:1", "--model cannot be used: 'magic:1' is no model."),
        (
            "agent edit @coder --workspace T-999",
            "--workspace cannot be used: T-999 is one task's own workspace",
        ),
        ("agent create @w --workspace t9", "--workspace cannot be used: t9 is one task's own workspace"),
        ("agent edit @coder", "Say what to change. Usage: `agent edit @AGENT [--about"),
        ("agent edit @ghost --about x", "There is no agent called @ghost. There is @analyst, @coder."),
        ("agent edit @coder --approvers @ghost", "Nobody is known as @ghost."),
        ("agent edit @coder --stakeholders perhaps", "--stakeholders cannot be used: 'perhaps' is neither"),
        ("agent edit @coder --hosts w3.org/a", "--hosts cannot be used: 'w3.org/a' is more than a host"),
        ("agent edit @coder --hosts *.org", "--hosts cannot be used: 'org' is no host that"),
        ("agent resume @coder", "@coder is active already."),
    ],
)
async def test_mistakes_of_admins(core: Core, text: str, says: str) -> None:
    """Each is a sentence, and leaves nothing."""
    assert refused(await core.does(text, core.ada)).startswith(says)
    assert [agent["name"] for agent in (await core.does("agent list", core.ada)).data["agents"]] == [
        "analyst",
        "coder",
    ]
    assert await facts() == []


@pytest.mark.parametrize("verb", ["create", "edit", "pause", "resume", "retire"])
async def test_members_change_no_agents(core: Core, verb: str) -> None:
    """That takes an admin."""
    assert "needs the role admin" in refused(await core.does(f"agent {verb} @coder", core.mel))


async def test_a_paused_agent_lets_its_tasks_wait(core: Core) -> None:
    """They are queued, and it is said so; resumed, it goes on."""
    told(await core.does("agent pause @coder", core.ada))
    assert "(paused)" in told(await core.does("agent list", core.mel))
    said = told(await core.does("agent assign @coder x", core.mel, GENERAL))
    assert said.endswith("@coder is paused: the task begins once an admin resumes it.")
    assert await claimed() is None
    assert refused(await core.does("agent pause @coder", core.ada)) == "@coder is paused already."
    told(await core.does("agent resume @coder", core.ada))
    assert await claimed() is not None
    assert await changes() == ["@coder is paused.", "@coder is active."]


async def test_a_retired_agent_takes_no_new_tasks(core: Core) -> None:
    """It ends those it has; nobody pauses it, and an admin brings it back."""
    await core.opens()
    told(await core.does("agent retire @coder", core.ada))
    assert await claimed() is not None
    assert "@coder is retired" in refused(await core.does("agent assign @coder x", core.mel))
    assert "Bring it back first" in refused(await core.does("agent pause @coder", core.ada))
    told(await core.does("agent resume @coder", core.ada))
    assert (await core.does("agent show @coder", core.mel)).data["open_tasks"] == 1
    told(await core.does("agent assign @coder x", core.mel))
