"""What people say to a task, while it is open."""

from datetime import datetime

from bot import stream
from bot.actors import Actor, Door
from bot.errors import UserMistake
from bot.events import InstructionGiven, QuestionAsked, ToolFinished
from bot.work.keys import key
from storage import runs, tasks
from storage.tables import Tasks


def say(task: Tasks, actor: Actor, door: Door, text: str, now: datetime) -> bool:
    """Tell the agent something: its next turn sees it. Where it has asked, this is the answer.

    Args:
        task: As `tasks.find` gave it.
        actor: Who says it.
        door: By which door.
        text: What, as it was written.
        now: The time.

    Returns:
        Whether it answers a question.

    Raises:
        UserMistake: The task is over.
    """
    if task.state not in tasks.OPEN:
        raise UserMistake(
            f"{key(task.id)} is over: it is {task.state}. Begin it anew with `task retry {key(task.id)}`, "
            "or assign a new task."
        )
    asked = task.question if task.waiting_for == "reply" else ""
    told = InstructionGiven(text=text, by=actor.name, door=door.value, answers=asked)
    stream.record(task.stream_id, actor.name, told, now)
    if asked:
        answer = ToolFinished(step=_step(task, asked), call_id=asked, ok=True, output=text)
        stream.record(task.stream_id, actor.name, answer, now)
        tasks.go_on(task.id)
        runs.unpark(task.id)
    return bool(asked)


def _step(task: Tasks, call_id: str) -> int:
    """The step that a question belongs to."""
    asked = [event.fact for event in stream.replay(task.stream_id) if isinstance(event.fact, QuestionAsked)]
    return next(fact.step for fact in reversed(asked) if fact.call_id == call_id)
