"""Runbooks, as the configuration has them."""

from collections.abc import Iterable, Mapping

from storage.tables import Runbooks


def sync(rows: Iterable[Mapping[str, str]]) -> None:
    """There are these runbooks and no others; each row holds the columns of the table."""
    rows = sorted(map(dict, rows), key=lambda row: str(row["name"]))
    if rows == list(Runbooks.select().order_by(Runbooks.name).dicts()):
        return
    Runbooks.delete().execute()
    for row in rows:
        Runbooks.create(**row)


def find(name: str) -> Runbooks | None:
    """The runbook of this name."""
    return Runbooks.get_or_none(Runbooks.name == name)


def every() -> list[Runbooks]:
    """All runbooks, by name."""
    return list(Runbooks.select().order_by(Runbooks.name))
