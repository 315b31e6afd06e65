"""Tasks by number, and who may see which."""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from peewee import ModelSelect, fn

from storage.prepared import Prepared
from storage.tables import (
    Agents,
    Approvals,
    Approvers,
    Discussions,
    People,
    Subscriptions,
    Tasks,
    instant,
)

PAUSED = "paused"
MOVING = ("queued", "running", "waiting")
OPEN = (*MOVING, PAUSED)

_is_open = Prepared(lambda task: Tasks.select(Tasks.id).where(Tasks.id == task, Tasks.state.in_(OPEN)))
_held_back = Prepared(
    lambda task: (
        Tasks.select(Tasks.id)
        .join(Agents)
        .where(Tasks.id == task, (Agents.status == "paused") | (Tasks.state == PAUSED))
    )
)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What decides which tasks someone sees.

    Attributes:
        person: Sees the tasks they asked for, and those that they are named to decide on.
        addresses: Sees the tasks that are sent to one of these, unless they were but called to decide.
        place: Door and place where they are now: its tasks show there.
        public: Sees the tasks of every discussion that is not private.
        everything: Sees all tasks.
    """

    person: int
    addresses: tuple[str, ...] = ()
    place: tuple[str, str] = ("", "")
    public: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A task as a list shows it; agent and asker by name."""

    id: int
    title: str
    state: str
    agent: str
    asker: str
    opened_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, task: Tasks) -> "Line":
        """What a list shows of this task."""
        names = task.agent.name, task.asker.name
        return cls(task.id, task.title, task.state, *names, task.opened_at, task.ended_at)


def _seen_by(eyes: Eyes) -> "ModelSelect[Tasks]":
    query: ModelSelect[Tasks] = (
        Tasks.select(Tasks, Agents, People, Discussions)
        .join(Agents)
        .switch(Tasks)
        .join(People)
        .switch(Tasks)
        .left_outer_join(Discussions)
    )
    if eyes.everything:
        return query
    told = Subscriptions.select(Subscriptions.task).where(
        Subscriptions.address.in_(eyes.addresses), Subscriptions.cadence != "called"
    )
    named = Approvers.select(Approvers.id).where(
        Approvers.person == eyes.person,
        (Approvers.agent == Tasks.agent) | (Approvers.discussion == Tasks.discussion),
    )
    asked = Approvals.select(Approvals.id).where(Approvals.task == Tasks.id)
    may = (Tasks.asker == eyes.person) | Tasks.id.in_(told) | (fn.EXISTS(named) & fn.EXISTS(asked))
    if eyes.public:
        may |= Tasks.discussion.is_null() | ~Discussions.private
        may |= (Discussions.door == eyes.place[0]) & (Discussions.place == eyes.place[1])
    return query.where(may)


def find(task_id: int, eyes: Eyes) -> Tasks | None:
    """The task of this number, for someone who may see it."""
    return _seen_by(eyes).where(Tasks.id == task_id).first()


@functools.cache
def _newest(*, public: bool, everything: bool) -> Prepared:
    """The query of `newest`, for one kind of eyes."""

    def build(limit: int, person: int, door: str, place: str, *addresses: str) -> "ModelSelect[Tasks]":
        seen = _seen_by(Eyes(person, addresses, (door, place), public, everything))
        lines = seen.select(
            Tasks.id, Tasks.title, Tasks.state, Agents.name, People.name, Tasks.opened_at, Tasks.ended_at
        )
        return lines.order_by(Tasks.id.desc()).limit(limit)

    return Prepared(build)


def newest(eyes: Eyes, limit: int) -> list[Line]:
    """The newest tasks that someone may see."""
    query = _newest(public=eyes.public, everything=eyes.everything)
    found = query.rows(limit, eyes.person, *eyes.place, *eyes.addresses)
    return [
        Line(id_, title, state, agent, asker, instant(opened), None if ended is None else instant(ended))
        for id_, title, state, agent, asker, opened, ended in found
    ]


def matching(eyes: Eyes, text: str, limit: int) -> list[Line]:
    """The newest tasks that someone may see and whose title or text says this, in capitals or not."""
    says = [fn.casefold(said).contains(text.casefold()) for said in (Tasks.title, Tasks.text)]
    found = _seen_by(eyes).where(says[0] | says[1])
    return [Line.of(task) for task in found.order_by(Tasks.id.desc()).limit(limit)]


def get(task_id: int) -> Tasks:
    """The task of this number, which must be there."""
    return Tasks.get_by_id(task_id)


