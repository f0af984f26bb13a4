"""Rows and domain values: a column is named as its field, so both ways are one call."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Row,
    Select,
    Table,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

from copydesk.stores.types import Binder, Quick, Texts

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


class _Prepared(NamedTuple):
    """A statement as the driver takes it: its text, the order of its parameters, and what makes each one's value."""

    text: str
    pick: Callable[[Any], Iterable[Any]]
    binders: Sequence[tuple[int, Binder]]

    def bind(self, row: Any) -> Sequence[Any]:
        bound = list(self.pick(row))
        for place, binder in self.binders:
            value = bound[place]
            if value is not None:
                bound[place] = binder(value)
        return bound


def execute_all(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> int:
    """A statement that was built beforehand with each of these rows, all of the same columns; how many rows it changed.

    What SQLAlchemy finds out anew for every list of rows is found out once: how the driver wants them. Asyncpg tells -1 of
    more than one row.
    """
    return _run(connection, _prepare(connection.dialect, statement, tuple(rows[0]), itemgetter), rows)


def insert_all(connection: Connection, statement: Executable, values: Sequence[Struct]) -> None:
    """As execute_all, with values of one kind: their fields are the table's columns."""
    _run(connection, _prepare(connection.dialect, statement, names(type(values[0])), attrgetter), values)


def _run(connection: Connection, prepared: _Prepared, rows: Sequence[Any]) -> int:
    bound = [tuple(prepared.bind(row)) for row in rows]
    return connection.exec_driver_sql(prepared.text, bound if len(bound) > 1 else bound[0]).rowcount


@lru_cache(maxsize=512)
def _prepare(dialect: Dialect, statement: Any, given: tuple[str, ...], pick: Callable[..., Any]) -> _Prepared:
    """`pick` makes what takes the parameters out of a row: operator's itemgetter or attrgetter."""
    compiled = statement.compile(dialect=dialect, column_keys=given)
    order = compiled.positiontup
    made = ((place, _binder(compiled.binds[name].type, dialect)) for place, name in enumerate(order))
    binders = [(place, binder) for place, binder in made if binder is not None]
    pick_all = pick(*order)
    return _Prepared(str(compiled), pick_all if len(order) > 1 else lambda row: (pick_all(row),), binders)


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Binder | None:
    """SQLAlchemy's own, or, where it would only wrap it, ours."""
    if isinstance(kind, Quick) and dialect.name == "sqlite":
        return kind.binder(dialect)
    return kind.dialect_impl(dialect).bind_processor(dialect)


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
