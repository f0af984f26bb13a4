"""Signals, the keys that make repeats recognisable, and the position each bot's signals imply."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from copydesk.domain.bot import Bot
from copydesk.domain.ids import BotId, SignalId
from copydesk.domain.signal import Direction, LegKind, Signal, Size, SizeUnit, Step
from copydesk.stores import tables
from copydesk.stores.rows import columns, dump, execute_all, names, one_or_none
from copydesk.stores.unit import Part

_LOCKED_BOT = (
    select(*columns(tables.bots, Bot)).where(tables.bots.c.id == bindparam("id")).with_for_update(key_share=True)
)
_BY_ID = select(*columns(tables.bot_signals, Signal)).where(tables.bot_signals.c.id == bindparam("id"))
_INSERT = tables.bot_signals.insert()
_KEYS, _BOT_HOLDS = tables.bot_signal_keys.c, tables.bot_positions.c
_KNOWN = select(_KEYS.signal_id).where(
    _KEYS.bot_id == bindparam("bot_id"), _KEYS.key == bindparam("key"), _KEYS.expires_at > bindparam("at")
)
_HELD = select(_BOT_HOLDS.direction).where(
    _BOT_HOLDS.bot_id == bindparam("bot_id"), _BOT_HOLDS.symbol == bindparam("symbol")
)
_WAITING = (
    select(*columns(tables.bot_signals, Signal))
    .where(tables.bot_signals.c.fanned_out_at.is_(None))
    .order_by(tables.bot_signals.c.created_at, tables.bot_signals.c.id)
)


class Signals(Part):
    """The SignalTable of ports/store.py."""

    def lock_bot(self, bot_id: BotId) -> Bot | None:
        return one_or_none(self._connection, Bot, _LOCKED_BOT, id=bot_id)

    def known(self, bot_id: BotId, key: str, at: datetime) -> SignalId | None:
        found = self._connection.execute(_KNOWN, {"bot_id": bot_id, "key": key, "at": at}).scalar_one_or_none()
        return None if found is None else SignalId(found)

    def content(self, bot_id: BotId, key: str) -> str | None:
        keys = tables.bot_signal_keys.c
        query = select(keys.content).where(keys.bot_id == bot_id, keys.key == key)
        return self._connection.execute(query).scalar_one_or_none()

    def remember(
        self, bot_id: BotId, key: str, signal_id: SignalId, expires_at: datetime, content: str | None = None
    ) -> None:
        values = {"signal_id": signal_id, "expires_at": expires_at, "content": content}
        upsert(self._connection, tables.bot_signal_keys, {"bot_id": bot_id, "key": key}, values)

    def add(self, signal: Signal, *, fanned_out_at: datetime | None = None) -> None:
        size = None if signal.size is None else {"unit": signal.size.unit, "amount": str(signal.size.amount)}
        row = dump(signal, size=size, steps=[_written(step) for step in signal.steps], fanned_out_at=fanned_out_at)
        execute_all(self._connection, _INSERT, [row])

    def get(self, signal_id: SignalId) -> Signal | None:
        row = self._connection.execute(_BY_ID, {"id": signal_id}).one_or_none()
        return None if row is None else read_signal(row)

    def waiting(self) -> Sequence[Signal]:
        return [read_signal(row) for row in self._connection.execute(_WAITING)]

    def mark_fanned_out(self, signal_id: SignalId, at: datetime) -> None:
        signals = tables.bot_signals
        self._connection.execute(signals.update().where(signals.c.id == signal_id).values(fanned_out_at=at))

    def held_by_bot(self, bot_id: BotId, symbol: str) -> Direction:
        held = self._connection.execute(_HELD, {"bot_id": bot_id, "symbol": symbol}).scalar_one_or_none()
        return held or Direction.FLAT

    def set_held_by_bot(self, bot_id: BotId, symbol: str, direction: Direction, at: datetime) -> None:
        values = {"direction": direction, "updated_at": at}
        upsert(self._connection, tables.bot_positions, {"bot_id": bot_id, "symbol": symbol}, values)

    def symbols_of_bot(self, bot_id: BotId) -> Sequence[str]:
        held = tables.bot_positions.c
        return self._connection.execute(select(held.symbol).where(held.bot_id == bot_id)).scalars().all()


def upsert(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert, or update the row that has this primary key; both databases speak the same clause."""
    statement = _upsert_statement(connection.dialect.name, table, tuple(key), tuple(values))
    connection.execute(statement, {**key, **values})


def upsert_all(
    connection: Connection, table: Table, rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> None:
    """Pairs of key and values, all of the same columns, in one statement."""
    if rows:
        statement = _upsert_statement(connection.dialect.name, table, tuple(rows[0][0]), tuple(rows[0][1]))
        execute_all(connection, statement, [{**key, **values} for key, values in rows])


@cache
def _upsert_statement(dialect: str, table: Table, key: tuple[str, ...], values: tuple[str, ...]) -> Any:
    """Built once: building costs more than running it."""
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_update(index_elements=key, set_={name: insert.excluded[name] for name in values})


def read_signal(row: Row[Any]) -> Signal:
    """The signal of a row, its steps and size out of JSON."""
    mapping = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
    size = mapping["size"]
    mapping["size"] = size and Size(unit=SizeUnit(size["unit"]), amount=Decimal(size["amount"]))
    mapping["steps"] = tuple(_read(step) for step in mapping["steps"])
    return Signal(**{name: mapping[name] for name in names(Signal)})


def _written(step: Step) -> dict[str, str]:
    return {"leg": step.leg, "direction": step.direction, "fraction": str(step.fraction)}


def _read(step: Mapping[str, str]) -> Step:
    return Step(leg=LegKind(step["leg"]), direction=Direction(step["direction"]), fraction=Decimal(step["fraction"]))
