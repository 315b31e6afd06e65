"""Commands about tasks: see, find, steer, stop and restart them."""

from typing import Annotated

from pydantic import Field

from bot import permissions, stream
from bot.actors import Door, Role
from bot.commands.registry import Arguments, Context, Nothing, Option, Text, Word, command
from bot.commands.words import AgentName, TaskKey
from bot.errors import Refused
from bot.events import HostAsked
from bot.replies import Reply
from bot.reports import summary
from bot.reports.humane import counted
from bot.reports.report import ApprovalView, QuestionView, StepView
from bot.work import talk, tasks
from storage import deliveries
from storage.tables import Tasks
from storage.tasks import Line

LISTED = 20
PLAN_ICONS = {"todo": "▫️", "doing": "▶️", "done": "✅"}
OWN = "on tasks you opened"
TAKING_PART = "on tasks you take part in"
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

    task: Annotated[TaskKey, Word("T-N")]


class Said(OneTask):
    """Arguments of `task say`: it answers the question of a call, `3.2`; 0 is none, and nothing any."""

    answers: Annotated[str, Option("--answers", "CALL"), Field(pattern=r"^\d{1,7}(\.\d{1,4})?$")] = ""
    text: Annotated[str, Text("TEXT")]


class Sought(Arguments):
    """Arguments of `task find`."""

    text: Annotated[str, Text("TEXT")]


class Given(OneTask):
    """Arguments of `task assign`."""

    agent: Annotated[AgentName, Word("@AGENT")]


def _row(task: Line) -> str:
    return (
        f"- {ICONS[task.state]} **{tasks.key(task.id)}** {task.title} — {task.state}, "
        f"@{task.agent} for {task.asker}"
    )


def data_of(task: Line) -> dict[str, object]:
    """What programs are told of a task."""
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


def _listed(found: list[Line], nothing: str) -> Reply:
    return Reply("\n".join(map(_row, found)) or nothing, {"tasks": [data_of(task) for task in found]})


@command("task list", needs=Role.MEMBER, reads=True)
def list_tasks(context: Context, _: Nothing) -> Reply:
    """Show the newest tasks."""
    found = tasks.newest(context.actor, context.origin, LISTED)
    return _listed(found, "There are no tasks yet. Open one: `agent assign @AGENT TEXT`")


@command("task find", needs=Role.MEMBER, arguments=Sought, reads=True)
def find(context: Context, arguments: Sought) -> Reply:
    """Find tasks by words in their title or text."""
    found = tasks.matching(context.actor, context.origin, arguments.text, LISTED)
    return _listed(found, "No task that you can see says that. Try fewer words.")


@command("task show", needs=Role.STAKEHOLDER, arguments=OneTask, reads=True, condition=TAKING_PART)
def show(context: Context, arguments: OneTask) -> Reply:
    """Show how a task stands."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    report = summary.read(tasks.key(task.id), stream.replay(task.stream_id))
    parts = [f"{ICONS[task.state]} **{report.key}** {report.title}\n{summary.headline(report)}"]
    if report.plan:
        parts.append("\n".join(f"- {PLAN_ICONS[item.state]} {item.text}" for item in report.plan))
    parts += [_asked(view) for view in report.approvals if view.state == "open"]
    parts += [_question(report.key, view) for view in report.questions if view.open]
    if holder := tasks.held_by(task):
        parts.append(f"It waits for the workspace {task.workspace.name}, which {tasks.key(holder)} has.")
    if task.state == "queued" and task.agent.status == "paused":
        parts.append(
            f"@{task.agent.name} is paused. An admin lets it go on: `agent resume {task.agent.name}`"
        )
    parts += [report.outcome] if report.outcome else []
    if twice := deliveries.maybe_twice(task.id):
        parts.append(f"{counted(twice, 'mail')} may have come twice, each time with the same Message-ID.")
    used = report.usage.model_dump() if report.usage else None
    steps = [_step(step) for step in report.steps]
    plan = [item.model_dump() for item in report.plan]
    data = {"text": task.text, "outcome": report.outcome, "steps": steps, "usage": used, "plan": plan}
    asked = [_approval(view) for view in report.approvals]
    hosts = [_host(one) for one in report.hosts]
    more = {
        "approvals": asked,
        "hosts": hosts,
        "files_changed": report.files_changed,
        "mails_maybe_twice": twice,
    }
    return Reply("\n\n".join(parts), {**data_of(Line.of(task)), **data, **more})


def _asked(view: ApprovalView) -> str:
    who = ", ".join(view.approvers) or "any team member"
    fence = "```"
    while fence in view.does:
        fence += "`"
    answers = f"`task approve {view.key}` or `task deny {view.key} why`"
    return (
        f"**{view.key}** waits for {who}: {view.rule}\n\n{fence}\n{view.does}\n{fence}\n\nAnswer: {answers}"
    )


def _question(key: str, view: QuestionView) -> str:
    choice = "".join(f"\n- {option}" for option in view.options)
    return f"**The agent asks:** {view.text}{choice}\n\nAnswer: `task say {key} …`"


def _approval(view: ApprovalView) -> dict[str, object]:
    return {
        "key": view.key,
        "does": view.does,
        "rule": view.rule,
        "state": view.state,
        "by": view.by,
        "door": view.door,
        "note": view.note,
    }


def _host(asked: HostAsked) -> dict[str, object]:
    told = {"host", "port", "outcome", "connections", "sent", "received", "why"}
    return asked.model_dump(include=told)


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


@command("task say", needs=Role.STAKEHOLDER, arguments=Said, condition=TAKING_PART)
def say(context: Context, arguments: Said) -> Reply:
    """Tell the agent something while it works, or answer its question."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    answered = talk.say(task, context.actor, context.origin, arguments.text, context.now, arguments.answers)
    key = tasks.key(task.id)
    told = f"**{key}** goes on with that." if answered else f"@{task.agent.name} is told, in **{key}**."
    return Reply(told, {"id": task.id, "key": key, "answered": answered}, shown=True)


