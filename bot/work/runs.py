"""What a worker does with a task it has claimed. Every commit proves the claim, and extends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import stream
from bot.errors import LegworkError
from bot.events import (
    AnyFact,
    Event,
    InstructionGiven,
    MailAsked,
    RunStarted,
    TaskFailed,
    TaskFinished,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
)
from bot.work import hearing
from bot.work.keys import key
from storage import agents, runs, tasks, workspaces

CANDIDATES = 20


class LeaseLostError(LegworkError):
    """The claim is no longer ours: the task was cancelled, or taken over. Stop at once."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """The sandbox of a run that was taken over: it must be dead before the run goes on."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to act on a task, until the lease is over.

    Attributes:
        run_id: The run's row.
        task_id: The task's row.
        stream: The task's stream of events.
        token: Proves the claim.
        attempt: Counts from 1; above 1 the run was taken over.
        worker: Who holds it.
        lease: How long a commit extends it.
        agent: The agent's name.
        model: The model that the task asks for, or the agent; empty for the default.
        about: What the agent is for.
        instructions: What an admin wants the agent to keep to.
        text: What to do.
        budget: What it may cost, in the grammar's words; empty where nothing was said.
        workspace: Name of the task's workspace.
        left_over: What the run before it left running.
    """

    run_id: int
    task_id: int
    stream: int
    token: str
    attempt: int
    worker: str
    lease: timedelta
    agent: str
    model: str
    about: str
    instructions: str
    text: str
    budget: str
    workspace: str
    left_over: LeftOver | None

    @property
    def key(self) -> str:
        """What people call the task."""
        return key(self.task_id)


def claim(
    worker: str, host: str, lease: timedelta, now: datetime, task_id: int | None = None
) -> Claim | None:
    """Claim the oldest run that is free; None if there is none.

    Args:
        worker: Who claims.
        host: The machine it works on.
        lease: How long the claim holds unless it is extended.
        now: The time.
        task_id: Only this task's run.
    """
    for candidate in runs.claimable(now, host, CANDIDATES, task_id):
        run = runs.claim(candidate, worker, host, now, now + lease)
        if run is None or run.token is None:
            continue
        task = candidate.task
        left_over = None
        if run.sandbox_pid is not None and run.sandbox_started is not None:
            left_over = LeftOver(run.sandbox_pid, run.sandbox_started)
        return Claim(
            run_id=run.id,
            task_id=task.id,
            stream=task.stream_id,
            token=run.token,
            attempt=run.attempt,
            worker=worker,
            lease=lease,
            agent=task.agent.name,
            model=task.model or task.agent.model or "",
            about=task.agent.about,
            instructions=task.agent.instructions,
            text=task.text,
            budget=task.budget,
            workspace=task.workspace.name,
            left_over=left_over,
        )
    return None


def hosts(claim: Claim) -> str:
    """What the agent may reach on the network now, separated by commas."""
    agent = agents.find(claim.agent)
    return agent.hosts if agent else ""


def start(claim: Claim, model: str, now: datetime) -> list[Event]:
    """Begin, or go on where the run before left off.

    Returns:
        The task's events so far; calls that never ended are recorded as interrupted.

    Raises:
        LeaseLostError: The claim does not hold.
    """
    _prove(claim, now)
    tasks.begin(claim.task_id)
    events = list(stream.replay(claim.stream))
    begun: dict[str, int] = {}
    for event in events:
        match event.fact:
            case ToolStarted() as fact:
                begun[fact.call.id] = fact.step
            case ToolFinished() | ToolInterrupted() as fact:
                begun.pop(fact.call_id, None)
            case TaskRetried():
                begun.clear()
    facts: list[AnyFact] = [ToolInterrupted(step=step, call_id=call_id) for call_id, step in begun.items()]
    facts.append(RunStarted(attempt=claim.attempt, worker=claim.worker, model=model))
    return events + [stream.record(claim.stream, claim.worker, fact, now) for fact in facts]


def commit(claim: Claim, facts: list[AnyFact], now: datetime) -> list[Event]:
    """Record what happened.

    Raises:
        LeaseLostError: The claim does not hold; nothing was recorded.
    """
    _prove(claim, now)
    return _record(claim, facts, now)


def tell(claim: Claim, facts: Sequence[AnyFact], now: datetime) -> None:
    """Record what certainly happened in the run, whoever holds the claim by now: what went out is out."""
    _record(claim, facts, now)


def note_sandbox(claim: Claim, host: str, pid: int, started: int, now: datetime) -> None:
    """Remember which sandbox the run works in, so that whoever takes over can end it: it lives between calls.

    Raises:
        LeaseLostError: The claim does not hold.
    """
    sandbox = {"sandbox_host": host, "sandbox_pid": pid, "sandbox_started": started}
    if not runs.renew(claim.run_id, claim.token, now + claim.lease, **sandbox):
        raise LeaseLostError


def forget_sandbox(claim: Claim, pid: int, started: int) -> None:
    """A sandbox that was noted for the run is dead, whoever holds the claim by now."""
    runs.forget_sandbox(claim.run_id, pid, started)


def renew(claims: Sequence[Claim], until: datetime) -> list[Claim]:
    """Extend claims while calls are under way; those that are lost."""
    runs.renew_all([(claim.run_id, claim.token) for claim in claims], until)
    return lost(claims)


def lost(claims: Sequence[Claim]) -> list[Claim]:
    """Those of these claims that do not stand any more."""
    standing = runs.tokens([claim.run_id for claim in claims])
    return [claim for claim in claims if claim.token not in standing]


def holds(claim: Claim) -> bool:
    """Whether the claim still stands."""
    return runs.holds(claim.run_id, claim.token)


def heard(claim: Claim, after: int) -> list[Event]:
    """What was recorded past a place in the task's stream, by whomever.

    Raises:
        LeaseLostError: The claim does not hold: whoever asks may have slept while another went on.
    """
    if not holds(claim):
        raise LeaseLostError
    return list(stream.replay(claim.stream, after))


def end(
    claim: Claim,
    fact: TaskFinished | TaskFailed,
    now: datetime,
    after: int | None = None,
    before: Sequence[AnyFact] = (),
    otherwise: Sequence[AnyFact] | None = None,
) -> bool:
    """The work is over: the task is done or failed, and its workspace is free.

    Args:
        claim: The right to act.
        fact: How it ended.
        now: The time.
        after: The last event that was heeded; None to end it whatever was said.
        before: What led to the end.
        otherwise: What is recorded in its place where the work goes on; the same if None.

    Returns:
        False if a person said something since then: the end was not recorded, and the work goes on.

    Raises:
        LeaseLostError: The claim does not hold.
    """
    _prove(claim, now)
    unheeded = [] if after is None else heard(claim, after)
    if any(isinstance(event.fact, InstructionGiven) for event in unheeded):
        _record(claim, before if otherwise is None else otherwise, now)
        return False
    tasks.end(claim.task_id, "done" if isinstance(fact, TaskFinished) else "failed", now)
    _record(claim, [*before, fact], now)
    runs.close(claim.task_id)
    workspaces.release(claim.run_id)
    return True


def park(claim: Claim) -> None:
    """The task waits for people: the run keeps its workspace, and no worker.

    Raises:
        LeaseLostError: The claim does not hold.
    """
    if not runs.park(claim.run_id, claim.token):
        raise LeaseLostError


def set_aside(claim: Claim) -> None:
    """The task or its agent is paused: no worker has it until that is over. Its sandbox is dead.

    Raises:
        LeaseLostError: The claim does not hold; the task is as its new worker has it.
    """
    if not runs.give_back(claim.run_id, claim.token):
        raise LeaseLostError
    tasks.queue(claim.task_id)
    workspaces.release(claim.run_id)


def give_back(claim: Claim) -> None:
    """This worker is going; its sandbox is dead, and any worker may go on at once."""
    runs.give_back(claim.run_id, claim.token)
    let_go(claim)


def let_go(claim: Claim) -> None:
    """The claim was lost and its sandbox is dead: the workspace is free, unless it was taken over."""
    if not runs.is_open(claim.run_id):
        workspaces.release(claim.run_id)


def _record(claim: Claim, facts: Sequence[AnyFact], now: datetime) -> list[Event]:
    """Record facts as the agent's, with what they bring about."""
    for fact in facts:
        if isinstance(fact, MailAsked):
            hearing.let_hear(claim.task_id, fact.to)
    return [stream.record(claim.stream, f"@{claim.agent}", fact, now) for fact in facts]


def _prove(claim: Claim, now: datetime) -> None:
    """Whatever is committed next is ours to commit."""
    if not runs.renew(claim.run_id, claim.token, now + claim.lease):
        raise LeaseLostError
