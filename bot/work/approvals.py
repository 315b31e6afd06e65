"""Ask whether one exact call may be made, and take the first answer."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot import permissions, stream
from bot.actors import Actor, Door, Origin, Role
from bot.errors import Refused, UserMistake
from bot.events import ApprovalAsked, ApprovalDecided, ApprovalReminded, ApprovalWithdrawn, Call
from bot.permissions import Verdict
from bot.work.keys import approval_key, key
from storage import approvals, people, runs, subscriptions, tasks
from storage.tables import Approvals, People, Tasks

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
    """

    step: int
    call: Call
    does: str
    subjects: tuple[str, ...]
    default: permissions.Effect


def digest(call: Call) -> str:
    """What an approval is bound to: SHA-256 over the call's tool and arguments, in hex."""
    exact = json.dumps([call.tool, call.args], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(exact.encode()).hexdigest()


def ask(task: Tasks, wanted: Wanted, verdict: Verdict, asking: Asking, now: datetime) -> ApprovalAsked:
    """Put a call to whoever may decide on it.

    Args:
        task: Whose call it is, with its agent.
        wanted: The call.
        verdict: The rule that wants it asked.
        asking: How the house asks.
        now: The time.

    Returns:
        What is to be recorded.
    """
    by_admin = verdict.rule is not None and not verdict.rule.built_in
    own = task.agent.own_approval == "yes" if task.agent.own_approval else not by_admin
    exact = digest(wanted.call)
    asked = approvals.ask(task.id, wanted.call.id, exact, now, own=own, remind_at=now + asking.remind_after)
    named = approvals.approvers(task.agent_id, task.discussion_id)
    return ApprovalAsked(
        approval=asked.id,
        step=wanted.step,
        call=wanted.call,
        does=wanted.does,
        digest=exact,
        rule=verdict.why,
        approvers=tuple(person.name for person in named),
        addresses=_told(task.id, named, asking.admins),
    )


def _told(task_id: int, named: Collection[People], admins: Collection[str]) -> tuple[str, ...]:
    """See to it that whoever may decide hears of it; the addresses that are asked by mail."""
    heard = [sub for sub in subscriptions.of_task(task_id) if sub.cadence != "none"]
    in_slack = any(sub.outlet == "slack" for sub in heard)
    if named:
        mailed = [one for person in named for one in people.values(person.id, "email")]
        called = [one for person in named for one in people.values(person.id, "slack")]
    else:
        mailed = [sub.address for sub in heard if sub.outlet == "email" and _decides(sub.address, admins)]
        called = []
        if not (mailed or in_slack):  # nobody who may decide hears of this task
            mailed = [one for one in admins if "@" in one]
            called = [one for one in admins if "@" not in one]
    for address in mailed:
        subscriptions.add(task_id, "email", address, cadence="asked")
    for user in () if in_slack else called:
        subscriptions.add(task_id, "slack", user, cadence="asked")
    return tuple(dict.fromkeys(mailed))


def _decides(address: str, admins: Collection[str]) -> bool:
    person = people.find("email", address)
    return address in admins or (person is not None and Role(person.role).includes(Role.MEMBER))


def find(named: str, actor: Actor, origin: Origin) -> Approvals:
    """The approval that is meant: A-17, or T-12 where that task waits for one alone.

    Raises:
        UserMistake: There is none that the actor may see, or more than one.
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
    waiting = [one for one in approvals.open_of(number) if _visible(one, actor, origin)]
    if len(waiting) > 1:
        names = ", ".join(approval_key(one.id) for one in waiting)
        raise UserMistake(f"{key(number)} waits for {names}: say which.")
    if not waiting:
        raise UserMistake(f"{key(number)} waits for no approval that you can see.")
    return waiting[0]


def _visible(approval: Approvals, actor: Actor, origin: Origin) -> bool:
    if tasks.find(approval.task_id, permissions.eyes(actor, origin)):
        return True
    return actor.id in {person.id for person in _named(tasks.get(approval.task_id))}


def _named(task: Tasks) -> list[People]:
    return approvals.approvers(task.agent_id, task.discussion_id)


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
    name = approval_key(approval.id)
    _check(task, approval, actor, decision)
    if not approvals.decide(approval.id, STATES[decision], actor.name, door.value, note, now):
        raise UserMistake(_settled(approvals.find(approval.id) or approval))
    decided = ApprovalDecided(
        approval=approval.id,
        call_id=approval.call_id,
        decision=decision,
        by=actor.name,
        door=door.value,
        note=note,
    )
    stream.record(task.stream_id, actor.name, decided, now)
    if not approvals.open_of(task.id) and tasks.go_on(task.id) and not runs.unpark(task.id):
        raise UserMistake(f"{name} was decided, but nothing waits for it: tell an admin.")


def _check(task: Tasks, approval: Approvals, actor: Actor, decision: Decision) -> None:
    name = approval_key(approval.id)
    if named := _named(task):
        if actor.id not in {person.id for person in named}:
            names = ", ".join(person.name for person in named)
            raise Refused(f"{name} is for {names} to decide. An admin can name others.")
    elif not permissions.may(actor, Role.MEMBER):
        raise Refused(f"{name} is for a team member to decide. An admin can name you as an approver.")
    if decision == "approve" and actor.id == task.asker_id and not approval.own:
        raise Refused(f"You asked for {key(task.id)}, so {name} is for somebody else to approve.")


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
        approvals.withdraw(approval.id)
        if approval.state == "open":
            gone = ApprovalWithdrawn(approval=approval.id, call_id=approval.call_id, why=why)
            stream.record(task.stream_id, by, gone, now)


def remind(asking: Asking, now: datetime) -> None:
    """Ask again where nobody has answered for a while."""
    for approval in approvals.to_remind(now):
        approvals.remind_again(approval.id, now + asking.remind_after)
        stream.record(approval.task.stream_id, "reminder", ApprovalReminded(approval=approval.id), now)
