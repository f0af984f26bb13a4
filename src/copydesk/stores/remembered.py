"""Values made of rows, kept by what the rows say: making one costs more than reading it, and most rows say what they said before."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Dialect, Executable, Text, cast, type_coerce
from sqlalchemy.types import NullType

from copydesk.stores.statements import read_all
from copydesk.stores.types import Json, read_json

T = TypeVar("T")

KEPT_MAX = 20_000
"""Rows of a kind; the one that was longest unused is forgotten first."""

_NUMERIC = 1700
"""PostgreSQL's number for its type numeric: of our types only that one looks at how the database calls it."""


class Remembered(Generic[T]):
    """`make` gets a row's values by column name, as SQLAlchemy would have handed them out.

    It must make equal values of equal rows, and values that nobody changes.
    """

    def __init__(self, columns: Sequence[Column[Any]], make: Callable[[Mapping[str, Any]], T]) -> None:
        self.columns: list[ColumnElement[Any]] = [_bare(one).label(one.name) for one in columns]
        self._types = {one.name: one.type for one in columns}
        self._make = make
        self._processors: dict[str, Sequence[Callable[[Any], Any] | None]] = {}
        self._of_row = lru_cache(maxsize=KEPT_MAX)(self._make_of)

    def read(self, connection: Connection, query: Executable, **named: object) -> list[T]:
        """`query` selects these columns, and they alone."""
        dialect = connection.dialect
        if dialect.name not in self._processors:
            self._processors[dialect.name] = [_processor(one, dialect) for one in self._types.values()]
        return [self._of_row(dialect.name, tuple(row)) for row in read_all(connection, query, **named)]

    def _make_of(self, dialect: str, row: tuple[Any, ...]) -> T:
        values = (
            value if processor is None else processor(value)
            for processor, value in zip(self._processors[dialect], row, strict=True)
        )
        return self._make(dict(zip(self._types, values, strict=True)))


def _bare(column: Column[Any]) -> ColumnElement[Any]:
    """As the driver hands it out; a document as its text, which can be compared."""
    return type_coerce(cast(column, Text) if isinstance(column.type, Json) else column, NullType())


def _processor(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, Json):
        return read_json
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).result_processor(dialect, _NUMERIC)
    return found
