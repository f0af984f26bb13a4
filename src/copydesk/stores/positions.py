"""What our fills opened and what it brought: positions, trades, each day's result."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from copydesk.domain.execution import Execution
from copydesk.domain.ids import SubscriptionId, new_id
from copydesk.domain.position import Position, Trade
from copydesk.domain.subscription import Account, OnDailyLoss, Subscription
from copydesk.ports.store import AtRisk
from copydesk.stores import tables
from copydesk.stores.followers import day_of, read_subscription
from copydesk.stores.rows import columns, dump, first, load
from copydesk.stores.signals import upsert


class Positions:
    """The PositionTable of ports/store.py."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, subscription_id: SubscriptionId, symbol: str) -> Position | None:
        self._lock(subscription_id)
        held = tables.positions
        return first(
            self._connection, Position, held, held.c.subscription_id == subscription_id, held.c.symbol == symbol
        )

    def put(self, execution: Execution, position: Position | None, at: datetime) -> None:
        held = tables.positions
        key = {"subscription_id": execution.subscription_id, "symbol": execution.symbol}
        if position is None:
            gone = [held.c[name] == value for name, value in key.items()]
            self._connection.execute(held.delete().where(*gone))
            return
        values = dump(
            position,
            account_id=execution.account_id,
            bot_id=execution.bot_id,
            owner_id=execution.owner_id,
            updated_at=at,
        )
        upsert(self._connection, held, key, values)

    def add_trade(self, execution: Execution, trade: Trade) -> None:
        row = dump(
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
        self._connection.execute(tables.trades.insert(), [row])

    def add_result(self, subscription_id: SubscriptionId, net_usd: Decimal, at: datetime) -> None:
        self._lock(subscription_id)
        key = {"subscription_id": subscription_id, "day": day_of(at)}
        after = self._result(subscription_id, at) + net_usd
        upsert(self._connection, tables.daily_results, key, {"net_usd": after})

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
        self._lock(subscription_id)
        key = {"subscription_id": subscription_id, "day": day_of(at)}
        values = {"net_usd": self._result(subscription_id, at), "ended_at": at}
        upsert(self._connection, tables.daily_results, key, values)

    def _result(self, subscription_id: SubscriptionId, at: datetime) -> Decimal:
        results = tables.daily_results.c
        query = select(results.net_usd).where(results.subscription_id == subscription_id, results.day == day_of(at))
        return self._connection.execute(query).scalar_one_or_none() or Decimal(0)

    def _lock(self, subscription_id: SubscriptionId) -> None:
        """Two fills of one subscription are booked one after the other; a row that is not there cannot be locked.

        SQLite has one writer anyway.
        """
        if self._connection.dialect.name == "postgresql":
            subscriptions = tables.bot_subscriptions.c
            query = select(subscriptions.id).where(subscriptions.id == subscription_id)
            self._connection.execute(query.with_for_update(key_share=True))
