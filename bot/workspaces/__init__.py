"""The directories that tasks work in. What lies in one is never trusted: links are not followed."""

from bot.workspaces.files import Entry, Files
from bot.workspaces.folders import Workspaces
from bot.workspaces.writing import Change

__all__ = ["Change", "Entry", "Files", "Workspaces"]
