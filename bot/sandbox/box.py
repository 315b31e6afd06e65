"""A started sandbox, from its folders to its end: what a single run and a session have in common."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bot.events import Ending
from bot.sandbox import tree
from bot.sandbox.bubble import Bubble
from bot.sandbox.cgroups import Groups
from bot.sandbox.meters import Proc
from bot.sandbox.scratch import Scratch
from bot.sandbox.spawn import Ends, spawn
from bot.sandbox.streams import Streams
from bot.sandbox.terms import Handle, Limits, Owner, Problem, Room, SandboxUnavailable
from bot.sandbox.watch import Account, Watch

_DEATH_S = 20.0  # seconds in which the kernel ends a killed sandbox, on a machine under heavy load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be run; see `Sandbox.run` for the meaning of each.

    Attributes:
        inherited: Descriptors that the command names.
        first: Whether the command is the sandbox's process 1.
    """

    argv: Sequence[str]
    workspace: Path
    limits: Limits
    env: Mapping[str, str] | None
    stdin: bytes | None = None
    merge_stderr: bool = True
    inherited: Sequence[int] = ()
    first: bool = False


class Wall(Protocol):
    """What keeps commands in."""

    @property
    def processes(self) -> Callable[[int], Proc]:
        """Finds a sandbox's processes by its first."""

    def command(self, ends: Ends, room: Room, order: Order) -> list[str]:
        """The command line that sets a sandbox up and runs inside what is ordered.

        Raises:
            UserMistake: A variable's name or value cannot be passed on.
        """

    def why_it_failed(self, said: str, owner: Owner | None, folders: Sequence[Path]) -> Problem:
        """What is wrong where it gave up, by what it said on its standard error."""


