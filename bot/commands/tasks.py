"""Commands about tasks."""

from typing import Annotated

from bot import permissions, stream
from bot.actors import Role
from bot.commands.registry import Arguments, Context, Nothing, Word, command
from bot.errors import Refused
from bot.replies import Reply
from bot.reports import summary
from bot.reports.summary import StepView
from bot.work import tasks
from storage.tasks import Line

LISTED = 20
ICONS = {
    "queued": "🕓",
    "running": "⚙️",
    "waiting": "✋",
    "paused": "⏸️",
    "done": "✅",
    "failed": "❌",
    "cancelled": "⏹️",
}


class OneTask(Arguments):
    """Arguments of a command about one task."""

    task: Annotated[str, Word("T-N")]


def _row(task: Line) -> str:
    return (
        f"- {ICONS[task.state]} **{tasks.key(task.id)}** {task.title} — {task.state}, "
        f"@{task.agent} for {task.asker}"
    )


def _data(task: Line) -> dict[str, object]:
    return {
        "id": task.id,
        "key": tasks.key(task.id),
        "title": task.title,
        "state": task.state,
        "agent": task.agent,
        "asked_by": task.asker,
        "opened_at": task.opened_at.isoformat(),
        "ended_at": task.ended_at.isoformat() if task.ended_at else None,
    }


@command("task list", needs=Role.MEMBER, reads=True)
def list_tasks(context: Context, _: Nothing) -> Reply:
    """Show the newest tasks."""
    found = tasks.newest(context.actor, context.origin, LISTED)
    text = "\n".join(map(_row, found)) or "There are no tasks yet. Open one: `agent assign @AGENT TEXT`"
    return Reply(text, {"tasks": [_data(task) for task in found]})


@command("task show", needs=Role.STAKEHOLDER, arguments=OneTask, reads=True)
def show(context: Context, arguments: OneTask) -> Reply:
    """Show how a task stands."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    report = summary.read(tasks.key(task.id), stream.replay(task.stream_id))
    text = f"{ICONS[task.state]} **{report.key}** {report.title}\n{summary.headline(report)}"
    if report.outcome:
        text += f"\n\n{report.outcome}"
    data = {"text": task.text, "outcome": report.outcome, "steps": [_step(step) for step in report.steps]}
    return Reply(text, {**_data(Line.of(task)), **data})


def _step(step: StepView) -> dict[str, object]:
    return {
        "number": step.number,
        "what": step.what,
        "state": step.state,
        "output": step.output,
        "exit_code": step.exit_code,
        "seconds": step.seconds,
        "attempts": step.attempts,
    }


@command("task cancel", needs=Role.STAKEHOLDER, arguments=OneTask)
def cancel(context: Context, arguments: OneTask) -> Reply:
    """Stop a task."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    if task.asker_id != context.actor.id and not permissions.may(context.actor, Role.MEMBER):
        raise Refused(f"{tasks.key(task.id)} was opened by {task.asker.name}: ask them, or a team member.")
    tasks.cancel(task, context.actor, context.now)
    return Reply(f"⏹️ **{tasks.key(task.id)}** is cancelled.", _data(Line.of(task)))
