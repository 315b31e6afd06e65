"""Queries that are written as SQL once.

Peewee writes a query's SQL anew each time that it runs, which takes many times as long as SQLite takes to
answer. A query that every answer or every step waits for is written at its first use instead, with places for
values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import Context, Node

from storage.database import proxy


@dataclass(frozen=True, slots=True)
class _Hole:
    """A parameter that is filled in when the query runs, as the field it is compared with stores it."""

    index: int
    stored: Callable[[Any], Any] | None


class _Place(Node):
    """What stands for a value while the SQL is written."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __sql__(self, ctx: Context) -> Context:
        return ctx.value(_Hole(self._index, ctx.state.converter), converter=False)


class Prepared:
    """A query with places for values.

    Args:
        build: Makes the peewee query, given one place for each value; the number of values may vary. One
            compared with a field is converted by it; one that is inserted or set is given as it is stored.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._written: dict[tuple[type, int], tuple[str, list[Any]]] = {}

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds, as they are stored."""
        return list(proxy.execute_sql(*self._filled(values)))

    def changed(self, *values: Any) -> int:
        """How many rows an INSERT, UPDATE or DELETE changed."""
        return int(proxy.rows_affected(proxy.execute_sql(*self._filled(values))))

    def _filled(self, values: tuple[Any, ...]) -> tuple[str, list[Any]]:
        form = type(proxy.obj), len(values)
        if form not in self._written:
            query = self._build(*map(_Place, range(len(values))))
            self._written[form] = proxy.get_sql_context().parse(query)
        sql, params = self._written[form]
        return sql, [_fill(param, values) for param in params]


def _fill(param: Any, values: tuple[Any, ...]) -> Any:
    if not isinstance(param, _Hole):
        return param
    value = values[param.index]
    return param.stored(value) if param.stored else value
