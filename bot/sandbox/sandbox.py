"""Running one command in a sandbox, and ending what others left running."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import pidfd
from bot.sandbox.availability import Bubblewrap, find_bwrap
from bot.sandbox.run import House, Order, Run
from bot.sandbox.terms import Handle, Limits, Outcome, Owner, Problem, SandboxUnavailable
from bot.sandbox.watch import Account, Watch

_THREADS = 8  # of its own, so that slow work elsewhere never holds up a meter
_DEATH_S = 10.0
_DEFAULT_LIMITS = Limits()


class Sandbox:
    """Runs commands in bubblewrap: alone, without network, within limits. See `bot.sandbox.policy`.

    One object serves a whole bot; any number of runs may be under way at once.

    Attributes:
        owner: Who owns the workspaces and runs inside; None where the bot is an ordinary user.

    Args:
        scratch: A folder on disk for the runs' /tmp and /dev/shm. Where the bot is root, the owner must be
            able to pass through the folders above it, and above the workspaces.
        owner: As above.
        bwrap: The bubblewrap program; the one on PATH by default.
    """

    def __init__(self, scratch: Path, owner: Owner | None, *, bwrap: Path | None = None) -> None:
        self._scratch = scratch
        self.owner = owner
        self._asked_for = bwrap
        self._bwrap: Bubblewrap | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sandbox")
        self._accounts: dict[Path, Account] = {}
        self._watches: set[Watch] = set()

    async def run(
        self,
        argv: Sequence[str],
        *,
        workspace: Path,
        limits: Limits = _DEFAULT_LIMITS,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        merge_stderr: bool = False,
        on_start: Callable[[Handle], Awaitable[None]] | None = None,
    ) -> Outcome:
        """Run a command in /workspace until it ends, with everything it started.

        Cancelling kills the sandbox at once and waits for its death. Call it from the loop's own thread.

        Args:
            argv: The program, looked up in the sandbox's PATH, and its arguments.
            workspace: The folder it works in; it exists, and belongs to the owner.
            limits: What it may use.
            env: Variables on top of the usual ones.
            stdin: What it reads; nothing by default.
            merge_stderr: Whether standard error goes to `stdout`, in the order it was printed.
            on_start: Told who the sandbox is before the command is let go, for another worker's `kill`.

        Raises:
            SandboxUnavailable: No sandbox can be had here; nothing was run.
            UserMistake: The command or the workspace is not usable.
        """
        if not argv:
            raise UserMistake("There is no command to run; name a program.")
        bwrap = await self.bubblewrap()
        order = Order(argv, workspace, limits, env, stdin, merge_stderr)
        house = House(bwrap.path, self._scratch, self.owner, self._threads, self._watches)
        try:
            run = Run(order, house, self._accounts.setdefault(workspace, Account()))
        except OSError as fault:
            short = "Look at the bot's disk, its memory and its limit of open files."
            raise SandboxUnavailable(Problem(f"It cannot be started ({fault}).", short)) from fault
        try:
            return await run.play(on_start)
        finally:
            await run.close()

    async def bubblewrap(self) -> Bubblewrap:
        """The bubblewrap that is used, looked at once.

        Raises:
            SandboxUnavailable: There is none that may be used.
        """
        if self._bwrap is None:
            self._bwrap = await asyncio.to_thread(find_bwrap, self._asked_for, self.owner)
        return self._bwrap


def kill(handle: Handle) -> bool:
    """End a sandbox that a dead or frozen worker left. Blocks for as long as its death takes.

    Args:
        handle: As `on_start` was told.

    Returns:
        True once it is certainly gone, also if it was before; False where it still lives after 10 seconds.
    """
    try:
        process = pidfd.open_process(handle.pid)
    except ProcessLookupError:
        return True
    try:
        if pidfd.started(handle.pid) != handle.started:
            return True
        pidfd.send_kill(process)
        return pidfd.wait_dead(process, _DEATH_S)
    except ProcessLookupError:
        return True
    finally:
        os.close(process)
