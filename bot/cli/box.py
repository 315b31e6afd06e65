"""`legwork sandbox run`: one command in the sandbox, on a directory of the caller's choice."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer

from bot.egress import Allowlist, Connection, Private, Rules, serving
from bot.errors import UserMistake
from bot.sandbox import Kind, Limits, Outcome, Owner, Sandbox, owner_for_this_process
from config.settings import ROOT_UID, Settings

# How deep the folders lie that belong to the system and to people (Filesystem Hierarchy Standard 3.0), and
# are never given away: /etc and all below it; /home and everyone's folder in it; /srv, but nothing below it.
_ALL_BELOW = 1_000
_SYSTEM_LEVELS = {
    **dict.fromkeys(
        ("bin", "boot", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys"), _ALL_BELOW
    ),
    **dict.fromkeys(("dev", "home", "run", "usr", "var"), 2),
    **dict.fromkeys(("media", "mnt", "opt", "root", "srv", "tmp"), 1),
}


async def run_boxed(
    settings: Settings, command: list[str], workspace: Path, limits: Limits, hosts: list[str]
) -> Outcome:
    """Run a command with the workspace as the only place it may write.

    Args:
        settings: The settings.
        command: The program and its arguments.
        workspace: The directory.
        limits: What it may use.
        hosts: What it may reach on the network, as in an allowlist; nothing if empty.

    Raises:
        UserMistake: The workspace is no directory, or not one to work in, or a host is none.
        SandboxUnavailable: There is no sandbox on this machine.
    """
    rules = Rules(
        Allowlist.parse(hosts),
        Private.parse(settings.egress_private),
        advice="Allow it with: --allow-host {host}",
    )
    owner = workspace_of(settings, workspace)
    with box_for(owner, settings.sandbox) as box:
        if not hosts:
            return await box.run(command, workspace=workspace.absolute(), limits=limits)
        async with contextlib.AsyncExitStack() as opened:
            session = await box.open(workspace.absolute(), limits, listen=True)
            opened.push_async_callback(session.close)
            assert session.listener is not None
            await opened.enter_async_context(serving(session.listener, rules, _tell))
            return await session.run(command)


def _tell(connection: Connection) -> None:
    """Say on standard error what was not let through: programs show little of it."""
    if connection.outcome != "allowed":
        typer.echo(f"legwork: {connection.why}", err=True)


@contextlib.contextmanager
def box_for(owner: Owner | None, kind: Kind) -> Iterator[Sandbox]:
    """A sandbox with a scratch folder of its own, for as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="legwork-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)
        yield Sandbox(Path(scratch), owner, kind=kind)


def workspace_of(settings: Settings, workspace: Path) -> Owner | None:
    """Make a directory one to work in; its owner, where that is not this process's own user.

    Raises:
        UserMistake: It is no directory, or not one to work in.
    """
    if not workspace.is_dir():
        raise UserMistake(f"{workspace} is no directory: make it, or name another with --workspace.")
    owner = owner_for_this_process(settings.sandbox_uid)
    if owner:
        _give(workspace.resolve(), owner)
    return owner


def _give(folder: Path, owner: Owner) -> None:
    """See that the sandbox's user may write in a folder: root's own is given to it, with nothing below.

    Raises:
        UserMistake: The folder is somebody else's, or the system's.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(opened)
        inside = folder.parts[1:]
        shared = found.st_mode & stat.S_ISVTX
        if not inside or shared or len(inside) <= _SYSTEM_LEVELS.get(inside[0], 0):
            raise UserMistake(
                f"{folder} is a folder of the system or of many people: make one for this, "
                "and name it with --workspace."
            )
        if found.st_uid == owner.uid or found.st_mode & stat.S_IWOTH:
            return
        if found.st_uid != ROOT_UID:
            raise UserMistake(
                f"{folder} belongs to the user {found.st_uid}, and the sandbox's user {owner.uid} cannot "
                f"write in it. Name another with --workspace, or give it: chown {owner.uid} {folder}"
            )
        os.fchown(opened, owner.uid, owner.gid)
    finally:
        os.close(opened)
