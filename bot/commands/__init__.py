"""The one command layer: every door makes a `Call` and `run` answers it.

Each file below holds the commands of one noun; this is the one list of them.
"""

from bot.commands import agents, help, tasks  # noqa: A004  a noun of the grammar

__all__ = ["agents", "help", "tasks"]
