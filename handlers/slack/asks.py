"""What people ask the bot in their own words, as commands of the grammar."""

import re

from bot.commands import spoken, tokens
from bot.commands.registry import COMMANDS

ALONE = {"list": "task list", "tasks": "task list", "agents": "agent list"}
GROUPS = ("agent", "task")
_TO_AGENT = re.compile(r"@[a-z0-9][\w.-]*[:,]?(?!\S)", re.IGNORECASE)
TWO = 2


def command(text: str, key: str = "") -> str | None:
    """The command that something said to the bot stands for.

    Only what is plainly one counts: "show T-12" is, and "show me the logs" is for an agent to read.

    Args:
        text: What was said, decoded, without the mention that made it one to the bot.
        key: The task in whose thread it was said: T-12; empty elsewhere.
    """
    text = text.removeprefix("!")
    word, rest = tokens.word(text)
    first = word.lower().strip("/?!.")
    if first in GROUPS:
        return text
    if first == "help" and (topic := _topic(rest)) is not None:
        return f"help {topic}".strip()
    if first in ALONE and not rest.strip(" .!?"):
        return ALONE[first]
    if about := spoken.about(text):
        return spoken.in_task(text, about)
    if first == "assign" and not (key and len(rest.split(maxsplit=TWO)) < TWO):
        return f"agent {text}"
    return spoken.in_task(text, key) if key else None


def agent(text: str) -> str:
    """What may be the agent that something is said to: `@coder fix it`; empty if there is none."""
    found = _TO_AGENT.match(text)
    return found[0].strip("@:,").lower() if found else ""


def _topic(text: str) -> str | None:
    """What help is wanted about, empty for all; None for who says "help me with …" and wants no help page."""
    topic = " ".join(text.lower().strip(" .!?`/").split())
    return topic if not topic or any(f" {topic} " in f" {name} " for name in COMMANDS) else None
