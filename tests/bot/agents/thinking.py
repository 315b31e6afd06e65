"""A team whose agents think with a model on a loopback port."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from bot import stream
from bot.app.worker import worker
from bot.events import AnyFact
from storage import database, tasks
from tests.fakes.models import ModelServer
from tests.fakes.post import until
from tests.fakes.team import Team


async def facts(task_id: int = 1) -> list[AnyFact]:
    """All that was recorded about a task."""
    events = await database.run(lambda: stream.replay(tasks.get(task_id).stream_id))
    return [event.fact for event in events]


async def state(team: Team, task_id: int = 1) -> str:
    """Where a task stands."""
    return str((await team.does(f"task show T-{task_id}")).data["state"])


async def ended(team: Team, task_id: int = 1) -> dict[str, Any]:
    """Wait until a task is over; what is shown of it."""

    async def over() -> bool:
        return await state(team, task_id) in ("done", "failed", "cancelled")

    await until(over)  # it may be another process that ends it
    return dict((await team.does(f"task show T-{task_id}")).data)


def told(server: ModelServer, request: int = -1) -> list[tuple[str, str]]:
    """The history of a request: who spoke, and what."""
    return [(m["role"], m["content"] or "") for m in server.requests[request]["messages"]]


@contextlib.asynccontextmanager
async def thinking(
    team: Team, server: ModelServer, model: str = "openai:a", **changes: Any
) -> AsyncIterator[None]:
    """A worker whose agents think with a server; changes are those of the settings."""
    told_so = {
        "model": model,
        "openai_base_url": server.openai,
        "anthropic_base_url": server.url,
        "model_retry_seconds": 0.01,
        **changes,
    }
    house = replace(team.house, settings=team.house.settings.model_copy(update=told_so))
    async with worker(house):
        yield
