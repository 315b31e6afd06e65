"""Approvals: asked once about one exact call, decided once, used once."""

from collections.abc import Collection
from datetime import datetime

from storage.prepared import Prepared
from storage.tables import Agents, Approvals, Approvers, Identities, People, Tasks

DECIDED = ("approved", "denied")

_of_call = Prepared(
    lambda task, call: (
        Approvals.select(Approvals.id)
        .where(Approvals.task == task, Approvals.call_id == call, Approvals.state.in_(DECIDED))
        .order_by(Approvals.id.desc())
        .limit(1)
    )
)


def ask(
    task_id: int,
    call_id: str,
    digest: str,
    now: datetime,
    *,
    own: bool,
    steered_by: str,
    asked_of: str,
    remind_at: datetime,
) -> Approvals:
    """A new question about a call.

    Args:
        task_id: Whose call it is.
        call_id: Which of its calls.
        digest: Of the call's tool and arguments.
        now: The time.
        own: Whether the rule lets who asked for the task approve.
        steered_by: Who else wanted what the task does, as numbers.
        asked_of: Who may decide, as a mark that differs where others may.
        remind_at: When those who may decide are asked again.
    """
    return Approvals.create(
        task=task_id,
        call_id=call_id,
        digest=digest,
        own=own,
        steered_by=steered_by,
        asked_of=asked_of,
        asked_at=now,
        remind_at=remind_at,
    )


def find(approval_id: int) -> Approvals | None:
    """The approval of this number, with its task."""
    return (
        Approvals.select(Approvals, Tasks, Agents)
        .join(Tasks)
        .join(Agents)
        .where(Approvals.id == approval_id)
        .first()
    )


def open_of(task_id: int) -> list[Approvals]:
    """What a task still waits to be decided."""
    mine = (Approvals.task == task_id) & (Approvals.state == "open")
    return list(Approvals.select().where(mine).order_by(Approvals.id))


def every_open() -> list[Approvals]:
    """What is still to be decided, of all tasks."""
    return list(Approvals.select().where(Approvals.state == "open").order_by(Approvals.id))


def pending_of(task_id: int) -> list[Approvals]:
    """What a task still waits to be decided, or has an answer to that was not used."""
    mine = (Approvals.task == task_id) & Approvals.state.in_(("open", *DECIDED))
    return list(Approvals.select().where(mine).order_by(Approvals.id))


def of_call(task_id: int, call_id: str) -> Approvals | None:
    """The answer that was given about a call and not used yet."""
    found = _of_call.rows(task_id, call_id)
    return Approvals.get_by_id(found[0][0]) if found else None


def decide(approval_id: int, state: str, by: str, door: str, note: str, now: datetime) -> bool:
    """Give an open approval its answer; False if another one was first."""
    decided = Approvals.update(state=state, by=by, door=door, note=note, decided_at=now, remind_at=None)
    return decided.where(Approvals.id == approval_id, Approvals.state == "open").execute() == 1


def use(approval_id: int, digest: str) -> bool:
    """Use an answer up; False if it was used before, or if it was about another call."""
    mine = (Approvals.id == approval_id) & Approvals.state.in_(DECIDED) & (Approvals.digest == digest)
    return Approvals.update(state="used").where(mine).execute() == 1


def withdraw(approval_id: int) -> bool:
    """Ask no longer; an answer that was not used counts no more. False if it was used before."""
    unused = (Approvals.id == approval_id) & Approvals.state.in_(("open", *DECIDED))
    return Approvals.update(state="withdrawn", remind_at=None).where(unused).execute() == 1


def to_remind(now: datetime) -> list[Approvals]:
    """Open approvals whose time to be asked again has come."""
    late = (Approvals.state == "open") & (Approvals.remind_at <= now)
    return list(Approvals.select(Approvals, Tasks).join(Tasks).where(late).order_by(Approvals.id))


def remind_again(approval_id: int, at: datetime) -> None:
    """Those who may decide are asked again then."""
    Approvals.update(remind_at=at).where(Approvals.id == approval_id).execute()


def admins(named: Collection[str]) -> list[People]:
    """Admins by their role, and those who have one of these identities."""
    known = Identities.select(Identities.person).where(Identities.value.in_(list(named)))
    return list(People.select().where((People.role == "admin") | People.id.in_(known)).order_by(People.id))


def approvers(agent_id: int, discussion_id: int | None) -> list[People]:
    """Who is named to decide on an agent's calls, or on those of a discussion's tasks."""
    named = Approvers.agent == agent_id
    if discussion_id is not None:
        named |= Approvers.discussion == discussion_id
    found = People.select().join(Approvers).where(named).distinct().order_by(People.id)
    return list(found)
