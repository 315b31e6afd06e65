"""What all tables share, and how moments are stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import BigIntegerField, Model

from storage.database import proxy

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant(stored: int) -> datetime:
    """A moment, from how it is stored."""
    return EPOCH + stored * MICROSECOND


class InstantField(BigIntegerField):
    """A moment, to the microsecond."""

    def db_value(self, value: datetime | None) -> int | None:
        """Microseconds since 1970."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def python_value(self, value: Any) -> datetime | None:
        """An aware datetime in UTC."""
        return None if value is None else instant(int(value))


class Table(Model):
    """What all tables share."""

    class Meta:
        """One database for all, named when the process opens it."""

        database = proxy
        legacy_table_names = False
