"""`legwork doctor` asks each provider for its models: what is wrong there is told before a task meets it."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.house import furnished, opened
from bot.cli.doctor import Check
from bot.cli.doctor.models import check_models
from config.settings import Settings, given
from storage import agents, database
from tests.fakes.models import ModelServer, model_server


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A provider that has the model `a`."""
    async with model_server() as one:
        yield one


def named(home: Path, server: ModelServer, model: str, **changes: str) -> Settings:
    """Settings with a model of the server; changes are further settings, or others."""
    known = {
        "LEGWORK_HOME": str(home),
        "LEGWORK_MODEL": model,
        "OPENAI_BASE_URL": server.openai,
        "ANTHROPIC_BASE_URL": server.url,
        "OPENAI_API_KEY": "sk-secret",
        "ANTHROPIC_API_KEY": "sk-secret",
    }
    return given(**known | changes)


async def looked(settings: Settings) -> Check:
    """What doctor says of the models; never a key."""
    check = await check_models(furnished(settings))
    assert "sk-secret" not in check.line()
    return check


@pytest.mark.parametrize("model", ["openai:a", "anthropic:a", "openai:a, anthropic:a"])
@pytest.mark.parametrize("listed", ["a", "a:latest", "a-20250929", "models/a"])
async def test_a_model_that_is_listed_is_good(
    home: Path, server: ModelServer, model: str, listed: str
) -> None:
    """By its own name, or by the fuller one that some servers list it under."""
    server.names = ["z", listed]
    check = await looked(named(home, server, model))
    assert (check.state, check.mend) == ("good", "")
    assert "has it" in check.found
    assert not server.requests


@pytest.mark.parametrize("model", ["openai:a", "anthropic:a"])
async def test_a_refused_key(home: Path, server: ModelServer, model: str) -> None:
    """The setting with the key is named."""
    server.key = "sk-another"
    check = await looked(named(home, server, model))
    assert check.state == "bad"
    assert "refused the key" in check.found
    assert f"{model.partition(':')[0].upper()}_API_KEY" in check.mend


async def test_a_model_that_is_not_there(home: Path, server: ModelServer) -> None:
    """Those that there are, are named; it is a warning, because not every server lists all that it takes."""
    server.names = [f"m{number}" for number in range(7)]
    check = await looked(named(home, server, "openai:m"))
    assert check.state == "warn"
    assert check.mend == "Set LEGWORK_MODEL to one that it has: m0, m1, m2, m3, m4 and 2 more."


async def test_an_address_without_a_server(home: Path, server: ModelServer) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    check = await looked(named(home, server, "openai:a", OPENAI_BASE_URL=url))
    assert check.state == "bad"
    assert check.line().endswith("→ Start the server, or mend OPENAI_BASE_URL.")
    assert url in check.found


@pytest.mark.parametrize(
    ("model", "path", "mend"), [("openai:a", "", "end in /v1"), ("anthropic:a", "/v1", "without /v1")]
)
async def test_half_an_address(home: Path, server: ModelServer, model: str, path: str, mend: str) -> None:
    """A server is there, but not at that path."""
    wrong = {"OPENAI_BASE_URL": server.url + path, "ANTHROPIC_BASE_URL": server.url + path}
    check = await looked(named(home, server, model, **wrong))
    assert (check.state, "answers 404" in check.found) == ("warn", True)
    assert mend in check.mend


@pytest.mark.parametrize(
    ("model", "mend"),
    [("openai:a", "set OPENAI_API_KEY"), ("anthropic:a", "set ANTHROPIC_API_KEY"), ("gpt-5", "openai:gpt-5")],
)
async def test_what_can_be_seen_without_asking(
    home: Path, server: ModelServer, model: str, mend: str
) -> None:
    """A key that is missing, a name that is none."""
    nothing = dict.fromkeys(
        ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"), ""
    )
    check = await looked(named(home, server, model, **nothing))
    assert check.state == "bad"
    assert mend in check.mend


async def test_a_model_of_one_agent_is_looked_at(home: Path, server: ModelServer) -> None:
    """The worst of all models counts, and says whose it is; a retired agent needs none."""
    settings = named(home, server, "openai:a")

    def think_otherwise() -> None:
        coder, analyst = agents.find("coder"), agents.find("analyst")
        assert coder
        assert analyst
        agents.change(coder.id, model="openai:b")
        agents.change(analyst.id, model="openai:c", status="retired")

    async with opened(settings):
        await database.run(think_otherwise)
    check = await looked(settings)
    assert check.state == "warn"
    assert check.mend == "Set the model of @coder to one that it has: a."
    assert "openai:c" not in check.found
