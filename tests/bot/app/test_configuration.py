"""The configuration: checked whole, and applied by what runs as a service alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.app import configuration
from bot.app.house import opened
from bot.errors import LegworkError
from bot.events import Usage
from bot.models.prices import Prices
from config.settings import Settings, given
from storage import agents, database, policies, runbooks
from storage.tables import Agents
from tests.fakes.core import NOON, Core
from tests.fakes.terminal import Legwork

USED = Usage(read=1_000_000)
OWN = """
[[agents]]
name = "librarian"
about = "Finds notes."
open_to_stakeholders = true

[[agents]]
name = "coder"
about = "Ours."

[[policies]]
agent = "librarian"
tool = "terminal"
pattern = "curl*"
effect = "deny"

[[runbooks]]
name = "csv-summary"
about = "Ours."
agent = "coder"
text = "Sum {{file}}"
parameters = [{ name = "file" }]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The team's own file."""
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def rows() -> dict[str, Any]:
    return {
        "agents": {one.name: one.about for one in agents.everyone()},
        "policies": [(one.agent, one.pattern, one.effect) for one in policies.built_in()],
        "runbooks": {one.name: one.about for one in runbooks.every()},
    }


async def found(settings: Settings, *, configure: bool = False) -> dict[str, Any]:
    async with opened(settings, configure=configure):
        return await database.run(rows)


async def test_a_team_s_own_file_is_added_to_ours(home: Path, file: Path) -> None:
    """A new house has both; of a name that both have theirs counts."""
    there = await found(given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file)))
    assert set(there["agents"]) == {"coder", "analyst", "librarian"}
    assert there["agents"]["coder"] == "Ours."
    assert there["policies"] == [("", "git push*", "ask"), ("librarian", "curl*", "deny")]
    assert set(there["runbooks"]) == {"workspace-report", "csv-summary"}
    assert there["runbooks"]["csv-summary"] == "Ours."


async def test_only_a_service_applies_the_configuration(home: Path, file: Path) -> None:
    """What is opened in another environment reads the rows, and takes nothing of the team's away."""
    ours = given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file))
    bare = given(LEGWORK_HOME=home)
    before = await found(ours, configure=True)
    assert await found(bare) == before
    file.unlink()
    assert await found(ours) == before
    after = await found(bare, configure=True)
    assert after["policies"] == [("", "git push*", "ask")]
    assert after["runbooks"].keys() == before["runbooks"].keys()
    assert after["agents"] == before["agents"]


@pytest.mark.parametrize(
    "words",
    [
        ("do", "agent list"),
        ("policy", "explain", "coder", "terminal", "curl x"),
        ("token", "create", "--email", "oops@example.org", "--role", "admin"),
    ],
)
async def test_a_command_leaves_the_configuration_alone(
    home: Path, file: Path, words: tuple[str, ...]
) -> None:
    """Typed where LEGWORK_CONFIG is not set, it changes no rule of the house."""
    before = await found(given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file)), configure=True)
    await Legwork(home)(*words)
    assert await found(given(LEGWORK_HOME=home)) == before


async def test_migrate_applies_it(home: Path, file: Path) -> None:
    """As what runs as a service does."""
    await found(given(LEGWORK_HOME=home))
    ended = await Legwork(home)("migrate", LEGWORK_CONFIG=str(file))
    assert ended.code == 0, ended.err
    assert ("librarian", "curl*", "deny") in (await found(given(LEGWORK_HOME=home)))["policies"]


async def test_agents_are_only_added(core: Core, file: Path) -> None:
    """One whose name is taken stays as people made it."""
    await core.does("agent edit @coder --about Theirs", core.ada)
    await database.run(configuration.apply, str(file), NOON)
    assert (await database.run(lambda: Agents.get(name="coder"))).about == "Theirs"
    assert (await database.run(lambda: Agents.get(name="librarian"))).open_to_stakeholders


async def test_rules_may_name_agents_made_in_chat(core: Core, file: Path) -> None:
    """They are as much there as those of the files."""
    file.write_text('[[policies]]\nagent = "scout"\neffect = "deny"\n')
    with pytest.raises(LegworkError, match="there is no agent 'scout'"):
        await database.run(configuration.read, str(file))
    await core.does("agent create @scout", core.ada)
    await database.run(configuration.apply, str(file), NOON)
    assert ("scout", "", "deny") in (await database.run(rows))["policies"]


