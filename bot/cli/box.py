"""`legwork sandbox run`: one command in the sandbox, on a directory of the caller's choice."""

import os
import stat
import tempfile
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import Limits, Outcome, Owner, Sandbox, owner_for_this_process
from config.settings import ROOT_UID, Settings

MIB = 1 << 20

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
    settings: Settings, command: list[str], workspace: Path, timeout_s: float, memory_mb: int, disk_mb: int
) -> Outcome:
    """Run a command with the workspace as the only place it may write.

    Raises:
        UserMistake: The workspace is no directory, or not one to work in.
        SandboxUnavailable: There is no sandbox on this machine.
    """
    owner = workspace_of(settings, workspace)
    with tempfile.TemporaryDirectory(prefix="legwork-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)
        box = Sandbox(Path(scratch), owner)
        limits = Limits(timeout_s=timeout_s, memory_bytes=memory_mb * MIB, disk_bytes=disk_mb * MIB)
        return await box.run(command, workspace=workspace.absolute(), limits=limits)


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