def is_open(task_id: int) -> bool:
    """Whether a task is not over yet."""
    return bool(_is_open.rows(task_id))


def begin(task_id: int) -> bool:
    """A queued task runs now; False if it is not to."""
    return Tasks.update(state="running").where(Tasks.id == task_id, Tasks.state.in_(MOVING)).execute() == 1


def end(task_id: int, state: str, now: datetime) -> bool:
    """End a task, owing its report; False if it had ended before."""
    ended = Tasks.update(state=state, ended_at=now, report_due=True, waiting_for="", question="")
    return ended.where(Tasks.id == task_id, Tasks.state.in_(OPEN)).execute() == 1


def held_back(task_id: int) -> bool:
    """Whether a task or its agent is paused."""
    return bool(_held_back.rows(task_id))


def queue(task_id: int) -> None:
    """A running task is queued again."""
    Tasks.update(state="queued").where(Tasks.id == task_id, Tasks.state == "running").execute()


def wait(task_id: int, waiting_for: str, question: str = "") -> None:
    """A task waits: for an `approval`, or for a `reply` to the call that asks; a paused one stays paused."""
    Tasks.update(waiting_for=waiting_for, question=question).where(Tasks.id == task_id).execute()
    Tasks.update(state="waiting").where(Tasks.id == task_id, Tasks.state != PAUSED).execute()


def go_on(task_id: int) -> bool:
    """A task waits no longer, and is queued unless it is paused; False if it is not queued by that."""
    waited = Tasks.state.in_(("waiting", PAUSED))
    Tasks.update(waiting_for="", question="").where(Tasks.id == task_id, waited).execute()
    queued = Tasks.update(state="queued").where(Tasks.id == task_id, Tasks.state == "waiting")
    return queued.execute() == 1


def pause(task_id: int) -> bool:
    """A task rests; False if it does already, or is over."""
    paused = Tasks.update(state=PAUSED).where(Tasks.id == task_id, Tasks.state.in_(MOVING))
    return paused.execute() == 1


def resume(task_id: int) -> str:
    """A paused task goes on, or waits on for what it waited for; its state, empty if it was not paused."""
    paused = (Tasks.id == task_id) & (Tasks.state == PAUSED)
    if Tasks.update(state="waiting").where(paused, Tasks.waiting_for != "").execute():
        return "waiting"
    return "queued" if Tasks.update(state="queued").where(paused).execute() else ""


def reopen(task_id: int) -> bool:
    """A task that was over is queued again; False if it was not over."""
    queued = Tasks.update(state="queued", ended_at=None, report_due=False)
    return queued.where(Tasks.id == task_id, Tasks.state.not_in(OPEN)).execute() == 1


def give(task_id: int, agent: Agents) -> None:
    """Another agent works on a task from now on; what the task waited for is off. A paused one stays so."""
    Tasks.update(agent=agent, waiting_for="", question="").where(Tasks.id == task_id).execute()
    Tasks.update(state="queued").where(Tasks.id == task_id, Tasks.state != PAUSED).execute()


def in_thread(outlet: str, thread: str) -> Tasks | None:
    """The newest task that is told of in this thread."""
    told = Tasks.select(Tasks, Agents).join(Agents).switch(Tasks).join(Subscriptions)
    here = (Subscriptions.outlet == outlet) & (Subscriptions.thread == thread)
    return told.where(here).order_by(Tasks.id.desc()).first()


def report_due(task_id: int | None = None, but: Collection[int] = ()) -> Tasks | None:
    """The longest ended task whose report is still owed, or this one if its is; none of these others."""
    owed = Tasks.report_due if task_id is None else Tasks.report_due & (Tasks.id == task_id)
    return Tasks.select().where(owed, Tasks.id.not_in(list(but))).order_by(Tasks.ended_at).first()


def settle_report(task_id: int, ended_at: datetime | None) -> bool:
    """The report of this ending is owed no more; False if another worker settled it first."""
    owed = (Tasks.id == task_id) & Tasks.report_due & (Tasks.ended_at == ended_at)
    return Tasks.update(report_due=False).where(owed).execute() == 1


def over(task_ids: Collection[int], before: datetime) -> list[int]:
    """Those of these tasks that were over before this moment."""
    found = Tasks.select(Tasks.id).where(Tasks.id.in_(list(task_ids)), Tasks.ended_at < before)
    return [task.id for task in found]


def last() -> int | None:
    """The number of the newest task."""
    newest = Tasks.select(Tasks.id).order_by(Tasks.id.desc()).first()
    return newest.id if newest else None
