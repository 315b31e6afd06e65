"""A task may have a model of its own."""

from typing import Any

from peewee import CharField, Database
from playhouse.migrate import migrate


def up(migrator: Any, _db: Database) -> None:
    """Add the column."""
    migrate(migrator.add_column("tasks", "model", CharField(default="")))
