"""Statements that were built beforehand, handed to the driver as it wants them: what SQLAlchemy finds out anew at each execution is
found out once.

SQLite's driver lets another thread have the interpreter at every step, and may wait long to get it back: rows go in by one step a statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.types import TypeEngine

from copydesk.stores.types import Binder, Quick

ROWS_A_STEP = 16
"""Rows that one INSERT takes at most; each number of them is a statement of its own, which the driver keeps."""


class _Prepared(NamedTuple):
    """A statement as the driver takes it: its text, the order of its parameters, and what makes each one's value."""

    text: str
    pick: Callable[[Any], Iterable[Any]]
    binders: Sequence[tuple[int, Binder]]
    one_row: str | None = None
    """What stands for a row in an INSERT that takes several at a step."""

    def for_rows(self, count: int) -> str:
        return (
            self.text if self.one_row is None else self.text.replace(self.one_row, ", ".join([self.one_row] * count), 1)
        )

    def bind(self, rows: Iterable[Any]) -> list[list[Any]]:
        bound = [list(self.pick(row)) for row in rows]
        for place, binder in self.binders:
            for row in bound:
                value = row[place]
                if value is not None:
                    row[place] = binder(value)
        return bound


def read_all(connection: Connection, query: Executable, **named: object) -> Sequence[Sequence[Any]]:
    """The rows as the driver hands them out."""
    prepared = _prepare(connection.dialect, query, tuple(named), itemgetter)
    bound = tuple(prepared.bind([named])[0])
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        found: list[tuple[Any, ...]] = driver.execute(prepared.text, bound).fetchall()
        return found
    return connection.exec_driver_sql(prepared.text, bound).all()


def execute_all(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> int:
    """With each of these rows, all of the same columns; how many rows it changed. Asyncpg tells -1 of more than one row."""
    return _run(connection, _prepare(connection.dialect, statement, tuple(rows[0]), itemgetter), rows)


def insert_all(connection: Connection, statement: Executable, values: Sequence[Struct]) -> None:
    """As execute_all, with values of one kind: their fields are the table's columns."""
    _run(connection, _prepare(connection.dialect, statement, values[0].__struct_fields__, attrgetter), values)


def _run(connection: Connection, prepared: _Prepared, rows: Sequence[Any]) -> int:
    bound = prepared.bind(rows)
    if len(bound) == 1:
        return connection.exec_driver_sql(prepared.text, tuple(bound[0])).rowcount
    if prepared.one_row is None:
        return connection.exec_driver_sql(prepared.text, [tuple(one) for one in bound]).rowcount
    steps = [bound[first : first + ROWS_A_STEP] for first in range(0, len(bound), ROWS_A_STEP)]
    return sum(
        connection.exec_driver_sql(prepared.for_rows(len(step)), tuple(chain.from_iterable(step))).rowcount
        for step in steps
    )


@lru_cache(maxsize=512)
def _prepare(dialect: Dialect, statement: Any, given: tuple[str, ...], pick: Callable[..., Any]) -> _Prepared:
    """`pick` makes what takes the parameters out of a row: operator's itemgetter or attrgetter."""
    compiled = statement.compile(dialect=dialect, column_keys=given)
    order = compiled.positiontup
    made = ((place, _binder(compiled.binds[name].type, dialect)) for place, name in enumerate(order))
    binders = [(place, binder) for place, binder in made if binder is not None]
    return _Prepared(
        text=str(compiled),
        pick=_picker(pick, order),
        binders=binders,
        one_row=f"({', '.join('?' * len(order))})" if compiled.isinsert and dialect.name == "sqlite" else None,
    )


def _picker(pick: Callable[..., Any], order: Sequence[str]) -> Callable[[Any], Iterable[Any]]:
    if not order:
        return lambda _: ()
    pick_all = pick(*order)
    return pick_all if len(order) > 1 else lambda row: (pick_all(row),)


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Binder | None:
    """SQLAlchemy's own, or, where it would only wrap it, ours."""
    if isinstance(kind, Quick) and dialect.name == "sqlite":
        return kind.binder(dialect)
    return kind.dialect_impl(dialect).bind_processor(dialect)
