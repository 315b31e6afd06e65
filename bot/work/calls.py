"""Before a call is made: may it be? And where the agent asks its people: wait for what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot import permissions
from bot.events import (
    AnyFact,
    Event,
    QuestionAsked,
    ToolRefused,
    ToolStarted,
)
from bot.work import approvals, runs
from bot.work.approvals import Asking, Wanted
from bot.work.runs import Claim
from storage import approvals as rows
from storage import tasks
from storage.tables import Approvals

Course = Literal["go", "refused", "paused", "stop"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What is to become of a call.

    Attributes:
        course: Make it; do not, and tell the agent; set the task aside, which is paused; or stop: the run
            has let go of the task.
        events: What was recorded.
    """

    course: Course
    events: list[Event]


def begin(claim: Claim, before: list[AnyFact], wanted: Wanted, asking: Asking, now: datetime) -> Begun:
    """Record that a call begins, if it may.

    The verdict is asked for in the same transaction, so that a policy holds from the next call on. An
    approval is used up by the call that it was given for, and by no other.

    Args:
        claim: The right to act.
        before: What led to the call.
        wanted: The call.
        asking: How the house asks.
        now: The time.

    Raises:
        LeaseLostError: The claim does not hold; nothing was recorded.
    """
    if tasks.held_back(claim.task_id):
        return Begun("paused", runs.commit(claim, before, now))
    verdict = permissions.verdict(claim.agent, wanted.call.tool, wanted.subjects, wanted.default, now)
    approval = rows.of_call(claim.task_id, wanted.call.id)
    if verdict.effect == "deny":
        return _refused(claim, before, wanted, verdict.why, now)
    if approval and approval.state == "denied" and rows.use(approval.id, approval.digest):
        return _refused(claim, before, wanted, _why_denied(approval), now)
    used = 0
    if verdict.effect == "ask":
        if not (approval and rows.use(approval.id, approvals.digest(wanted.call, wanted.where))):
            return _waiting(claim, before, wanted, verdict, asking, now)
        used = approval.id
    started = ToolStarted(step=wanted.step, call=wanted.call, does=wanted.does, approval=used)
    return Begun("go", runs.commit(claim, [*before, started], now))


def begin_together(
    claim: Claim, before: list[AnyFact], wanted: Sequence[Wanted], now: datetime
) -> list[Event] | None:
    """Record that several calls begin at once, if all of them may without being asked about.

    Args:
        claim: The right to act.
        before: What led to the calls.
        wanted: The calls.
        now: The time.

    Returns:
        What was recorded; None if nothing was, because they are to be made one by one.

    Raises:
        LeaseLostError: The claim does not hold; nothing was recorded.
    """
    if tasks.held_back(claim.task_id):
        return None
    for one in wanted:
        verdict = permissions.verdict(claim.agent, one.call.tool, one.subjects, one.default, now)
        if verdict.effect != "allow" or rows.of_call(claim.task_id, one.call.id):
            return None
    started = [ToolStarted(step=one.step, call=one.call, does=one.does) for one in wanted]
    return runs.commit(claim, [*before, *started], now)


def _refused(claim: Claim, before: list[AnyFact], wanted: Wanted, why: str, now: datetime) -> Begun:
    refused = ToolRefused(step=wanted.step, call_id=wanted.call.id, does=wanted.does, why=why)
    return Begun("refused", runs.commit(claim, [*before, refused], now))


def _why_denied(approval: Approvals) -> str:
    return f"{approval.by} denied it" + (f": {approval.note}" if approval.note else ".")


def _waiting(
    claim: Claim,
    before: list[AnyFact],
    wanted: Wanted,
    verdict: permissions.Verdict,
    asking: Asking,
    now: datetime,
) -> Begun:
    """Ask, and let the run wait without a worker."""
    task = tasks.get(claim.task_id)
    approvals.withdraw_all(task, "Another call is asked about.", f"@{claim.agent}", now)
    asked = approvals.ask(task, wanted, verdict, asking, now)
    events = runs.commit(claim, [*before, asked], now)
    tasks.wait(claim.task_id, "approval")
    runs.park(claim)
    return Begun("stop", events)


def ask_people(
    claim: Claim, step: int, call_id: str, text: str, options: tuple[str, ...], now: datetime
) -> list[Event]:
    """Put a question to the task's people, and let the run wait without a worker.

    Raises:
        LeaseLostError: The claim does not hold; nothing was recorded.
    """
    events = runs.commit(claim, [QuestionAsked(step=step, call_id=call_id, text=text, options=options)], now)
    tasks.wait(claim.task_id, "reply", call_id)
    runs.park(claim)
    return events
