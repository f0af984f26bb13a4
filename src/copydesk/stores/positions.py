"""What our fills opened and what it brought: positions, trades, each day's result."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, select

from copydesk.domain.execution import Execution
from copydesk.domain.ids import SubscriptionId, new_id
from copydesk.domain.position import Position, Trade
from copydesk.domain.subscription import Account, OnDailyLoss, Subscription
from copydesk.ports.store import AtRisk
from copydesk.stores import tables
from copydesk.stores.followers import day_of, read_subscription
from copydesk.stores.rows import among, columns, dump, load, load_all, one_or_none
from copydesk.stores.signals import upsert, upsert_all
from copydesk.stores.statements import execute_all
from copydesk.stores.unit import Part, Unit

_FLAT = tables.positions.delete().where(
    tables.positions.c.subscription_id == bindparam("gone_id"), tables.positions.c.symbol == bindparam("gone_symbol")
)

_INSERT_TRADE = tables.trades.insert()

_HELD, _RESULTS = tables.positions, tables.daily_results
_ONE = select(*columns(_HELD, Position)).where(
    _HELD.c.subscription_id == bindparam("subscription_id"), _HELD.c.symbol == bindparam("symbol")
)
_OF_SUBSCRIPTIONS = select(*columns(_HELD, Position), _HELD.c.subscription_id, _HELD.c.symbol).where(
    among(_HELD.c.subscription_id, "ids")
)
_DAYS = select(_RESULTS.c.subscription_id, _RESULTS.c.net_usd).where(
    among(_RESULTS.c.subscription_id, "ids"), _RESULTS.c.day == bindparam("day")
)

_Place = tuple[SubscriptionId, str]
"""A subscription's symbol."""

_Day = tuple[SubscriptionId, str]


