"""Commands that decide what an agent asked for."""

from typing import Annotated

from bot.actors import Role
from bot.commands.registry import Arguments, Context, Text, Word, command
from bot.commands.words import QuestionKey
from bot.replies import Reply
from bot.work import approvals
from bot.work.approvals import Decision
from bot.work.keys import approval_key, key

NAMED = "where you are named as an approver"
NOTE_CHARS = 2_000


class Decided(Arguments):
    """Arguments of `task approve` and `task deny`."""

    approval: Annotated[QuestionKey, Word("A-N")]
    note: Annotated[str, Text("WHY")] = ""


@command("task approve", needs=Role.STAKEHOLDER, arguments=Decided, condition=NAMED)
def approve(context: Context, arguments: Decided) -> Reply:
    """Let an agent make the very call that it asked about, once."""
    return _decide(context, arguments, "approve")


@command("task deny", needs=Role.STAKEHOLDER, arguments=Decided, condition=NAMED)
def deny(context: Context, arguments: Decided) -> Reply:
    """Let an agent not make the call that it asked about; it is told why."""
    return _decide(context, arguments, "deny")


def _decide(context: Context, arguments: Decided, decision: Decision) -> Reply:
    approval = approvals.find(arguments.approval, context.actor, context.origin)
    note = arguments.note[:NOTE_CHARS]
    approvals.decide(approval, context.actor, context.origin.door, decision, note, context.now)
    name, task = approval_key(approval.id), key(approval.task_id)
    told = f"✅ {name} is approved" if decision == "approve" else f"🚫 {name} is denied"
    data = {"approval": name, "task": task, "decision": decision, "note": note}
    return Reply(f"{told}: **{task}** goes on.", data, shown=True)
