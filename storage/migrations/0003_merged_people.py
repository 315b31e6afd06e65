"""People who became one with another are kept."""

from typing import Any

from peewee import AutoField, Database, ForeignKeyField, Model
from playhouse.migrate import migrate


def up(migrator: Any, db: Database) -> None:
    """Add the column."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class People(Table):
        id = AutoField()

    leading = ForeignKeyField(People, field=People.id, null=True)
    migrate(migrator.add_column("people", "merged_into_id", leading))
