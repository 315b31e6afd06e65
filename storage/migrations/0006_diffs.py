"""A notice may be about what a task changed."""

from typing import Any

from peewee import CharField, Database
from playhouse.migrate import migrate


def up(migrator: Any, _db: Database) -> None:
    """Add the column."""
    migrate(migrator.add_column("notices", "encloses", CharField(default="report")))
