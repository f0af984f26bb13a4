"""What one account holds, waits for and has earned, for reading."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from sqlalchemy import select

from copydesk.domain.execution import UNSETTLED, Execution
from copydesk.domain.ids import BotId, SubscriptionId
from copydesk.domain.position import Position
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account
from copydesk.ports.store import Holding
from copydesk.stores import tables
from copydesk.stores.rows import columns, load, one_of
from copydesk.stores.unit import Part

_HELD, _TRADES, _SENT = tables.positions, tables.trades, tables.bot_signal_executions

ORDERS_MAX = 500


class PastTrade(Struct, frozen=True, kw_only=True):
    """A trade as it is stored, with whose it is."""

    id: str
    subscription_id: SubscriptionId
    bot_id: BotId
    symbol: str
    closed_by: str
    direction: Direction
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    opened_at: datetime
    closed_at: datetime


class Results(Part):
    """By the account's owner first: that is what the tables are indexed by."""

    def trades(self, account: Account) -> Sequence[PastTrade]:
        """Oldest first."""
        query = select(*columns(_TRADES, PastTrade)).where(
            _TRADES.c.owner_id == account.owner_id, _TRADES.c.account_id == account.id
        )
        rows = self._connection.execute(query.order_by(_TRADES.c.closed_at, _TRADES.c.id)).all()
        return [load(PastTrade, row) for row in rows]

    def held(self, account: Account) -> Sequence[Holding]:
        """Oldest first."""
        query = select(_HELD.c.subscription_id, _HELD.c.bot_id, _HELD.c.symbol, *columns(_HELD, Position))
        rows = self._connection.execute(query.where(_HELD.c.account_id == account.id).order_by(_HELD.c.opened_at)).all()
        return [
            Holding(
                subscription_id=SubscriptionId(row.subscription_id),
                bot_id=BotId(row.bot_id),
                symbol=row.symbol,
                position=load(Position, row),
            )
            for row in rows
        ]

    def waiting(self, account: Account) -> Sequence[Execution]:
        """What is not final, newest first."""
        query = select(*columns(_SENT, Execution)).where(
            _SENT.c.account_id == account.id, one_of(_SENT.c.state, UNSETTLED)
        )
        rows = self._connection.execute(query.order_by(_SENT.c.id.desc()).limit(ORDERS_MAX)).all()
        return [load(Execution, row) for row in rows]
