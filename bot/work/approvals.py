"""Ask whether one exact call may be made, and take the first answer."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot import people, permissions, stream
from bot.actors import Actor, Door, Origin
from bot.errors import Refused, UserMistake
from bot.events import ApprovalAsked, ApprovalDecided, ApprovalReminded, ApprovalWithdrawn, Call
from bot.permissions import Verdict
from bot.work import deciding
from bot.work.keys import approval_key, key
from storage import approvals, runs, tasks
from storage.tables import Approvals, Tasks

Decision = Literal["approve", "deny"]
STATES: dict[Decision, str] = {"approve": "approved", "deny": "denied"}


@dataclass(frozen=True, slots=True)
class Asking:
    """How the house asks.

    Attributes:
        remind_after: How long an answer is waited for before it is asked for again.
        admins: Slack ids and addresses of those who are admins by the settings.
    """

    remind_after: timedelta
    admins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call that is about to be made.

    Attributes:
        step: The step it belongs to.
        call: The exact call.
        does: What people are shown of it.
        subjects: What it acts on: policies are about these.
        default: What holds where no policy does.
        where: The place that it is made in; empty where it is the usual one.
    """

    step: int
    call: Call
    does: str
    subjects: tuple[str, ...]
    default: permissions.Effect
    where: str = ""


