"""What every part of the bot stands on: the data folder, the keys, the database, the sandbox."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bot import stream
from bot.artifacts import Artifacts
from bot.errors import LegworkError
from bot.sandbox import Owner, Sandbox, owner_for_this_process
from bot.vault import Keyring
from bot.workspaces import Workspaces
from config.settings import Settings, defaults
from storage import agents, database


def now() -> datetime:
    """The clock of the house."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """The data folder and the database, open."""

    settings: Settings
    owner: Owner | None
    workspaces: Workspaces
    artifacts: Artifacts
    box: Sandbox


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[House]:
    """Open the data folder and the database; what is missing is made."""
    home = settings.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711)  # the sandbox's user passes through to its workspaces, and sees no names
    except OSError as error:
        raise LegworkError(
            f"The data folder {home} cannot be used: {error.strerror}. Name another in LEGWORK_HOME."
        ) from error
    stream.seal_with(Keyring.load(settings.secret_keys.get_secret_value(), home))
    database.open(settings.database)
    try:
        await database.run(_furnish)
        owner = owner_for_this_process(settings.sandbox_uid)
        yield House(
            settings=settings,
            owner=owner,
            workspaces=Workspaces(home / "workspaces", owner),
            artifacts=Artifacts(home / "artifacts"),
            box=Sandbox(home / "scratch", owner),
        )
    finally:
        database.close()


def _furnish() -> None:
    """Add the agents that a new installation starts with."""
    for agent in defaults()["agents"]:
        if agents.find(agent["name"]) is None:
            agents.add(agent["name"], agent["about"])
