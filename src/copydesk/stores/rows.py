"""Rows and domain values: a column is named as its field, so both ways are one call."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from copydesk.stores.types import Pairs, Texts

T = TypeVar("T", bound=Struct)


def columns(table: Table, kind: type[Struct]) -> list[ColumnElement[Any]]:
    """The table's columns that make a `kind`."""
    return [table.c[name] for name in names(kind)]


def names(kind: type[Struct]) -> tuple[str, ...]:
    """Of its fields, which are its columns'."""
    return kind.__struct_fields__


def load(kind: type[T], row: Row[*tuple[Any, ...]]) -> T:
    """A `kind` out of a row that has all its fields as columns."""
    mapping = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    return kind(**{name: mapping[name] for name in names(kind)})


def load_all(kind: type[T], rows: Iterable[Row[*tuple[Any, ...]]]) -> list[T]:
    """As `load`, where the query selects `columns(…, kind)` before anything else: rows need not be asked by name then.

    Rows that are fetched one by one (not by `all`) let another thread go first at each.
    """
    fields = names(kind)
    return [kind(**dict(zip(fields, row, strict=False))) for row in rows]


def dump(value: Struct, **more: Any) -> dict[str, Any]:
    """The row of a domain value, with the columns it does not know itself."""
    return asdict(value) | more


def first(connection: Connection, kind: type[T], table: Table, *where: ColumnElement[bool]) -> T | None:
    """The one row that fits, as a `kind`."""
    row = connection.execute(select(*columns(table, kind)).where(*where)).one_or_none()
    return None if row is None else load(kind, row)


def one_or_none(connection: Connection, kind: type[T], query: Select[Any], **named: object) -> T | None:
    """The one row of a query that was built beforehand, as a `kind`: building one costs more than running it."""
    row = connection.execute(query, named).one_or_none()
    return None if row is None else load(kind, row)


class _Among(FunctionElement[Any]):
    """Whether a column's value is in a list that is one parameter."""

    # As a Boolean it would be compared with 1, for databases that have none, and no index would be found.
    type = NullType()
    inherit_cache = True


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """As `in_`, with as many texts as the parameter of that name has, and always the same statement: SQLAlchemy would write one
    anew for every list, and the database read it anew for every length.
    """
    return _Among(column, bindparam(name, type_=Texts()))


class _PairAmong(FunctionElement[Any]):
    """Whether two columns' values are a pair of a list that is one parameter."""

    type = NullType()
    inherit_cache = True


def pair_among(one: ColumnElement[Any], other: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """As `among`, for pairs of texts: each is looked for by itself, and not every first beside every second."""
    return _PairAmong(one, other, bindparam(name, type_=Pairs()))


def one_of(column: ColumnElement[Any], words: Iterable[StrEnum]) -> ColumnElement[bool]:
    """As `in_`, with words of ours: they stand in the statement itself."""
    return column.in_([literal_column(f"'{word.value}'") for word in words])


@compiles(_Among, "sqlite")
def _among_in_sqlite(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = element.clauses
    listed = func.json_each(texts).table_valued("value")
    return compiler.process(column.in_(select(listed.c.value)), **how)


@compiles(_Among, "postgresql")
def _among_in_postgres(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, texts = element.clauses
    return compiler.process(column == any_(texts), **how)


@compiles(_PairAmong, "sqlite")
def _pair_among_in_sqlite(element: _PairAmong, compiler: SQLCompiler, **how: Any) -> str:
    one, other, pairs = element.clauses
    listed = func.json_each(pairs).table_valued("value")
    both = [func.json_extract(listed.c.value, literal_column(f"'$[{place}]'")) for place in (0, 1)]
    return compiler.process(tuple_(one, other).in_(select(*both)), **how)


@compiles(_PairAmong, "postgresql")
def _pair_among_in_postgres(element: _PairAmong, compiler: SQLCompiler, **how: Any) -> str:
    one, other, pairs = element.clauses
    listed = func.jsonb_array_elements(pairs).table_valued("value")
    both = [listed.c.value.op("->>")(literal_column(str(place))) for place in (0, 1)]
    return compiler.process(tuple_(one, other).in_(select(*both)), **how)


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
