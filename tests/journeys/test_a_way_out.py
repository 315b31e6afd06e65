"""An admin lets an agent reach a host; nothing else is reached, and all of it is told."""

from collections.abc import AsyncIterator

import pytest

from bot import stream
from bot.events import HostAsked
from config.settings import Settings
from storage import database, tasks
from tests.fakes.team import Team
from tests.fakes.website import PAGE, website

CURL = "curl -sS -m 10 --noproxy ''"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a web server of this machine."""
    async with website() as port:
        yield port


@pytest.fixture
def settings(settings: Settings, port: int) -> Settings:
    """Whoever runs the bot opened the web server's address; which agents may go there is for an admin."""
    return settings.model_copy(update={"admins": ("U0DANA",), "egress_private": f"127.0.0.1:{port}"})


async def hosts_of(task_id: int) -> list[tuple[str, int, str, int]]:
    """What the task's log says of the network."""

    def read() -> list[tuple[str, int, str, int]]:
        events = stream.replay(tasks.get(task_id).stream_id)
        asked = [event.fact for event in events if isinstance(event.fact, HostAsked)]
        return [(one.host, one.port, one.outcome, one.received > 0) for one in asked]

    return await database.run(read)


async def test_only_what_an_admin_allowed_is_reached(team: Team, port: int) -> None:
    """Allowed hosts answer, others are refused with what to do; the log and the report have both."""
    allowed = await team.types('/agent edit @coder --hosts "localhost, *.example.org"', user="dana")
    assert "`localhost`, `*.example.org`" in allowed.json()["text"]
    script = f"{CURL} http://localhost:{port}/; echo; {CURL} https://elsewhere.example/ || true"
    await team.types(f"/agent assign @coder Fetch it\n```sh\n{script}\n```")
    shown = await team.settled("done")
    page, *_, why = shown["steps"][0]["output"].splitlines()
    assert page == PAGE
    assert why == (
        "[The host elsewhere.example is not allowed for this agent. "
        'An admin can allow it with: agent edit @coder --hosts "localhost,*.example.org,elsewhere.example"]'
    )
    told = [(one["host"], one["port"], one["outcome"]) for one in shown["hosts"]]
    assert told == [("localhost", port, "allowed"), ("elsewhere.example", 443, "refused")]
    assert "1 host refused" in (await team.does("task show T-1")).text
    assert await hosts_of(1) == [
        ("localhost", port, "allowed", True),
        ("elsewhere.example", 443, "refused", False),
    ]


async def test_what_is_taken_away_holds_from_the_next_call(team: Team, port: int) -> None:
    """An agent whose hosts are taken away while it works has no network from its next command on."""
    await team.types("/agent edit @coder --hosts localhost", user="dana")
    first = f"{CURL} http://localhost:{port}/; touch begun; until [ -e go ]; do sleep 0.02; done"
    second = f"{CURL} http://localhost:{port}/ || env | grep -ci _proxy || true"
    await team.types(f"/agent assign @coder Fetch it\n```sh\n{first}\n```\n```sh\n{second}\n```")
    await team.comes_true(lambda: _there(team))
    await team.types("/agent edit @coder --hosts none", user="dana")
    (team.workspace() / "go").touch()
    shown = await team.settled("done")
    assert shown["steps"][0]["output"].startswith(PAGE)
    assert PAGE not in shown["steps"][1]["output"]
    assert shown["steps"][1]["output"].splitlines()[-1] == "0"


async def test_what_a_stopped_task_sent_is_told(team: Team, port: int) -> None:
    """Whoever cancels a task in alarm finds in its log where it was talking to, and how much was said."""
    await team.types("/agent edit @coder --hosts localhost", user="dana")
    script = f"{CURL} -d secret http://localhost:{port}/; touch begun; sleep 600"
    await team.types(f"/agent assign @coder Send it\n```sh\n{script}\n```")
    await team.comes_true(lambda: _there(team))
    await team.types("/task cancel T-1")
    await team.comes_true(lambda: _told(port))


async def _told(port: int) -> bool:
    return await hosts_of(1) == [("localhost", port, "allowed", True)]


async def _there(team: Team) -> bool:
    return (team.workspace() / "begun").exists()