@dataclass(frozen=True, slots=True)
class House:
    """What all sandboxes of one `Sandbox` share."""

    wall: Wall
    scratch: Path
    owner: Owner | None
    threads: Executor
    groups: Groups | None
    watches: set[Watch]


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Tell what is missing where a command cannot be started."""
    try:
        yield
    except OSError as fault:
        short = "Look at the bot's disk, its memory and its limit of open files."
        raise SandboxUnavailable(Problem(f"It cannot be started ({fault}).", short)) from fault


class Box:
    """A started sandbox. Whatever happens, `close` it.

    Attributes:
        order: What it was started for.
        bubble: Its processes.
        streams: What its command reads and prints.
        watch: Its meters.
        over: Done when it is dead, or is being killed for a limit that was passed: that is the result.
        busy: Whether a command is under way. While none is, and nothing else runs inside, the meters rest.

    Args:
        order: What shall be run.
        house: What it shares with others.
        account: What is known of its workspace.

    Raises:
        UserMistake: The command or the workspace is not usable.
        SandboxUnavailable: It cannot be started.
    """

    def __init__(self, order: Order, house: House, account: Account) -> None:
        self.order, self._house, self._account = order, house, account
        self.over: asyncio.Future[Ending | None] = asyncio.get_running_loop().create_future()
        self.busy = True
        self._calls = self._printed = 0
        self._awake = asyncio.Event()
        self._awake.set()
        self._meters: list[asyncio.Task[None]] = []
        limits = order.limits
        with explained(), contextlib.ExitStack() as made:
            workspace = tree.open_root(order.workspace)
            made.callback(os.close, workspace)
            scratch = Scratch(house.scratch, house.owner)
            made.callback(scratch.remove)
            folders = [workspace, scratch.temporary, scratch.shared_memory]
            user = house.owner or Owner(os.getuid(), os.getgid())
            room = Room(workspace, scratch.temporary, scratch.shared_memory, user)
            self._group = house.groups.make(limits) if house.groups else None
            if self._group is not None:
                made.callback(self._group.remove)
            self.watch = Watch(limits, folders, account, house.watches, house.wall.processes, self._group)
            made.callback(self.watch.close)
            self.streams = self.make_streams(order.stdin, merged=order.merge_stderr)
            made.callback(self.streams.close)
            spawned = spawn(
                lambda ends: house.wall.command(ends, room, order),
                inherited=[*folders, *order.inherited],
                streams=self.streams.theirs,
                owner=house.owner,
            )
            self.streams.pass_on()
            self.bubble = Bubble(spawned)
            made.callback(self.bubble.destroy)
            self._made = made.pop_all()
        self.bubble.finished.add_done_callback(self._see_death)

    async def begin(self, on_start: Callable[[Handle], Awaitable[None]] | None) -> bool:
        """Let the command go once it is known who it is, and measure it; False where bubblewrap failed."""
        await self.make_room()
        await self.bubble.named
        if self.bubble.handle is None:
            return False
        pid = self.bubble.handle.pid
        if self._group is not None:
            with explained(), contextlib.suppress(ProcessLookupError):  # dead already, which is seen below
                await self.in_thread(self._group.take_in, pid)
        self.watch.begin(pid)
        if on_start is not None:
            await on_start(self.bubble.handle)
        self.bubble.let_go()
        self._meters = [
            asyncio.create_task(self._meter(self.watch.look_at_crowd, self.watch.crowd_pause_s)),
            asyncio.create_task(self._meter(self.watch.look_at_disk, self.watch.disk_pause_s)),
        ]
        for meter in self._meters:
            meter.add_done_callback(self._see_meter_end)
        return True

    async def make_room(self) -> None:
        """Where the workspace is full, let it be cleared up from inside."""
        if self._account.full:
            await self.in_thread(self.watch.allow_what_is_there)

    def begin_call(self) -> None:
        """One more command begins in a sandbox that is there already; `busy` no more when it is over."""
        self.busy = True
        self._calls += 1
        self._printed = 0
        self.watch.begin_call()
        self._awake.set()

    def make_streams(self, stdin: bytes | None, *, merged: bool) -> Streams:
        """Streams for a command; what it prints counts."""
        keep = self.order.limits.kept_output_bytes
        return Streams(stdin, merged=merged, keep=keep, on_output=self._count_output)

    def end(self, why: Ending | None) -> None:
        """Kill everything inside, for the limit that was passed if that is why; the first reason counts."""
        self._is_over(why)
        self.bubble.kill()

    async def dead(self) -> None:
        """Wait for the death of a sandbox that is over, and read what it printed last."""
        await asyncio.wait({self.bubble.finished}, timeout=_DEATH_S)
        self.streams.read_on()

    def why_it_failed(self) -> Problem:
        """What is wrong where bubblewrap gave up."""
        said = self.streams.kept[-1].text()
        house = self._house
        return house.wall.why_it_failed(said, house.owner, [self.order.workspace, house.scratch])

    async def close(self) -> None:
        """Kill what still runs, wait for its death, remove the scratch folders.

        A cancellation meanwhile goes on afterwards: the work is done in a thread, which nothing interrupts.
        """
        self.bubble.detach()
        self.streams.close()
        for meter in self._meters:
            meter.cancel()
        clearing = asyncio.get_running_loop().run_in_executor(self._house.threads, self._made.close)
        work: list[asyncio.Future[Any]] = [clearing, *self._meters]
        cancelled = False
        while not clearing.done():
            try:
                await asyncio.wait(work)
            except asyncio.CancelledError:
                cancelled = True
        self._is_over(None)
        self.over.exception()  # whoever did not wait for it does not want to know
        fault = clearing.exception()
        if cancelled:
            raise asyncio.CancelledError from fault
        if fault is not None:
            raise fault

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Do what blocks, where meters never wait for work of others."""
        return await asyncio.get_running_loop().run_in_executor(self._house.threads, work, *arguments)

    async def _meter(self, look: Callable[[], Ending | None], pause_s: Callable[[], float]) -> None:
        while True:
            await self._awake.wait()
            await asyncio.sleep(pause_s())
            idle, calls = not self.busy, self._calls
            if passed := await self.in_thread(look):
                self.end(passed)
                return
            if idle and calls == self._calls and not self.watch.processes:
                self._awake.clear()

    def _see_death(self, finished: asyncio.Future[None]) -> None:
        if not finished.cancelled():
            self._is_over(None)

    def _see_meter_end(self, meter: asyncio.Task[None]) -> None:
        """Without its meters a sandbox may not go on."""
        if not meter.cancelled() and (fault := meter.exception()) and not self.over.done():
            self.over.set_exception(fault)
            self.bubble.kill()

    def _is_over(self, why: Ending | None) -> None:
        if not self.over.done():
            self.over.set_result(why)

    def _count_output(self, printed: int) -> None:
        self._printed += printed
        if self._printed > self.order.limits.output_bytes and not self.over.done():
            self.end("output")