def digest(call: Call, where: str = "") -> str:
    """What an approval is bound to: SHA-256 over the call's tool, arguments and place, in hex."""
    exact = json.dumps([call.tool, call.args, *filter(None, [where])], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(exact.encode()).hexdigest()


def ask(task: Tasks, wanted: Wanted, verdict: Verdict, asking: Asking, now: datetime) -> ApprovalAsked:
    """Put a call to whoever may decide on it.

    Args:
        task: Whose call it is.
        wanted: The call.
        verdict: The rule that wants it asked.
        asking: How the house asks.
        now: The time.

    Returns:
        What is to be recorded.
    """
    by_admin = verdict.rule is not None and not verdict.rule.built_in
    fact = ApprovalAsked(
        approval=0,
        step=wanted.step,
        call=wanted.call,
        does=f"In {wanted.where}:\n\n{wanted.does}" if wanted.where else wanted.does,
        digest=digest(wanted.call, wanted.where),
        rule=verdict.why,
        subjects=wanted.subjects,
        default=wanted.default,
    )
    return _put(task, fact, deciding.steerers(task), asking, now, own=not by_admin)


def _put(
    task: Tasks, fact: ApprovalAsked, steered_by: Iterable[int], asking: Asking, now: datetime, *, own: bool
) -> ApprovalAsked:
    """Ask this, and see to it that whoever may decide hears of it; the fact, completed."""
    for admin in asking.admins:  # they can be called before they have ever said anything
        people.meant(now, **{"address" if "@" in admin else "slack": admin})
    deciders = deciding.deciders(task, steered_by, own=own, admins=asking.admins)
    addresses = deciding.call(task, deciders)
    asked = approvals.ask(
        task.id,
        fact.call.id,
        fact.digest,
        now,
        own=own,
        steered_by=",".join(map(str, steered_by)),
        asked_of=deciders.mark,
        remind_at=now + asking.remind_after,
    )
    names = tuple(people.shown(person) for person in deciders.named)
    return fact.model_copy(update={"approval": asked.id, "approvers": names, "addresses": addresses})


def find(named: str, actor: Actor, origin: Origin) -> Approvals:
    """The approval of this key. Whoever names a task is told what it asks: they decide on what they read.

    Raises:
        UserMistake: There is none that the actor may see, or a task is named.
    """
    match = re.fullmatch(r"([AaTt])-?(\d{1,15})", named)
    if match is None:
        raise UserMistake(f"{named[:60]} is no approval: one is called like A-17.")
    number = int(match[2])
    if match[1] in "Aa":
        found = approvals.find(number)
        if found and _visible(found, actor, origin):
            return found
        raise UserMistake(f"There is no approval {approval_key(number)} that you can see.")
    waiting = [approval_key(one.id) for one in approvals.open_of(number) if _visible(one, actor, origin)]
    if waiting:
        raise UserMistake(f"{key(number)} waits for {', '.join(waiting)}: read it, and name it.")
    raise UserMistake(f"{key(number)} waits for no approval that you can see.")


def _visible(approval: Approvals, actor: Actor, origin: Origin) -> bool:
    return tasks.find(approval.task_id, permissions.eyes(actor, origin)) is not None


def decide(
    approval: Approvals, actor: Actor, door: Door, decision: Decision, note: str, now: datetime
) -> None:
    """Give the answer; the first one counts, and the task goes on with it.

    Args:
        approval: As `find` gave it.
        actor: Who decides.
        door: By which door.
        decision: What.
        note: Why; it reaches the agent.
        now: The time.

    Raises:
        Refused: The actor may not.
        UserMistake: It was decided before, or withdrawn.
    """
    task = tasks.get(approval.task_id)
    _check(task, approval, actor, decision)
    by = people.shown(actor)
    if not approvals.decide(approval.id, STATES[decision], by, door.value, note, now):
        raise UserMistake(_settled(approvals.find(approval.id) or approval))
    decided = ApprovalDecided(
        approval=approval.id,
        call_id=approval.call_id,
        decision=decision,
        by=by,
        door=door.value,
        note=note,
    )
    stream.record(task.stream_id, by, decided, now)
    _go_on(task)


def _go_on(task: Tasks) -> None:
    """What the task waited for is settled: any worker may go on with it, unless it is paused."""
    if tasks.go_on(task.id):
        runs.unpark(task.id)


def _check(task: Tasks, approval: Approvals, actor: Actor, decision: Decision) -> None:
    name = approval_key(approval.id)
    may = deciding.deciders(task, _steered_by(approval), own=approval.own)
    barred = actor.id in may.barred
    if barred and decision == "approve":
        others = f"for {may.shown}" if may.named else "for somebody else"
        did = "asked for" if actor.id == task.asker_id else "had a say in"
        raise Refused(
            f"You {did} {key(task.id)}, so {name} is {others} to approve. An admin can change that: "
            f"`agent edit @{task.agent.name} --own-approval yes`"
        )
    if barred or may.include(actor):
        return
    if may.named:
        raise Refused(f"{name} is for {may.shown} to decide. An admin can name others.")
    needed = "an admin" if may.admins_only else "a team member"
    raise Refused(f"{name} is for {needed} to decide. An admin can name you as an approver.")


def _steered_by(approval: Approvals) -> list[int]:
    return [int(person) for person in approval.steered_by.split(",") if person]


def _settled(approval: Approvals) -> str:
    """Why there is nothing left to decide."""
    name = approval_key(approval.id)
    if approval.state == "withdrawn" or approval.decided_at is None:
        return f"{name} is no longer asked: it was withdrawn."
    told = f"{approval.by} decided {name} at {approval.decided_at:%Y-%m-%d %H:%M} UTC ({approval.door})"
    return f"{told}; the first answer counts."


def withdraw_all(task: Tasks, why: str, by: str, now: datetime) -> None:
    """Ask no longer: what was decided and not used yet counts no more either."""
    for approval in approvals.pending_of(task.id):
        _withdraw(task, approval, why, by, now)


def _withdraw(task: Tasks, approval: Approvals, why: str, by: str, now: datetime) -> None:
    approvals.withdraw(approval.id)
    if approval.state == "open":
        gone = ApprovalWithdrawn(approval=approval.id, call_id=approval.call_id, why=why)
        stream.record(task.stream_id, by, gone, now)


def reconsider(agent: str, by: str, now: datetime) -> list[Approvals]:
    """Ask no longer about calls that the rules allow or deny by now: their runs go on by these.

    Args:
        agent: Whose rules have changed; empty for every agent's.
        by: Who changed them, as people are shown it.
        now: The time.

    Returns:
        What is no longer asked.
    """
    settled = []
    for approval in approvals.every_open():
        task = tasks.get(approval.task_id)
        if agent not in ("", task.agent.name):
            continue
        fact = _asked(task, approval)
        if fact.default is None:
            continue
        verdict = permissions.verdict(task.agent.name, fact.call.tool, fact.subjects, fact.default, now)
        if verdict.effect != "ask":
            _withdraw(task, approval, f"{by} changed the rules. {verdict.why}", by, now)
            _go_on(task)
            settled.append(approval)
    return settled


def _asked(task: Tasks, approval: Approvals) -> ApprovalAsked:
    """What was recorded when this was asked."""
    facts = [event.fact for event in stream.replay(task.stream_id)]
    return next(fact for fact in facts if isinstance(fact, ApprovalAsked) and fact.approval == approval.id)


def remind(asking: Asking, now: datetime) -> None:
    """Ask again where nobody has answered for a while."""
    for approval in approvals.to_remind(now):
        approvals.remind_again(approval.id, now + asking.remind_after)
        stream.record(approval.task.stream_id, "reminder", ApprovalReminded(approval=approval.id), now)


def readdress(asking: Asking, now: datetime) -> None:
    """Put what is open to those who may decide now, where an admin has named others since it was asked."""
    for approval in approvals.every_open():
        task = tasks.get(approval.task_id)
        steered_by = _steered_by(approval)
        may = deciding.deciders(task, steered_by, own=approval.own, admins=asking.admins)
        if may.mark == approval.asked_of:
            continue
        _withdraw(task, approval, "Others decide on it now.", "reminder", now)
        again = _put(task, _asked(task, approval), steered_by, asking, now, own=approval.own)
        stream.record(task.stream_id, f"@{task.agent.name}", again, now)