@command("task cancel", needs=Role.STAKEHOLDER, arguments=OneTask, condition=OWN)
def cancel(context: Context, arguments: OneTask) -> Reply:
    """Stop a task."""
    task = _mine(context, arguments.task)
    tasks.cancel(task, context.actor, context.now)
    return Reply(f"⏹️ **{tasks.key(task.id)}** is cancelled.", data_of(Line.of(task)), shown=True)


@command("task pause", needs=Role.STAKEHOLDER, arguments=OneTask, condition=OWN)
def pause(context: Context, arguments: OneTask) -> Reply:
    """Let a task rest after the call that is under way."""
    task = _mine(context, arguments.task)
    tasks.pause(task, context.actor, context.now)
    key = tasks.key(task.id)
    how = "resume" if context.origin.door == Door.EMAIL else f"task resume {key}"
    told = f"⏸️ **{key}** is paused. Let it go on with: `{how}`"
    return Reply(told, data_of(Line.of(task)), shown=_threaded(context))


@command("task resume", needs=Role.STAKEHOLDER, arguments=OneTask, condition=OWN)
def resume(context: Context, arguments: OneTask) -> Reply:
    """Let a paused task go on."""
    task = _mine(context, arguments.task)
    tasks.resume(task, context.actor, context.now)
    return Reply(f"🕓 **{tasks.key(task.id)}** goes on.", data_of(Line.of(task)), shown=_threaded(context))


def _threaded(context: Context) -> bool:
    """Whether whoever rests a task, or lets it go on, sees that: a thread shows it, and no mail tells."""
    return context.origin.door != Door.EMAIL


@command("task retry", needs=Role.STAKEHOLDER, arguments=OneTask, condition=OWN)
def retry(context: Context, arguments: OneTask) -> Reply:
    """Begin a task anew that is over, in the same workspace."""
    task = _mine(context, arguments.task)
    tasks.retry(task, context.actor, context.now)
    return Reply(f"🕓 **{tasks.key(task.id)}** begins anew.", data_of(Line.of(task)), shown=True)


@command("task assign", needs=Role.MEMBER, arguments=Given)
def assign(context: Context, arguments: Given) -> Reply:
    """Let another agent go on with a task."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    tasks.reassign(task, arguments.agent, context.actor, context.now)
    key = tasks.key(task.id)
    told = f"🕓 @{arguments.agent} goes on with **{key}**."
    if task.state == "paused":
        told = f"⏸️ @{arguments.agent} has **{key}**, which is paused. Let it go on with: `task resume {key}`"
    elif task.agent.status == "paused":
        told += f" It is paused: an admin lets it go on with `agent resume {arguments.agent}`."
    return Reply(told, data_of(Line.of(task)), shown=True)


def _mine(context: Context, named: str) -> Tasks:
    """A task that a stakeholder may only stop or restart if they opened it.

    Raises:
        Refused: They did not.
    """
    task = tasks.find(named, context.actor, context.origin)
    if task.asker_id != context.actor.id and not permissions.may(context.actor, Role.MEMBER):
        raise Refused(f"{tasks.key(task.id)} was opened by {task.asker.name}: ask them, or a team member.")
    return task
