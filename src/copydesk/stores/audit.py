"""The audit log: append-only, each line hashed over the one before, so that a change anywhere shows."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, select

from copydesk.stores import tables
from copydesk.stores.rows import columns, count, load
from copydesk.stores.types import TIME_FORMAT
from copydesk.stores.unit import Part

_TABLE = tables.audit_log
_START = "0" * 64


class AuditLine(Struct, frozen=True, kw_only=True):
    """Who did what to which thing; never a secret."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    previous_hash: str
    hash: str


class AuditLog(Part):
    """Written in the same transaction as what it tells of."""

    def add(self, *, actor: str, action: str, subject: str, details: Mapping[str, Any], at: datetime) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("LOCK TABLE audit_log IN EXCLUSIVE MODE")
        last = select(_TABLE.c.number, _TABLE.c.hash).order_by(_TABLE.c.number.desc()).limit(1)
        row = self._connection.execute(last).one_or_none()
        number, previous = (row.number + 1, row.hash) if row is not None else (1, _START)
        line = {
            "number": number,
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "details": json.loads(json.dumps(details, default=str), parse_float=str),
            "previous_hash": previous,
        }
        self._connection.execute(_TABLE.insert(), [{**line, "hash": _hash(line)}])

    def lines(
        self, filters: Mapping[str, Any] | None = None, *, limit: int, before: int | None = None
    ) -> Sequence[AuditLine]:
        """Newest first."""
        query = select(*columns(_TABLE, AuditLine)).where(*_fits(filters or {}))
        query = query.order_by(_TABLE.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(_TABLE.c.number < before)
        return [load(AuditLine, row) for row in self._connection.execute(query)]

    def count(self, filters: Mapping[str, Any]) -> int:
        return count(self._connection, _TABLE, *_fits(filters))

    def first_broken(self) -> int | None:
        """The number of the first line that does not fit its hash or its predecessor; None where all do."""
        previous, expected = _START, 1
        for row in self._connection.execute(select(_TABLE).order_by(_TABLE.c.number)):
            line = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
            found = line.pop("hash")
            if line["number"] != expected or line["previous_hash"] != previous or _hash(line) != found:
                return expected
            previous, expected = found, expected + 1
        return None


def _fits(filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [_TABLE.c[name] == value for name, value in filters.items()]


def _hash(line: Mapping[str, Any]) -> str:
    written = {**line, "at": line["at"].strftime(TIME_FORMAT)}
    text = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
