"""What every part of the bot stands on: the data folder, the keys, the database, the sandbox."""

import contextlib
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot import people, stream
from bot.app import configuration
from bot.app.faults import FAULTS, told
from bot.artifacts import Artifacts
from bot.errors import LegworkError
from bot.sandbox import Owner, Sandbox, owner_for_this_process
from bot.vault import Keyring
from bot.workspaces import Workspaces
from config.settings import ROOT_UID, Settings
from storage import agents, database

PASSABLE = 0o711  # the sandbox's user passes through to its workspaces, and sees no names


def now() -> datetime:
    """The clock of the house."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """The data folder with what lies in it; the database is open beside it, see `opened`."""

    settings: Settings
    owner: Owner | None
    workspaces: Workspaces
    artifacts: Artifacts
    box: Sandbox
    keyring: Keyring


def data_folder(path: Path, named_by: str = "LEGWORK_HOME") -> Path:
    """The data folder, made if it is not there.

    A folder that was there is left as it is, unless it is empty: whoever names one of the system's by mistake
    finds it unchanged.

    Args:
        path: Where it is.
        named_by: How a person names it.

    Returns:
        Its absolute path.

    Raises:
        LegworkError: It cannot be used; says what to do.
    """
    path = path.absolute()
    another = f"Name another with {named_by}"
    try:
        path.mkdir(mode=PASSABLE, parents=True, exist_ok=True)
        found, empty = path.stat(), not any(path.iterdir())
        mine = found.st_uid == os.geteuid()
        shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        shut = os.geteuid() == ROOT_UID and not found.st_mode & stat.S_IXOTH
        of_many = found.st_mode & stat.S_ISVTX
        if mine and empty and not of_many and (shared or shut):
            path.chmod(PASSABLE)
            return path
    except OSError as error:
        raise _unusable(path, f"{error.strerror}. {another}.") from error
    if not mine:
        raise _unusable(path, f"it belongs to the user {found.st_uid}. {another}.")
    if shared:
        keep_out = "." if of_many else f", or keep them out: chmod go-w {path}"
        raise _unusable(path, f"others may write in it. {another}{keep_out}")
    if shut:
        raise _unusable(
            path, f"the sandbox's user cannot pass through it. {another}, or let it: chmod o+x {path}"
        )
    return path


def _unusable(path: Path, why: str) -> LegworkError:
    return LegworkError(f"The data folder {path} cannot be used: {why}")


def furnished(settings: Settings) -> House:
    """The data folder with its keys, workspaces, artifacts and sandbox; what is missing is made.

    Raises:
        LegworkError: The data folder cannot be used.
    """
    home = data_folder(settings.home)
    keyring = Keyring.load(settings.secret_keys.get_secret_value(), home)
    stream.seal_with(keyring)
    people.settings_name(settings.admins)
    owner = owner_for_this_process(settings.sandbox_uid)
    return House(
        settings=settings,
        owner=owner,
        workspaces=Workspaces(home / "workspaces", owner),
        artifacts=Artifacts(home / "artifacts"),
        box=Sandbox(home / "scratch", owner, kind=settings.sandbox),
        keyring=keyring,
    )


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, configure: bool = False) -> AsyncIterator[House]:
    """Open the data folder and the database; what is missing is made.

    Args:
        settings: The settings.
        configure: Policies and runbooks become those that the settings' configuration names now. That is for
            what runs as a service: a command typed in another environment would take the team's away. A new
            database is configured in any case.

    Yields:
        The house; it is shut afterwards.

    Raises:
        LegworkError: One of them, or the configuration, cannot be used.
        BadSettingsError: The file of the configuration cannot be read.
    """
    house = furnished(settings)
    try:
        try:
            database.open(settings.database)
            await database.run(_move_in, settings.config, configure)
        except FAULTS as error:
            raise LegworkError(f"{settings.database} cannot be used: {told(error)}") from error
        yield house
    finally:
        database.close()


def _move_in(own: str, configure: bool) -> None:  # noqa: FBT001  passed through `database.run`
    if configure or not agents.everyone():
        configuration.apply(own, now())
