"""Approvals know who else wanted the call, beside who asked for the task."""

from typing import Any

from peewee import CharField, Database
from playhouse.migrate import migrate


def up(migrator: Any, _db: Database) -> None:
    """Add the column."""
    migrate(migrator.add_column("approvals", "steered_by", CharField(default="")))
