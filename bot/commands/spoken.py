"""What people say in a task's thread, or on the first line of a mail, as commands: `!deny too broad`.

What is no command is said to the agent, so that a verb counts only where it is plainly meant as one.
"""

import re
from collections.abc import Collection

from bot.commands.registry import COMMANDS, Command, Flag, Option, Word

ALIKE = {"stop": "cancel", "status": "show", "approved": "approve"}
ALONE = frozenset({"approve", "cancel"})  # a yes with a condition is no yes
IN_MAIL = frozenset({"approve", "deny", "cancel", "stop", "pause", "resume", "status", "diff"})
_SAID = re.compile(r"\s*([^\W\d_]+)(?![\w'\u2019])[:,]?(.*)", re.DOTALL)
_DASHES = re.compile("^[-\u2013\u2014]+\\s+")
_ABOUT = re.compile(
    r"([^\W\d_]+)[:,]?\s+([AT]-?\d{1,15})(?![\w-])[.,:;!]?(.*)", re.ASCII | re.DOTALL | re.IGNORECASE
)
_OPTION = re.compile("^(?:--|[\u2013\u2014])\\w")


def about(text: str) -> str:
    """What a verb is said about where it says so itself: `deny A-17 too broad`; empty where it does not."""
    found = _ABOUT.fullmatch(text.strip())
    return found[2] if found else ""


def in_task(text: str, key: str, verbs: Collection[str] | None = None) -> str | None:
    """The command that something said about a task stands for.

    Args:
        text: What was said, without a leading `!`; of a mail the first line.
        key: What it was said about: T-12 or A-17. A key behind the verb counts instead: a door that lets
            people speak about one thing alone looks at `about` first.
        verbs: Those that count, `IN_MAIL` for mail; None for all.

    Returns:
        The text of the command; None where no verb is meant.
    """
    if named := _ABOUT.fullmatch(text.strip()):
        text, key = f"{named[1]}{named[3]}", named[2]
    said = _SAID.match(text)
    if said is None:
        return None
    word = said[1].lower()
    verb = ALIKE.get(word, word)
    known = COMMANDS.get(f"task {verb}")
    if known is None or not _about_a_task(known):
        return None
    if verbs is not None and word not in verbs and not (word in ALIKE and verb in verbs):
        return None
    rest = said[2].strip()
    command = f"{known.name} {key}"
    if rest.strip(".! ?" if known.reads else ".! ").lower() in ("", key.lower()):
        return command
    if verb in ALONE or not _takes(known, rest):
        return None
    return f"{command} {_DASHES.sub('', rest) if verb == 'deny' else rest}"


def _about_a_task(known: Command) -> bool:
    """Whether a command takes a task first."""
    part = next(
        (part for part in known.arguments.parts().values() if not isinstance(part, Option | Flag)), None
    )
    return isinstance(part, Word) and part.shown in ("T-N", "A-N")


def _takes(known: Command, rest: str) -> bool:
    """Whether a command has a place for what follows its task: options only take what looks like one."""
    parts = list(known.arguments.parts().values())
    words = [part for part in parts if not isinstance(part, Option | Flag)]
    return len(words) > 1 or (len(parts) > 1 and bool(_OPTION.match(rest)))
