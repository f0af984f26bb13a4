"""Rows and domain values: a column is named as its field, so both ways are one call."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select, Table, bindparam, func, select

T = TypeVar("T")


def columns(table: Table, kind: type[Any]) -> list[ColumnElement[Any]]:
    """The table's columns that make a `kind`."""
    return [table.c[name] for name in names(kind)]


_NAMES: dict[type[Any], tuple[str, ...]] = {}


def names(kind: type[Any]) -> tuple[str, ...]:
    """Of its fields, which are its columns'; asked for every row."""
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def load(kind: type[T], row: Row[*tuple[Any, ...]]) -> T:
    """A `kind` out of a row that has all its fields as columns."""
    mapping = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    return kind(**{name: mapping[name] for name in names(kind)})


def dump(value: Any, **more: Any) -> dict[str, Any]:
    """The row of a domain value, with the columns it does not know itself."""
    return {name: getattr(value, name) for name in names(type(value))} | more


def first(connection: Connection, kind: type[T], table: Table, *where: ColumnElement[bool]) -> T | None:
    """The one row that fits, as a `kind`."""
    row = connection.execute(select(*columns(table, kind)).where(*where)).one_or_none()
    return None if row is None else load(kind, row)


def one_or_none(connection: Connection, kind: type[T], query: Select[Any], **named: object) -> T | None:
    """The one row of a query that was built beforehand, as a `kind`: building one costs more than running it."""
    row = connection.execute(query, named).one_or_none()
    return None if row is None else load(kind, row)


def any_of(name: str) -> BindParameter[Any]:
    """For `in_`: as many values as are given."""
    return bindparam(name, expanding=True)


def count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    """How many rows fit."""
    return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def page(
    connection: Connection, query: Select[Any], key: ColumnElement[Any], *, limit: int, cursor: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """One page, newest first, and the cursor of the next; `key` sorts by time (a ULID)."""
    if cursor is not None:
        query = query.where(key < cursor)
    rows = connection.execute(query.order_by(key.desc()).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, str(rows[-1]._mapping[key])  # noqa: SLF001  SQLAlchemy's public name for it
