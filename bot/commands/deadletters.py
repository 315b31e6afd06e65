"""Dead letters: what never reached its address, so that an admin can mend what is in the way."""

from bot.actors import Role
from bot.commands.registry import Context, Nothing, command
from bot.replies import Reply
from bot.work import tasks
from storage import dead

LISTED = 20


@command("agent deadletters", needs=Role.ADMIN, reads=True)
def list_dead_letters(_: Context, __: Nothing) -> Reply:
    """Show the newest messages that were refused for good."""
    found = dead.newest(LISTED)
    text = "\n".join(
        f"- {letter.at:%d %B %H:%M} UTC, {letter.outlet} to {letter.address}"
        f"{f', of {tasks.key(letter.task)}' if letter.task else ''}: {letter.error}"
        for letter in found
    )
    data = [
        {
            "at": letter.at.isoformat(),
            "outlet": letter.outlet,
            "address": letter.address,
            "task": tasks.key(letter.task) if letter.task else None,
            "error": letter.error,
        }
        for letter in found
    ]
    return Reply(text or "There are no dead letters.", {"dead_letters": data})
