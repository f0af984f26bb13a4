"""Signals, the keys that make repeats recognisable, and the position each bot's signals imply."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from msgspec import Struct, convert, to_builtins
from sqlalchemy import Connection, Row, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from copydesk.domain.bot import Bot
from copydesk.domain.ids import BotId, SignalId
from copydesk.domain.signal import (
    ContractTerms,
    Direction,
    LegKind,
    Signal,
    Size,
    SizeUnit,
    Step,
    Stops,
    TicketChange,
)
from copydesk.stores import tables
from copydesk.stores.remembered import Remembered
from copydesk.stores.rows import among, columns, dump, names, pair_among
from copydesk.stores.statements import execute_all, read_all
from copydesk.stores.unit import Part, Unit

_BOTS = Remembered([tables.bots.c[name] for name in names(Bot)], lambda row: Bot(**row))
_LOCKED_BOTS = (
    select(*_BOTS.columns)
    .where(among(tables.bots.c.id, "ids"))
    .order_by(tables.bots.c.id)
    .with_for_update(key_share=True)
)
_BY_ID = select(*columns(tables.bot_signals, Signal)).where(tables.bot_signals.c.id == bindparam("id"))
_INSERT = tables.bot_signals.insert()
_KEYS, _BOT_HOLDS = tables.bot_signal_keys.c, tables.bot_positions.c
_HELD = select(_BOT_HOLDS.bot_id, _BOT_HOLDS.symbol, _BOT_HOLDS.direction).where(
    pair_among(_BOT_HOLDS.bot_id, _BOT_HOLDS.symbol, "symbols")
)
_WAITING = (
    select(*columns(tables.bot_signals, Signal))
    .where(tables.bot_signals.c.fanned_out_at.is_(None))
    .order_by(tables.bot_signals.c.created_at, tables.bot_signals.c.id)
)

_PARTS: Mapping[str, type[Struct]] = {"ticket": TicketChange, "stops": Stops, "contract": ContractTerms}
"""Of a signal, each in a document of its own."""


class _Use(NamedTuple):
    """What a message's key was first used for."""

    signal_id: SignalId
    expires_at: datetime
    content: str | None


_USES = Remembered(
    [_KEYS.bot_id, _KEYS.key, *(_KEYS[name] for name in _Use._fields)],
    lambda row: ((row["bot_id"], row["key"]), _Use(**{name: row[name] for name in _Use._fields})),
)
_KNOWN = select(*_USES.columns).where(pair_among(_KEYS.bot_id, _KEYS.key, "keys"))


