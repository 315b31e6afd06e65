"""Claims tasks as they come, runs each, and sees to it that a lost claim stops at once."""

import asyncio
import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bot import sandbox
from bot.agents.loop import Clock, Loop, Manners
from bot.artifacts import Artifacts
from bot.errors import LegworkError
from bot.events import TaskFailed
from bot.models.choice import Models
from bot.sandbox import Handle, Limits, Sandbox
from bot.stream import bell
from bot.tools.base import Bench
from bot.work import runs
from bot.work.runs import Claim, LeaseLostError
from bot.workspaces import Workspaces
from storage import database

log = structlog.get_logger()

# Names the running kernel: processes of another one cannot be ended from here (random(4)).
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Rules:
    """How a worker works.

    Attributes:
        max_runs: Tasks at a time.
        max_attempts: Times a run is taken over before it is given up.
        manners: How a task is carried out.
        models: What can decide on the steps.
        model: Which of them does, for agents that name no model of their own.
        lease: How long a claim holds without a sign of life.
        limits: What one command may use.
    """

    max_runs: int
    max_attempts: int
    manners: Manners
    models: Models
    model: str
    lease: timedelta
    limits: Limits


class Runner:
    """One worker.

    Args:
        rules: How it works.
        box: Runs commands.
        workspaces: Where tasks work.
        artifacts: Keeps the files that they make for people.
        now: The clock.
        only: The one task to work on; any if None.
    """

    def __init__(
        self,
        rules: Rules,
        box: Sandbox,
        workspaces: Workspaces,
        artifacts: Artifacts,
        now: Clock,
        only: int | None = None,
    ) -> None:
        self._rules = rules
        self._box = box
        self._workspaces = workspaces
        self._artifacts = artifacts
        self._now = now
        self._only = only
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._host = BOOT_ID.read_text().strip()
        self._active: set[asyncio.Task[None]] = set()

    async def drive(self) -> None:
        """Claim and run tasks until cancelled; then end their sandboxes and let others take them over."""
        heard = 0
        try:
            while True:
                await self._dispatch()
                heard = await bell.wait(heard)
        finally:
            for task in self._active:
                task.cancel()
            await asyncio.gather(*self._active, return_exceptions=True)

    async def _dispatch(self) -> None:
        """Claim as much as there is room for."""
        while len(self._active) < self._rules.max_runs:
            claim = await database.insist(
                runs.claim, self._name, self._host, self._rules.lease, self._now(), self._only
            )
            if claim is None:
                return
            task = asyncio.create_task(self._work(claim), name=f"run {claim.key}")
            self._active.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._active.discard(task)
        bell.ring()  # there is room for another
        if not task.cancelled() and (error := task.exception()):
            log.error(
                "run died; it is taken over when its lease is over", run=task.get_name(), exc_info=error
            )

    async def _work(self, claim: Claim) -> None:
        """Run one claimed task, for as long as the claim holds."""
        log.info("run claimed", task=claim.key, attempt=claim.attempt)
        watch = asyncio.create_task(self._watch(claim))
        work = asyncio.create_task(self._run(claim))
        try:
            await asyncio.wait({watch, work}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _stop(work, watch)
            await database.run(runs.give_back, claim)
            raise
        await _stop(work, watch)
        if not work.cancelled() and isinstance(work.exception(), LeaseLostError):
            log.info("claim lost", task=claim.key)
        elif not work.cancelled():
            work.result()
        await database.insist(runs.let_go, claim)

    async def _run(self, claim: Claim) -> None:
        if claim.left_over:
            handle = Handle(claim.left_over.pid, claim.left_over.started)
            if not await asyncio.to_thread(sandbox.kill, handle):
                log.warning("the sandbox of the run before is still alive; waiting", task=claim.key)
                return
        try:
            await self._loop(claim).run()
        except LeaseLostError:
            raise
        except LegworkError as error:
            await database.insist(runs.end, claim, TaskFailed(reason=str(error)), self._now())

    def _loop(self, claim: Claim) -> Loop:
        if claim.attempt > self._rules.max_attempts:
            raise LegworkError(
                f"The worker died {claim.attempt - 1} times while it ran this task, so it is given up. "
                "Look into the worker's log, then assign it anew."
            )

        async def on_start(handle: Handle) -> None:
            at = self._now()
            await database.insist(runs.note_sandbox, claim, self._host, handle.pid, handle.started, at)

        workspace = self._workspaces.create(claim.workspace)
        bench = Bench(
            workspace=workspace,
            sandbox=self._box,
            limits=self._rules.limits,
            on_start=on_start,
            task_id=claim.task_id,
            artifacts=self._artifacts,
            place=self._workspaces.place(claim.key),
        )
        return Loop(
            claim,
            self._rules.models,
            claim.model or self._rules.model,
            bench,
            self._workspaces,
            self._rules.manners,
            self._now,
        )

    async def _watch(self, claim: Claim) -> None:
        """Return when the claim is lost; keep it alive until then.

        The bell tells at once of what happens in this process; another process's cancel is seen at the next
        tick of the scheduler, which rings the bell too.
        """
        heard = bell.rung
        renew_at = self._now() + self._rules.lease / 3
        while True:
            if self._now() >= renew_at:
                try:
                    await database.insist(runs.renew, claim, self._now())
                except LeaseLostError:
                    return
                renew_at = self._now() + self._rules.lease / 3
            elif not await database.insist(runs.holds, claim):
                return
            heard = await bell.wait(heard)


async def _stop(*tasks: asyncio.Task[None]) -> None:
    """Cancel and wait: a cancelled run ends its sandbox, and is over when that is dead."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
