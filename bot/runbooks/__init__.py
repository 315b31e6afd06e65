"""Runbooks: tasks that are written once, with typed parameters, and run by name. Pure text, no rows."""

from bot.runbooks.declared import Runbook, from_row, to_row
from bot.runbooks.parameters import Parameter

__all__ = ["Parameter", "Runbook", "from_row", "to_row"]
