"""Commands in our answers as they are typed in Slack: `task list` is `/task list` there."""

import re

from bot.commands import nearest
from bot.commands.registry import COMMANDS
from bot.replies import Reply
from handlers.slack import asks

_SPAN = re.compile(r"(?<!`)(?:(``++).+?(?<!`)\1|`(?P<said>[^`\n]+)`)(?!`)", re.DOTALL)
_LAST = re.compile(r"(?<=: )(?P<said>(?:agent|task) [^`\n]+)\Z")
NAME_WORDS = 3
ALL_HELP = "@Legwork help"  # `/agent help` tells of agents


def shown(reply: Reply) -> str:
    """The text of an answer, its commands with a slash.

    A command stands in a code span, and in a mistake at the end, too: "Try: task list".
    """
    text = reply.text if reply.ok else _LAST.sub(_last, reply.text)
    return _SPAN.sub(_span, text)


def _span(found: re.Match[str]) -> str:
    said = found["said"]
    return f"`{_typed(said)}`" if said else found[0]


def _last(found: re.Match[str]) -> str:
    return f"`{found['said']}`" if _typed(found["said"]) != found["said"] else found[0]


def _typed(said: str) -> str:
    """A command with its slash, what is none as it is; `/help` is Slack's own."""
    words = said.split(" ")
    if words[0] == "help":
        return f"/agent {said}" if words[1:] else ALL_HELP
    if words[0] not in asks.GROUPS:
        return said
    names = (" ".join(words[:count]) for count in range(2, NAME_WORDS + 1))
    known = nearest.is_group(said) or any(name in COMMANDS for name in names)
    return f"/{said}" if known else said
