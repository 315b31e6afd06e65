"""The tables: as migrations make them and as models describe them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import IntegrityError, SqliteDatabase

from storage import database, tables
from storage.tables import Streams
from tests.fakes.core import NOON

MODELS = tables.Table.__subclasses__()


@pytest.mark.usefixtures("core")
async def test_foreign_keys_hold() -> None:
    """A row cannot refer to one that is not there."""
    with pytest.raises(IntegrityError):
        await database.run(lambda: tables.Identities.create(kind="email", value="x", person=999))


@pytest.mark.usefixtures("core")
async def test_the_house_has_its_stream() -> None:
    """A new database begins with stream 1, empty."""
    house = await database.run(lambda: Streams.get_by_id(1))
    assert (house.seq, bytes(house.head)) == (0, b"")


@pytest.mark.usefixtures("core")
async def test_migrations_make_the_tables_of_the_models(tmp_path: Path) -> None:
    """A migrated database has exactly the columns, keys and indexes that the models describe."""
    fresh = SqliteDatabase(str(tmp_path / "models.db"))
    with fresh.bind_ctx(MODELS):
        fresh.create_tables(MODELS)
        wanted = described(fresh, fresh.get_tables())
    fresh.close()
    names = sorted(wanted)
    found = await database.run(
        lambda: described(
            database._require().database,
            [name for name in database._require().database.get_tables() if name != "schema_migration"],
        )
    )
    assert sorted(found) == names
    for name in names:
        assert found[name] == wanted[name], name


def described(db: SqliteDatabase, names: list[str]) -> dict[str, object]:
    return {
        name: (
            [(c.name, c.data_type, c.null, c.primary_key, c.default) for c in db.get_columns(name)],
            sorted((i.name, i.columns, i.unique) for i in db.get_indexes(name)),
            sorted((f.column, f.dest_table, f.dest_column) for f in db.get_foreign_keys(name)),
            db.get_primary_keys(name),
        )
        for name in names
    }


@given(st.datetimes(*(NOON.replace(year=year, tzinfo=None) for year in (2, 9998)), timezones=st.timezones()))
def test_moments_are_kept_to_the_microsecond(moment: datetime) -> None:
    """Any aware datetime comes back as the same instant, in UTC."""
    field = tables.InstantField()
    back = field.python_value(field.db_value(moment))
    assert back == moment.astimezone(UTC)
    assert back is not None
    assert back.tzinfo is UTC


def test_no_moment_stays_none() -> None:
    """A moment that is not there is NULL."""
    assert tables.InstantField().db_value(None) is None
    assert tables.InstantField().python_value(None) is None
