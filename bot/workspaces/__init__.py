"""The directories that tasks work in. What lies in one is never trusted: links are not followed."""

from bot.workspaces.folders import Workspaces

__all__ = ["Workspaces"]
