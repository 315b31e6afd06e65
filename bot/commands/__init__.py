"""The one command layer: every door makes a `Call` and `run` answers it.

Each file below holds the commands of one noun; this is the one list of them.
"""

from bot.commands import (
    agents,
    approvals,
    channels,
    deadletters,
    hearing,
    help,  # noqa: A004  a noun of the grammar
    people,
    runbooks,
    staff,
    tasks,
    tools,
    workspaces,
)

__all__ = [
    "agents",
    "approvals",
    "channels",
    "deadletters",
    "hearing",
    "help",
    "people",
    "runbooks",
    "staff",
    "tasks",
    "tools",
    "workspaces",
]
