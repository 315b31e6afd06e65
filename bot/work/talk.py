"""What people say to a task, while it is open."""

from datetime import datetime

from bot import people, permissions, stream
from bot.actors import Actor, Origin, Role
from bot.errors import UserMistake
from bot.events import InstructionGiven, QuestionAsked, ToolFinished
from bot.work.keys import key
from storage import runs, tasks
from storage.tables import Tasks


def say(
    task: Tasks, actor: Actor, origin: Origin, text: str, now: datetime, answers: int | None = None
) -> bool:
    """Tell the agent something: its next turn sees it. Where it has asked, this may be the answer.

    Args:
        task: As `tasks.find` gave it.
        actor: Who says it.
        origin: Where.
        text: What, as it was written.
        now: The time.
        answers: The step whose question this answers; 0 answers none, and None whatever is asked.

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
    if answers and (asked is None or asked.step != answers):
        raise UserMistake(_settled(task, answers))
    if answers == 0:
        asked = None
    trusted = origin.vouched and (permissions.may(actor, Role.MEMBER) or task.agent.open_to_stakeholders)
    by = people.shown(actor)
    told = InstructionGiven(
        text=text,
        by=by,
        door=origin.door.value,
        answers=asked.call_id if asked else "",
        commands=trusted,
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


def _settled(task: Tasks, step: int) -> str:
    """Why a question cannot be answered any more."""
    asked: QuestionAsked | None = None
    for event in stream.replay(task.stream_id):
        fact = event.fact
        if isinstance(fact, QuestionAsked) and fact.step == step:
            asked = fact
        elif asked and isinstance(fact, InstructionGiven) and fact.answers == asked.call_id:
            return (
                f"{fact.by} answered that at {event.at:%Y-%m-%d %H:%M} UTC: {fact.text[:200]}. The first "
                f"answer counts. To tell @{task.agent.name} more: `task say {key(task.id)} …`"
            )
    return f"{key(task.id)} waits for no answer to that any more."
