"""`legwork sandbox run`: one command in the sandbox, on a directory of the caller's choice."""

import tempfile
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import Limits, Outcome, Sandbox, owner_for_this_process
from config.settings import Settings

MIB = 1 << 20


async def run_boxed(
    settings: Settings, command: list[str], workspace: Path, timeout_s: float, memory_mb: int, disk_mb: int
) -> Outcome:
    """Run a command with the workspace as the only place it may write.

    Raises:
        UserMistake: The workspace is no directory.
        SandboxUnavailable: There is no sandbox on this machine.
    """
    if not workspace.is_dir():
        raise UserMistake(f"{workspace} is no directory: make it, or name another with --workspace.")
    with tempfile.TemporaryDirectory(prefix="legwork-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)
        box = Sandbox(Path(scratch), owner_for_this_process(settings.sandbox_uid))
        limits = Limits(timeout_s=timeout_s, memory_bytes=memory_mb * MIB, disk_bytes=disk_mb * MIB)
        return await box.run(command, workspace=workspace.absolute(), limits=limits)
