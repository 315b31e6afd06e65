"""Commands about what people hear of a task, and what they get of it."""

from dataclasses import replace
from typing import Annotated, Literal

from bot import stream
from bot.actors import Door, Role
from bot.commands.registry import Context, Option, Word, command
from bot.commands.tasks import TAKING_PART, OneTask
from bot.commands.words import Address
from bot.replies import Reply
from bot.reports import summary
from bot.reports.humane import size
from bot.work import hearing, tasks
from storage import notices, people
from storage.tables import Tasks

SHOWN_FILES = 50


class Watched(OneTask):
    """Arguments of `task watch`."""

    every: Annotated[
        Literal["all", "milestones", "daily", "result"], Option("--every", "all|milestones|daily|result")
    ] = "all"


class Notified(OneTask):
    """Arguments of `task notify`."""

    address: Annotated[Address, Word("ADDRESS")]


@command("task watch", needs=Role.STAKEHOLDER, arguments=Watched, condition=TAKING_PART)
def watch(context: Context, arguments: Watched) -> Reply:
    """Hear of a task: in Slack by direct message, else by email."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    where = hearing.watch(task, context.actor, context.origin.door, arguments.every)
    what = {"all": "everything", "milestones": "what matters", "daily": "once a day", "result": "the result"}
    return _reply(task, f"you hear {where}: {what[arguments.every]}.")


@command("task unwatch", needs=Role.STAKEHOLDER, arguments=OneTask, condition=TAKING_PART)
def unwatch(context: Context, arguments: OneTask) -> Reply:
    """Hear nothing more of a task."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    hearing.hear_less(task, context.actor, "none")
    return _reply(task, "you hear nothing more. `task watch` changes that.")


@command("task mute", needs=Role.STAKEHOLDER, arguments=OneTask, condition=TAKING_PART)
def mute(context: Context, arguments: OneTask) -> Reply:
    """Hear of a task only what you are to decide."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    hearing.hear_less(task, context.actor, "asked")
    return _reply(task, "you hear only what you are to decide. `task watch` changes that.")


@command("task notify", needs=Role.MEMBER, arguments=Notified)
def notify(context: Context, arguments: Notified) -> Reply:
    """Let an address hear of a task by email."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    if hearing.notify(task, arguments.address):
        return _reply(task, f"{arguments.address} hears of it by email from now on.")
    return _reply(task, f"{arguments.address} hears of it already, as they chose.")


def _reply(task: Tasks, told: str) -> Reply:
    key = tasks.key(task.id)
    return Reply(f"**{key}**: {told}", {"id": task.id, "key": key})


@command("task files", needs=Role.STAKEHOLDER, arguments=OneTask, reads=True, condition=TAKING_PART)
def files(context: Context, arguments: OneTask) -> Reply:
    """Show which files a task made or changed."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    report = summary.read(tasks.key(task.id), stream.replay(task.stream_id))
    rows = [f"- `{file.name}` · {size(file.size)}, kept" for file in report.artifacts]
    rows += [f"- `{change.path}` · {change.how}, {size(change.size)}" for change in report.changes]
    more = len(rows) - SHOWN_FILES + report.more_changes
    shown = "\n".join(rows[:SHOWN_FILES]) + (f"\n… and {more} more" if more > 0 else "")
    empty = "It has left no files." if report.ended else "Files are listed when the task is over."
    changes = [{"path": one.path, "how": one.how, "size": one.size} for one in report.changes]
    kept = [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in report.artifacts]
    text = f"**{report.key}** {report.title}\n{shown or empty}"
    return Reply(text, {"id": task.id, "key": report.key, "changes": changes, "artifacts": kept})


@command("task report", needs=Role.STAKEHOLDER, arguments=OneTask, condition=TAKING_PART)
def send_report(context: Context, arguments: OneTask) -> Reply:
    """Get a task's report as it stands, as a PDF where you are."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    report = summary.read(tasks.key(task.id), stream.replay(task.stream_id))
    if not _send(context, task, "report", f"The report of **{report.key}** {report.title}, as it stands."):
        return Reply(summary.markdown(report), {"id": task.id, "key": report.key})
    return _sent(context, task, "its report is")


@command("task diff", needs=Role.STAKEHOLDER, arguments=OneTask, condition=TAKING_PART)
def send_diff(context: Context, arguments: OneTask) -> Reply:
    """Get what a task changed in its workspace, so far or in the end, as a patch where you are."""
    task = tasks.find(arguments.task, context.actor, context.origin)
    if not _send(context, task, "diff", f"What **{tasks.key(task.id)}** {task.title} changed."):
        return Reply("", {"id": task.id, "key": tasks.key(task.id), "encloses": "diff"})
    return _sent(context, task, "what it changed is")


def _send(context: Context, task: Tasks, what: Literal["report", "diff"], text: str) -> bool:
    """Ask for something to be made and sent to where the call came from; False where nothing can be sent."""
    outlet, address, thread = _place(context)
    if not address:
        return False
    subject = f"[{tasks.key(task.id)}] {what.capitalize()}: {task.title}"
    notice = notices.add(outlet, address, text, context.now, thread=thread, subject=subject)
    notices.enclose(notice, task.id, what)
    return True


def _sent(context: Context, task: Tasks, what: str) -> Reply:
    """Where it goes; somebody who is about to get it in that very place need not be told."""
    typed = context.origin.door == Door.SLACK and not context.origin.thread
    where = "its way to your direct messages" if typed else "its way"
    return replace(_reply(task, f"{what} on {where}."), shown=not typed)


def _place(context: Context) -> tuple[str, str, str]:
    """Where something is sent to that was asked for: outlet, address, and what it answers."""
    if context.origin.door == Door.SLACK:
        if context.origin.thread:
            return "slack", context.origin.place, context.origin.thread
        return "slack", next(iter(people.values(context.actor.id, "slack")), ""), ""
    if context.origin.door == Door.EMAIL:
        return "email", next(iter(people.values(context.actor.id, "email")), ""), ""
    return "", "", ""
