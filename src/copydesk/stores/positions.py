"""What our fills opened and what it brought: positions, trades, each day's result."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from copydesk.domain.execution import Execution
from copydesk.domain.ids import SubscriptionId, new_id
from copydesk.domain.position import Position, Trade
from copydesk.stores import tables
from copydesk.stores.followers import day_of
from copydesk.stores.rows import dump, first
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
        results = tables.daily_results
        key = {"subscription_id": subscription_id, "day": day_of(at)}
        query = select(results.c.net_usd).where(*(results.c[name] == value for name, value in key.items()))
        before = self._connection.execute(query).scalar_one_or_none() or Decimal(0)
        upsert(self._connection, results, key, {"net_usd": before + net_usd})

    def _lock(self, subscription_id: SubscriptionId) -> None:
        """Two fills of one subscription are booked one after the other; a row that is not there cannot be locked.

        SQLite has one writer anyway.
        """
        if self._connection.dialect.name == "postgresql":
            subscriptions = tables.bot_subscriptions.c
            query = select(subscriptions.id).where(subscriptions.id == subscription_id)
            self._connection.execute(query.with_for_update(key_share=True))