class Positions(Part):
    """The PositionTable of ports/store.py."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._held: dict[_Place, Position | None] = {}
        self._days: dict[_Day, Decimal] = {}
        self._changed: dict[_Place, Mapping[str, Any] | None] = {}
        self._results: dict[_Day, Decimal] = {}
        self._trades: list[Mapping[str, Any]] = []
        self._ahead: set[SubscriptionId] = set()

    def get(self, subscription_id: SubscriptionId, symbol: str) -> Position | None:
        place = subscription_id, symbol
        if place not in self._held and subscription_id not in self._ahead:
            self._lock([subscription_id])
            self._held[place] = one_or_none(
                self._connection, Position, _ONE, subscription_id=subscription_id, symbol=symbol
            )
        return self._held.get(place)

    def read_ahead(self, subscriptions: Collection[SubscriptionId], at: datetime) -> None:
        self._lock(subscriptions)
        rows = self._connection.execute(_OF_SUBSCRIPTIONS, {"ids": list(subscriptions)}).all()
        self._held |= {tuple(row[-2:]): one for row, one in zip(rows, load_all(Position, rows), strict=True)}
        days = self._connection.execute(_DAYS, {"ids": list(subscriptions), "day": day_of(at)})
        known = {row.subscription_id: row.net_usd for row in days}
        self._days |= {(one, day_of(at)): known.get(one, Decimal(0)) for one in subscriptions}
        self._ahead |= set(subscriptions)

    def put(self, execution: Execution, position: Position | None, at: datetime) -> None:
        place = execution.subscription_id, execution.symbol
        self._held[place] = position
        self._changed[place] = (
            None
            if position is None
            else dump(
                position,
                account_id=execution.account_id,
                bot_id=execution.bot_id,
                owner_id=execution.owner_id,
                updated_at=at,
            )
        )
        self._unit.put_off(self._flush)

    def add_trade(self, execution: Execution, trade: Trade) -> None:
        self._trades.append(
            dump(
                trade,
                id=new_id(trade.closed_at),
                subscription_id=execution.subscription_id,
                account_id=execution.account_id,
                bot_id=execution.bot_id,
                owner_id=execution.owner_id,
                signal_id=execution.signal_id,
                symbol=execution.symbol,
                closed_by=execution.leg,
            )
        )
        self._unit.put_off(self._flush)

    def add_result(self, subscription_id: SubscriptionId, net_usd: Decimal, at: datetime) -> None:
        day = subscription_id, day_of(at)
        if day not in self._days:
            self._lock([subscription_id])
            self._days[day] = self._result(subscription_id, at)
        self._days[day] += net_usd
        self._results[day] = self._days[day]
        self._unit.put_off(self._flush)

    def at_risk(self, at: datetime) -> Sequence[AtRisk]:
        held, follows, accounts = tables.positions, tables.bot_subscriptions, tables.exchange_accounts
        results = tables.daily_results
        limited = select(*columns(follows, Subscription)).where(
            follows.c.max_daily_loss_usd.is_not(None), follows.c.id.in_(select(held.c.subscription_id))
        )
        chosen = {one.id: one for one in map(read_subscription, self._connection.execute(limited))}
        chosen = {key: one for key, one in chosen.items() if one.copy.on_daily_loss is OnDailyLoss.FLATTEN}
        if not chosen:
            return []
        theirs = {one.account_id for one in chosen.values()}
        query = select(*columns(accounts, Account)).where(accounts.c.id.in_(theirs))
        owned = {one.id: one for one in (load(Account, row) for row in self._connection.execute(query))}
        query = select(results.c.subscription_id, results.c.net_usd).where(
            results.c.subscription_id.in_(chosen), results.c.day == day_of(at)
        )
        brought = {row.subscription_id: row.net_usd for row in self._connection.execute(query)}
        query = select(held.c.subscription_id, held.c.symbol, *columns(held, Position))
        query = query.where(held.c.subscription_id.in_(chosen)).order_by(held.c.subscription_id, held.c.symbol)
        return [
            AtRisk(
                subscription=chosen[row.subscription_id],
                account=owned[chosen[row.subscription_id].account_id],
                symbol=row.symbol,
                position=load(Position, row),
                result_usd=brought.get(row.subscription_id, Decimal(0)),
            )
            for row in self._connection.execute(query)
        ]

    def end_day(self, subscription_id: SubscriptionId, at: datetime) -> None:
        self._lock([subscription_id])
        key = {"subscription_id": subscription_id, "day": day_of(at)}
        values = {"net_usd": self._result(subscription_id, at), "ended_at": at}
        upsert(self._connection, tables.daily_results, key, values)

    def _result(self, subscription_id: SubscriptionId, at: datetime) -> Decimal:
        results = tables.daily_results.c
        query = select(results.net_usd).where(results.subscription_id == subscription_id, results.day == day_of(at))
        return self._connection.execute(query).scalar_one_or_none() or Decimal(0)

    def _lock(self, ids: Collection[SubscriptionId]) -> None:
        """Two fills of one subscription are booked one after the other; a row that is not there cannot be locked.

        SQLite has one writer anyway.
        """
        if self._connection.dialect.name == "postgresql":
            subscriptions = tables.bot_subscriptions.c
            query = select(subscriptions.id).where(subscriptions.id.in_(ids)).order_by(subscriptions.id)
            self._connection.execute(query.with_for_update(key_share=True))

    def _flush(self, connection: Connection) -> None:
        changed, self._changed = self._changed, {}
        keys = {place: {"subscription_id": place[0], "symbol": place[1]} for place in changed}
        upsert_all(connection, tables.positions, [(keys[place], row) for place, row in changed.items() if row])
        gone = [{"gone_id": place[0], "gone_symbol": place[1]} for place, row in changed.items() if row is None]
        if gone:
            execute_all(connection, _FLAT, gone)
        results, self._results = self._results, {}
        days = [({"subscription_id": one, "day": day}, {"net_usd": net}) for (one, day), net in results.items()]
        upsert_all(connection, tables.daily_results, days)
        trades, self._trades = self._trades, []
        if trades:
            execute_all(connection, _INSERT_TRADE, trades)