class Signals(Part):
    """The SignalTable of ports/store.py."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._bots: dict[BotId, Bot | None] = {}
        self._keys: dict[tuple[BotId, str], _Use | None] = {}
        self._held: dict[tuple[BotId, str], Direction] = {}
        self._added: list[Mapping[str, Any]] = []
        self._used: dict[tuple[BotId, str], _Use] = {}
        self._turned: dict[tuple[BotId, str], tuple[Direction, datetime]] = {}

    def read_ahead(self, told: Collection[tuple[BotId, str, str]]) -> None:
        bots = {bot_id for bot_id, _, _ in told}
        found = _BOTS.read(self._connection, _LOCKED_BOTS, ids=bots)
        self._bots |= dict.fromkeys(bots) | {one.id: one for one in found}
        keys = {(bot_id, key) for bot_id, key, _ in told}
        self._keys |= dict.fromkeys(keys) | self._uses(keys)
        symbols = {(bot_id, symbol) for bot_id, _, symbol in told}
        self._held |= dict.fromkeys(symbols, Direction.FLAT) | self._directions(symbols)

    def lock_bot(self, bot_id: BotId) -> Bot | None:
        if bot_id not in self._bots:
            found = _BOTS.read(self._connection, _LOCKED_BOTS, ids=[bot_id])
            self._bots[bot_id] = found[0] if found else None
        return self._bots[bot_id]

    def known(self, bot_id: BotId, key: str, at: datetime) -> SignalId | None:
        use = self._use(bot_id, key)
        return use.signal_id if use is not None and use.expires_at > at else None

    def content(self, bot_id: BotId, key: str) -> str | None:
        use = self._use(bot_id, key)
        return None if use is None else use.content

    def _use(self, bot_id: BotId, key: str) -> _Use | None:
        if (bot_id, key) in self._keys:
            return self._keys[bot_id, key]
        return self._uses([(bot_id, key)]).get((bot_id, key))

    def _uses(self, keys: Collection[tuple[BotId, str]]) -> dict[tuple[BotId, str], _Use]:
        return dict(_USES.read(self._connection, _KNOWN, keys=keys))

    def remember(
        self, bot_id: BotId, key: str, signal_id: SignalId, expires_at: datetime, content: str | None = None
    ) -> None:
        self._keys[bot_id, key] = self._used[bot_id, key] = _Use(signal_id, expires_at, content)
        self._unit.put_off(self._flush)

    def add(self, signal: Signal, *, fanned_out_at: datetime | None = None) -> None:
        size = None if signal.size is None else {"unit": signal.size.unit, "amount": str(signal.size.amount)}
        parts = {name: to_builtins(getattr(signal, name)) for name in _PARTS}
        steps = [_written(step) for step in signal.steps]
        row = dump(signal, size=size, steps=steps, fanned_out_at=fanned_out_at, **parts)
        self._added.append(row)
        self._unit.put_off(self._flush)

    def _flush(self, connection: Connection) -> None:
        added, self._added = self._added, []
        if added:
            execute_all(connection, _INSERT, added)
        used, self._used = self._used, {}
        upsert_all(
            connection,
            tables.bot_signal_keys,
            [({"bot_id": bot_id, "key": key}, use._asdict()) for (bot_id, key), use in used.items()],
        )
        turned, self._turned = self._turned, {}
        upsert_all(
            connection,
            tables.bot_positions,
            [
                ({"bot_id": bot_id, "symbol": symbol}, {"direction": direction, "updated_at": at})
                for (bot_id, symbol), (direction, at) in turned.items()
            ],
        )

    def get(self, signal_id: SignalId) -> Signal | None:
        row = self._connection.execute(_BY_ID, {"id": signal_id}).one_or_none()
        return None if row is None else read_signal(row)

    def waiting(self) -> Sequence[Signal]:
        return [read_signal(row) for row in self._connection.execute(_WAITING)]

    def mark_fanned_out(self, signal_id: SignalId, at: datetime) -> None:
        signals = tables.bot_signals
        self._connection.execute(signals.update().where(signals.c.id == signal_id).values(fanned_out_at=at))

    def held_by_bot(self, bot_id: BotId, symbol: str) -> Direction:
        if (bot_id, symbol) in self._held:
            return self._held[bot_id, symbol]
        return self._directions([(bot_id, symbol)]).get((bot_id, symbol), Direction.FLAT)

    def _directions(self, symbols: Collection[tuple[BotId, str]]) -> dict[tuple[BotId, str], Direction]:
        return {
            (BotId(bot_id), symbol): Direction(direction)
            for bot_id, symbol, direction in read_all(self._connection, _HELD, symbols=symbols)
        }

    def set_held_by_bot(self, bot_id: BotId, symbol: str, direction: Direction, at: datetime) -> None:
        self._held[bot_id, symbol] = direction
        self._turned[bot_id, symbol] = direction, at
        self._unit.put_off(self._flush)

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
    for name, kind in _PARTS.items():
        if mapping[name] is not None:
            mapping[name] = convert(mapping[name], kind, strict=False)
    return Signal(**{name: mapping[name] for name in names(Signal)})


def _written(step: Step) -> dict[str, str]:
    return {"leg": step.leg, "direction": step.direction, "fraction": str(step.fraction)}


def _read(step: Mapping[str, str]) -> Step:
    return Step(leg=LegKind(step["leg"]), direction=Direction(step["direction"]), fraction=Decimal(step["fraction"]))