AGENT = '[[agents]]\nname = "c2"\n'
RULE = '[[policies]]\neffect = "deny"\n'
RUNBOOK_OF = '[[runbooks]]\nname = "r"\nabout = ""\n'
RUNBOOK = f'{RUNBOOK_OF}agent = "coder"\n'
PRICE = '[[prices]]\nmodel = "openai:a"\nwritten = 8\n'
BAD = {
    "agents = 3": "agents]]: each is a table of its own, which begins with [[agents]]",
    '[agents]\nname = "x"': "agents]]: each is a table of its own, which begins with [[agents]]",
    "agents = [3]": "agents]] number 1: input should be a valid dictionary",
    '[[agents]]\nabout = "x"': "agents]] number 1, name: it is missing",
    '[[agents]]\nname = ["x"]': "agents]] number 1, name: input should be a valid string",
    f'{AGENT}[[agents]]\nname = "Big Coder"': "agents]] number 2, name: 'Big Coder' can be no agent's name",
    '[[agents]]\nname = "task"': "agents]] number 1, name: task means something else; take another name",
    f'{AGENT}model = "gpt"': "agents]] number 1, model: 'gpt' is no model",
    f'{AGENT}workspace = "T-9"': "agents]] number 1, workspace: T-9 is one task's own workspace",
    f'{AGENT}status = "retired"': "agents]] number 1, status: there is no such key",
    f"{AGENT}open_to_stakholders = true": (
        "agents]] number 1, open_to_stakholders: there is no such key; there is name, about, model, "
        "instructions, workspace, hosts, open_to_stakeholders, own_approval"
    ),
    f'{RULE}tool = "terminl"': "policies]] number 1, tool: there is no tool 'terminl'; there is ask, files",
    f'{RULE}agent = "@coder"': (
        "policies]] number 1, agent: there is no agent '@coder'; there is analyst, coder, without an @"
    ),
    f'{RULE}until = "2030"': "policies]] number 1, until: there is no such key",
    '[[policies]]\neffect = "maybe"': "policies]] number 1, effect: input should be 'allow', 'ask' or 'deny'",
    "[[policies]]": "policies]] number 1, effect: it is missing",
    RUNBOOK: "runbooks]] number 1, text: it is missing",
    f'{RUNBOOK}text = "{{{{x}}}}"': "runbooks]] number 1: its text has {{x}}, and no parameter of that name",
    f'{RUNBOOK_OF}agent = "nobody"\ntext = ""': "runbooks]] number 1, agent: there is no agent 'nobody'",
    f'{RUNBOOK_OF}agent = ""\ntext = ""': "runbooks]] number 1, agent: there is no agent ''",
    f'{RUNBOOK}text = ""\nparameters = 3': (
        "runbooks]] number 1, parameters: each is a table of its own, which begins with "
        "[[runbooks.parameters]]"
    ),
    f'{RUNBOOK}text = ""\n[[runbooks.parameters]]\nname = "x"\ncolour = "red"': (
        "runbooks]] number 1, parameters number 1, colour: there is no such key; there is name, type, "
        "about, default, choices, pattern, min, max"
    ),
    "prices = 3": "prices]]: each is a table of its own, which begins with [[prices]]",
    f"{PRICE}read = -1": "prices]] number 1, read: input should be greater than or equal to 0",
    f"{PRICE}read = inf": "prices]] number 1, read: input should be a finite number",
    f"{PRICE}read = 1\nwrite = 1": (
        "prices]] number 1, write: there is no such key; there is model, read, written, cached, stored"
    ),
    PRICE: "prices]] number 1, read: it is missing",
    '[[runbook]]\nname = "x"': (
        "runbook]]: there is no such table; there is [[agents]], [[policies]], [[runbooks]], [[prices]]"
    ),
}


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize(("written", "says"), BAD.items())
async def test_what_cannot_be_used_is_named(file: Path, written: str, says: str) -> None:
    """File, table and key, what is wrong, and what to do; and the rows stay as they were."""
    file.write_text(written)
    before = await database.run(rows)
    with pytest.raises(LegworkError) as refusal:
        await database.run(configuration.apply, str(file), NOON)
    assert str(refusal.value).startswith(f"{file} cannot be used: [[{says}")
    assert str(refusal.value).endswith(". Mend it and start again.")
    assert json.dumps(await database.run(rows)) == json.dumps(before)


def test_a_team_s_prices_stand_after_ours(file: Path) -> None:
    """Theirs win; every model that the documentation names has a price."""
    ours = Prices(configuration.prices(""))
    for model in ("openai:gpt-5-mini", "anthropic:claude-sonnet-5-5"):
        assert ours.priced(model, USED).usd
    file.write_text('[[prices]]\nmodel = "openai:gpt-5*"\nread = 7\nwritten = 8\n')
    both = Prices(configuration.prices(str(file)))
    assert both.priced("openai:gpt-5-mini", USED).usd == 7
    other = "anthropic:claude-sonnet-5-5"
    assert both.priced(other, USED) == ours.priced(other, USED)
