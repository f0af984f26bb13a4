"""Rows kept in memory from one transaction to the next, for as long as nobody has changed their table.

SQLite marks a table by itself, in the transaction that changes it and whoever makes that (migration 0012): what is kept under the mark
that this transaction sees is what it would read, and without a mark everything is read. PostgreSQL marks nothing, because every change
of a table would wait for the one before; there everything is read.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, select

from copydesk.stores.statements import read_all
from copydesk.stores.tables import table_marks

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT_MAX = 50_000
"""Values of a kind; with one more, all of its kind are forgotten."""

_MARK = select(table_marks.c.mark).where(table_marks.c.name == bindparam("name"))


class Kept:
    """One a database. Values are handed out to many: nobody changes them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, dict[Any, Any]]] = {}

    def read(
        self,
        connection: Connection,
        table: Table,
        kind: str,
        keys: Sequence[K],
        read_rows: Callable[[Sequence[K]], Mapping[K, V]],
    ) -> Mapping[K, V]:
        """The values of those keys that have one, in their order; `read_rows` reads from `table` alone what is not kept."""
        known: dict[Any, Any] = {}
        if connection.dialect.name == "sqlite" and (marks := read_all(connection, _MARK, name=table.name)):
            known = self._under(marks[0][0], kind)
        unknown = [one for one in keys if one not in known]
        if unknown:
            found = read_rows(unknown)
            if len(known) + len(found) > KEPT_MAX:
                known = {key: known[key] for key in keys if key in known}
                self._known.pop(kind, None)
            known.update(found)
        return {one: known[one] for one in keys if one in known}

    def _under(self, mark: int, kind: str) -> dict[Any, Any]:
        """A dict that was begun under another mark goes with it: a thread that still sees that one may go on filling it."""
        kept = self._known.get(kind)
        if kept is None or kept[0] != mark:
            kept = self._known[kind] = (mark, {})
        return kept[1]
