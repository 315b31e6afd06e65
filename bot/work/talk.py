"""What people say to a task, while it is open."""

from datetime import datetime

from bot import people, permissions, stream
from bot.actors import Actor, Origin, Role
from bot.errors import UserMistake
from bot.events import InstructionGiven, QuestionAsked, ToolFinished
from bot.work.keys import key
from storage import runs, tasks
from storage.tables import Tasks

NONE = "0"  # what answers no question


def say(task: Tasks, actor: Actor, origin: Origin, text: str, now: datetime, answers: str = "") -> bool:
    """Tell the agent something: its next turn sees it. Where it has asked, this may be the answer.

    Args:
        task: As `tasks.find` gave it.
        actor: Who says it.
        origin: Where.
        text: What, as it was written.
        now: The time.
        answers: The question that this answers, as `QuestionAsked.named` has it, or by its step alone; `0`
            answers none, and nothing whatever is asked.

    Returns:
        Whether it answers a question.

    Raises:
        UserMistake: The task is over, or that question is not open any more.
    """
    if task.state not in tasks.OPEN:
        raise UserMistake(
            f"{key(task.id)} is over: it is {task.state}. Begin it anew with `task retry {key(task.id)}`, "
            "or assign a new task."
        )
    asked = _open_question(task)
    if answers == NONE:
        asked = None
    elif answers and not (asked and _is_meant(asked, answers)):
        raise UserMistake(_settled(task, answers))
    trusted = origin.vouched and (permissions.may(actor, Role.MEMBER) or task.agent.open_to_stakeholders)
    by = people.shown(actor)
    told = InstructionGiven(
        text=text,
        by=by,
        door=origin.door.value,
        answers=asked.call_id if asked else "",
        commands=trusted,
        person=actor.id,
    )
    stream.record(task.stream_id, by, told, now)
    if asked:
        answer = ToolFinished(step=asked.step, call_id=asked.call_id, ok=True, output=text)
        stream.record(task.stream_id, by, answer, now)
        tasks.go_on(task.id)
        runs.unpark(task.id)
    return asked is not None


def _open_question(task: Tasks) -> QuestionAsked | None:
    """What the agent waits to be told."""
    if task.waiting_for != "reply":
        return None
    asked = [event.fact for event in stream.replay(task.stream_id) if isinstance(event.fact, QuestionAsked)]
    return next((fact for fact in reversed(asked) if fact.call_id == task.question), None)


def _is_meant(asked: QuestionAsked, named: str) -> bool:
    return named in (asked.named, str(asked.step))


def _settled(task: Tasks, named: str) -> str:
    """Why a question cannot be answered any more."""
    asked: QuestionAsked | None = None
    for event in stream.replay(task.stream_id):
        fact = event.fact
        if isinstance(fact, QuestionAsked) and _is_meant(fact, named):
            asked = fact
        elif asked and isinstance(fact, InstructionGiven) and fact.answers == asked.call_id:
            return (
                f"{fact.by} answered that at {event.at:%Y-%m-%d %H:%M} UTC: {fact.text[:200]}. The first "
                f"answer counts. To tell @{task.agent.name} more: `task say {key(task.id)} …`"
            )
    return f"{key(task.id)} waits for no answer to that any more."
