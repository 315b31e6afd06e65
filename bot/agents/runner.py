"""Claims tasks as they come, runs each, and sees to it that a lost claim stops at once."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bot import egress, sandbox
from bot.agents.loop import Clock, Loop, Manners
from bot.agents.watching import Watch
from bot.artifacts import Artifacts
from bot.errors import LegworkError
from bot.events import TaskFailed
from bot.models.choice import Models
from bot.sandbox import Handle, Limits, Sandbox
from bot.stream.crew import Crew
from bot.tools.base import Bench
from bot.tools.shell import Ledger, Shell
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
        private: Addresses that agents may reach although they are not public, where their hosts are allowed.
    """

    max_runs: int
    max_attempts: int
    manners: Manners
    models: Models
    model: str
    lease: timedelta
    limits: Limits
    private: egress.Private


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
        self._crew = Crew(rules.max_runs)
        self._watch = Watch(rules.lease, now)

    async def drive(self) -> None:
        """Claim and run tasks until cancelled; then end their sandboxes and let others take them over."""
        async with asyncio.TaskGroup() as together:
            watching = together.create_task(self._watch.drive())
            try:
                await self._crew.drive(self._dispatch)
            finally:
                watching.cancel()

    async def _dispatch(self) -> None:
        """Claim as much as there is room for."""
        while self._crew.room > 0:
            claim = await database.insist(
                runs.claim, self._name, self._host, self._rules.lease, self._now(), self._only
            )
            if claim is None:
                return
            self._crew.start(f"run {claim.key}", self._work(claim))

    async def _work(self, claim: Claim) -> None:
        """Run one claimed task, for as long as the claim holds."""
        log.info("run claimed", task=claim.key, attempt=claim.attempt)
        work = asyncio.create_task(self._run(claim))
        with self._watch.over(claim) as lost:
            try:
                await asyncio.wait({lost, work}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _stop(work)
        if not work.cancelled() and isinstance(work.exception(), LeaseLostError):
            log.info("claim lost", task=claim.key)
        elif not work.cancelled():
            work.result()
        await database.insist(runs.let_go, claim)

    async def _run(self, claim: Claim) -> None:
        """Carry the task on once the sandbox of the run before is dead; until then, wait.

        Whoever is stopped meanwhile lets the lease run out: what was not seen dead is the next one's to end.
        """
        if claim.left_over:
            handle = Handle(claim.left_over.pid, claim.left_over.started)
            while not await asyncio.to_thread(sandbox.kill, handle):
                log.warning("the sandbox of the run before is still alive; waiting", task=claim.key)
            await database.insist(runs.forget_sandbox, claim, handle.pid, handle.started)
        try:
            async with self._bench(claim) as bench:
                await self._loop(claim, bench).run()
        except LeaseLostError:
            raise
        except LegworkError as error:
            await database.insist(runs.end, claim, TaskFailed(reason=str(error)), self._now())
        except asyncio.CancelledError:
            with contextlib.suppress(database.Fault):  # the lease runs out by itself, too
                await database.run(runs.give_back, claim)
            raise

    @contextlib.asynccontextmanager
    async def _bench(self, claim: Claim) -> AsyncIterator[Bench]:
        """Where the task's tools work; whatever its commands left running is dead afterwards."""

        async def note(handle: Handle) -> None:
            at = self._now()
            await database.insist(runs.note_sandbox, claim, self._host, handle.pid, handle.started, at)

        async def strike(handle: Handle) -> None:
            with contextlib.suppress(database.Fault):  # whoever takes over finds it dead
                await database.run(runs.forget_sandbox, claim, handle.pid, handle.started)

        async def reach() -> egress.Rules:
            hosts = await database.insist(runs.hosts, claim)
            command = f'agent edit @{claim.agent} --hosts "{hosts},{{host}}"'  # it names all of them
            advice = f"An admin can allow it with: {command}"
            return egress.Rules(egress.Allowlist.parse(hosts.split(",")), self._rules.private, advice)

        workspace, limits = self._workspaces.create(claim.workspace), self._rules.limits
        place = self._workspaces.place(claim.key)
        shell = Shell(self._box, workspace, limits, Ledger(note, strike), place, reach)
        try:
            yield Bench(workspace, self._box.owner, limits, shell, claim.task_id, self._artifacts)
        finally:
            await shell.close()

    def _loop(self, claim: Claim, bench: Bench) -> Loop:
        if claim.attempt > self._rules.max_attempts:
            raise LegworkError(
                f"The worker died {claim.attempt - 1} times while it ran this task, so it is given up. "
                "Look into the worker's log, then assign it anew."
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


async def _stop(work: asyncio.Task[None]) -> None:
    """Cancel and wait: a cancelled run ends its sandbox, and is over when that is dead."""
    work.cancel()
    await asyncio.wait([work])
