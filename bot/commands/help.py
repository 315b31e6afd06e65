"""Help, made from the registry: it shows only what the asker may do."""

from bot import permissions
from bot.actors import Role
from bot.commands.registry import COMMANDS, Context, Nothing, command
from bot.replies import Reply


@command("agent help", needs=Role.STAKEHOLDER, reads=True)
@command("task help", needs=Role.STAKEHOLDER, reads=True)
def show_help(context: Context, _: Nothing) -> Reply:
    """Show what you can do here."""
    mine = [known for known in COMMANDS.values() if permissions.may(context.actor, known.needs)]
    lines = [f"- `{known.usage}` — {known.about}" for known in mine]
    text = "**What you can do**\n" + "\n".join(lines)
    return Reply(text, {"commands": [{"usage": known.usage, "about": known.about} for known in mine]})
