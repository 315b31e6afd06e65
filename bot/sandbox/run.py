"""One run, from its folders to its outcome."""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.events import Ending
from bot.sandbox import policy, tree
from bot.sandbox.availability import why_it_failed
from bot.sandbox.bubble import Bubble
from bot.sandbox.output import HeadAndTail
from bot.sandbox.scratch import Scratch
from bot.sandbox.spawn import spawn
from bot.sandbox.terms import Handle, Limits, Outcome, Owner, SandboxUnavailable
from bot.sandbox.watch import Account, Watch

_DEATH_S = 20.0  # seconds in which the kernel ends a killed sandbox, on a machine under heavy load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be run; see `Sandbox.run` for the meaning of each."""

    argv: Sequence[str]
    workspace: Path
    limits: Limits
    env: Mapping[str, str] | None
    stdin: bytes | None
    merge_stderr: bool


@dataclass(frozen=True, slots=True)
class House:
    """What all runs of one `Sandbox` share."""

    bwrap: Path
    scratch: Path
    owner: Owner | None
    threads: Executor
    watches: set[Watch]


class Run:
    """A started run. Whatever happens, `close` it.

    Args:
        order: What shall be run.
        house: What it shares with others.
        account: What is known of its workspace.

    Raises:
        UserMistake: The command or the workspace is not usable.
        OSError: The scratch folders cannot be made.
    """

    def __init__(self, order: Order, house: House, account: Account) -> None:
        self._order, self._house, self._account = order, house, account
        self._began = time.monotonic()
        self._flooded: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._kept = [
            HeadAndTail(order.limits.kept_output_bytes) for _ in range(1 if order.merge_stderr else 2)
        ]
        self._meters: list[asyncio.Task[Ending]] = []
        with contextlib.ExitStack() as made:
            workspace = tree.open_root(order.workspace)
            made.callback(os.close, workspace)
            scratch = Scratch(house.scratch, house.owner)
            made.callback(scratch.remove)
            self._watch = Watch(
                order.limits, [workspace, scratch.temporary, scratch.shared_memory], account, house.watches
            )
            made.callback(self._watch.close)
            spawned = spawn(
                house.bwrap,
                lambda give: policy.arguments(
                    give,
                    workspace=workspace,
                    temporary=scratch.temporary,
                    shared_memory=scratch.shared_memory,
                    user=house.owner or Owner(os.getuid(), os.getgid()),
                    env=order.env,
                ),
                [*policy.launcher(order.limits), *order.argv],
                folders=[workspace, scratch.temporary, scratch.shared_memory],
                owner=house.owner,
                reads=order.stdin is not None,
                merged=order.merge_stderr,
            )
            self._bubble = Bubble(spawned, self._kept, self._count_output, order.stdin)
            made.callback(self._bubble.destroy)
            self._made = made.pop_all()

    async def play(self, on_start: Callable[[Handle], Awaitable[None]] | None) -> Outcome:
        """Let the command go and hold it to its limits until it ends.

        Raises:
            SandboxUnavailable: bubblewrap could not set up the sandbox; nothing was run.
        """
        bubble = self._bubble
        if self._account.full:
            await self._in_thread(self._watch.allow_what_is_there)
        await bubble.named
        ended_by = None
        if bubble.handle is not None:
            self._watch.begin(bubble.handle.pid)
            if on_start is not None:
                await on_start(bubble.handle)
            bubble.let_go()
            ended_by = await self._end()
        await asyncio.wait({bubble.finished}, timeout=_DEATH_S)
        wall_s = time.monotonic() - self._began
        said = [kept.text() for kept in self._kept]
        if ended_by is None and bubble.exit_code is None:
            folders = [self._order.workspace, self._house.scratch]
            raise SandboxUnavailable(why_it_failed(said[-1], self._house.owner, folders))
        exit_code = bubble.exit_code if ended_by is None else None
        return Outcome(
            exit_code=exit_code,
            stdout=said[0],
            stderr="" if self._order.merge_stderr else said[1],
            ended_by=ended_by or await self._in_thread(self._watch.look_once_more, wall_s),
            wall_s=wall_s,
            peak_rss_bytes=self._watch.peak_memory,
            peak_processes=self._watch.peak_processes,
        )

    async def close(self) -> None:
        """Kill what still runs, wait for its death, remove the scratch folders.

        A cancellation meanwhile goes on afterwards: the work is done in a thread, which nothing interrupts.
        """
        self._bubble.detach()
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
        fault = clearing.exception()
        if cancelled:
            raise asyncio.CancelledError from fault
        if fault is not None:
            raise fault

    async def _end(self) -> Ending | None:
        """Wait until the command has ended, or end it where it passes a limit."""
        limits, bubble, watch = self._order.limits, self._bubble, self._watch
        self._meters = [
            asyncio.create_task(self._meter(watch.look_at_crowd, watch.crowd_pause_s)),
            asyncio.create_task(self._meter(watch.look_at_disk, watch.disk_pause_s)),
        ]
        ends: list[asyncio.Future[Any]] = [bubble.finished, self._flooded, *self._meters]
        done, _ = await asyncio.wait(ends, timeout=limits.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        passed = [limit for limit in (self._flooded, *self._meters) if limit in done]
        if not passed and done:
            return None
        bubble.kill()
        return passed[0].result() if passed else "timeout"

    async def _meter(self, look: Callable[[], Ending | None], pause_s: Callable[[], float]) -> Ending:
        while True:
            await asyncio.sleep(pause_s())
            if passed := await self._in_thread(look):
                return passed

    def _count_output(self) -> None:
        printed = sum(kept.total for kept in self._kept)
        if printed > self._order.limits.output_bytes and not self._flooded.done():
            self._flooded.set_result("output")

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._house.threads, work, *arguments)
