"""Running commands in a sandbox, and ending what others left running."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.errors import UserMistake
from bot.sandbox import cgroups, landlock, pidfd, policy
from bot.sandbox.availability import Bubblewrap, find_bwrap
from bot.sandbox.box import Box, House, Order
from bot.sandbox.cgroups import Groups
from bot.sandbox.landlock import Landlock
from bot.sandbox.run import play
from bot.sandbox.session import Session
from bot.sandbox.spawn import NO_COMMAND
from bot.sandbox.terms import Handle, Kind, Limits, Outcome, Owner, Problem, SandboxUnavailable
from bot.sandbox.watch import Account, Watch

_THREADS = 8  # of its own, so that slow work elsewhere never holds up a meter
_DEATH_S = 10.0
_KEEPER = Path(__file__).with_name("keeper.py")
_DEFAULT_LIMITS = Limits()
_NO_NETWORK = Problem(
    "A sandbox of Landlock has no network at all, so no host can be allowed.",
    "Take the agent's hosts away (`/agent edit @NAME --hosts none`), or let Legwork use bubblewrap.",
)


class Sandbox:
    """Runs commands in bubblewrap, or as `kind` says: alone, without network, within limits.

    One object serves a whole bot; any number of runs may be under way at once.

    Attributes:
        owner: Who owns the workspaces and runs inside; None where the bot is an ordinary user.
        groups: What the kernel holds sandboxes to, beside the meters; None where that cannot be had.

    Args:
        scratch: A folder on disk for the runs' /tmp and /dev/shm. Where the bot is root, the owner must be
            able to pass through the folders above it, and above the workspaces.
        owner: As above.
        bwrap: The bubblewrap program; the one on PATH by default.
        kind: What keeps commands in; never taken for want of the other.
    """

    def __init__(
        self,
        scratch: Path,
        owner: Owner | None,
        *,
        bwrap: Path | None = None,
        kind: Kind = "bubblewrap",
    ) -> None:
        self._scratch = scratch
        self.owner = owner
        self._asked_for = bwrap
        self._kind = kind
        self._wall: Bubblewrap | Landlock | None = None
        self.groups: Groups | None = None
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
            raise UserMistake(NO_COMMAND)
        order = Order(argv, workspace, limits, env, stdin, merge_stderr)
        return await play(await self._start(order), on_start)

    async def open(
        self,
        workspace: Path,
        limits: Limits = _DEFAULT_LIMITS,
        *,
        env: Mapping[str, str] | None = None,
        on_start: Callable[[Handle], Awaitable[None]] | None = None,
        listen: bool = False,
    ) -> Session:
        """Open a sandbox that takes one command after the other, and keeps what they leave running.

        Its limits hold for all of it together, also between commands; the time and the output are each
        command's own. Whatever happens, close it. Call it from the loop's own thread.

        Args:
            workspace: The folder it works in; it exists, and belongs to the owner.
            limits: What it may use.
            env: Variables on top of the usual ones.
            on_start: Told who the sandbox is before anything runs inside, for another worker's `kill`.
            listen: Whether it comes with a listener inside, and variables that lead programs there.

        Raises:
            SandboxUnavailable: No sandbox can be had here; nothing was run.
            UserMistake: The workspace is not usable.
        """
        if listen and not (await self.wall()).networks:
            raise SandboxUnavailable(_NO_NETWORK)
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            control, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.enter_context(control)
            theirs.enter_context(end)
            script = os.memfd_create("keeper")
            theirs.callback(os.close, script)
            os.write(script, _KEEPER.read_bytes())
            port = policy.PROXY_PORT if listen else 0
            keeper = [policy.interpreter(), "-I", "-S", f"/dev/fd/{script}", str(end.fileno()), str(port)]
            variables = {**(policy.proxied() if listen else {}), **(env or {})}
            given = [script, end.fileno()]
            order = Order(keeper, workspace, limits, variables, inherited=given, first=True)
            session = Session(await self._start(order), control, listen=listen)
            ours.pop_all()
        try:
            await session.begin(on_start)
        except BaseException:
            await session.close()
            raise
        return session

    async def _start(self, order: Order) -> Box:
        wall = await self.wall()
        house = House(wall, self._scratch, self.owner, self._threads, self.groups, self._watches)
        return Box(order, house, self._accounts.setdefault(order.workspace, Account()))

    async def wall(self) -> Bubblewrap | Landlock:
        """What keeps commands in, looked at once.

        Raises:
            SandboxUnavailable: It cannot be had here.
        """
        if self._wall is None:
            self.groups = await asyncio.to_thread(cgroups.find)
            if self._kind == "landlock":
                self._wall = await asyncio.to_thread(landlock.find, self.owner)
            else:
                self._wall = await asyncio.to_thread(find_bwrap, self._asked_for, self.owner)
        return self._wall


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
        pidfd.send(process, signal.SIGKILL if pidfd.is_namespaced(handle.pid) else signal.SIGTERM)
        return pidfd.wait_dead(process, _DEATH_S)
    except ProcessLookupError:
        return True
    finally:
        os.close(process)
