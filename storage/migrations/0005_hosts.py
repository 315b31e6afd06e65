"""Agents know which hosts they may reach."""

from typing import Any

from peewee import Database, TextField
from playhouse.migrate import migrate


def up(migrator: Any, _db: Database) -> None:
    """Add the column."""
    migrate(migrator.add_column("agents", "hosts", TextField(default="")))
