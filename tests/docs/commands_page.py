"""The tables of docs/commands.md, made from the registry; the prose around them is written by hand.

`.venv/bin/python -m tests.docs.commands_page` makes them anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import bot.commands  # noqa: F401  puts every command on the list
from bot.commands.registry import COMMANDS, Command

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
SECTIONS = {
    "Tasks": ("task", "agent assign", "agent run", "agent runbooks"),
    "Agents": ("agent",),
    "Permissions of agents": ("agent tools",),
    "People": ("agent people",),
    "Channels and workspaces": ("agent channel", "agent workspaces"),
    "Help and trouble": ("help", "agent help", "task help", "agent deadletters"),
}
_TABLES = re.compile(r"(?<=<!-- commands -->\n).*(?=<!-- /commands -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page with tables of the commands that there are."""
    tables = "\n".join(_tables())
    return _TABLES.sub(lambda _: f"\n{tables}\n", page)


def _tables() -> Iterator[str]:
    for title in SECTIONS:
        rows = sorted((known for known in COMMANDS.values() if _section(known) == title), key=_order)
        lines = "\n".join(map(_row, rows))
        yield f"**{title}**\n\n| command | does | least role |\n|---|---|---|\n{lines}\n"


def _section(known: Command) -> str:
    """Where a command stands: at the longest of the beginnings of its name."""
    near = {
        begin: title
        for title, begins in SECTIONS.items()
        for begin in begins
        if f"{known.name} ".startswith(f"{begin} ")
    }
    return near[max(near, key=len)]


def _order(known: Command) -> tuple[bool, str]:
    return known.name.startswith("task"), known.name


def _row(known: Command) -> str:
    usage = known.usage.replace("|", r"\|")
    role = ", ".join(filter(None, [known.needs, known.condition]))
    return f"| `{usage}` | {known.about} | {role} |"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
