"""Breakers that are pulled, and what they reach."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, select

from copydesk.domain.breaker import Breaker, BreakerScope, Reach
from copydesk.domain.execution import UNSETTLED, Execution
from copydesk.domain.ids import SubscriptionId
from copydesk.domain.position import Position
from copydesk.domain.signal import LegKind
from copydesk.ports.store import Holding
from copydesk.stores import tables
from copydesk.stores.rows import columns, load
from copydesk.stores.signals import upsert
from copydesk.stores.unit import Part

_TABLE = tables.breakers


class Breakers(Part):
    """The BreakerTable of ports/store.py."""

    def pulled(self) -> Sequence[Breaker]:
        return [
            Breaker(
                reach=Reach(scope=row.scope, target=row.target), mode=row.mode, set_by=row.set_by, set_at=row.set_at
            )
            for row in self._connection.execute(select(_TABLE).order_by(_TABLE.c.scope, _TABLE.c.target))
        ]

    def pull(self, breaker: Breaker) -> None:
        key = {"scope": breaker.reach.scope, "target": breaker.reach.target}
        values = {"mode": breaker.mode, "set_by": breaker.set_by, "set_at": breaker.set_at}
        upsert(self._connection, _TABLE, key, values)

    def release(self, reach: Reach) -> None:
        this = (_TABLE.c.scope == reach.scope, _TABLE.c.target == reach.target)
        self._connection.execute(_TABLE.delete().where(*this))

    def openings(self, reach: Reach) -> Sequence[Execution]:
        self._lock_accounts(reach)
        sent = tables.bot_signal_executions
        query = select(*columns(sent, Execution)).where(
            sent.c.state.in_(UNSETTLED), sent.c.leg == LegKind.OPEN.value, *_within(sent, reach)
        )
        return [load(Execution, row) for row in self._connection.execute(query.order_by(sent.c.id))]

    def holdings(self, reach: Reach) -> Sequence[Holding]:
        held = tables.positions
        query = select(held.c.subscription_id, held.c.bot_id, held.c.symbol, *columns(held, Position))
        rows = self._connection.execute(query.where(*_within(held, reach)))
        return [
            Holding(
                subscription_id=SubscriptionId(row.subscription_id),
                bot_id=row.bot_id,
                symbol=row.symbol,
                position=load(Position, row),
            )
            for row in rows
        ]

    def _lock_accounts(self, reach: Reach) -> None:
        """A fan-out that has read the breakers holds its accounts: what it writes down is waited for, and seen."""
        accounts, query = tables.exchange_accounts, select(tables.exchange_accounts.c.id)
        if reach.scope is BreakerScope.ACCOUNT:
            query = query.where(accounts.c.id == reach.target)
        elif reach.scope is BreakerScope.VENUE:
            query = query.where(accounts.c.venue == reach.target)
        elif reach.scope is BreakerScope.BOT:
            of_bot = tables.bot_subscriptions.c
            query = query.where(accounts.c.id.in_(select(of_bot.account_id).where(of_bot.bot_id == reach.target)))
        self._connection.execute(query.order_by(accounts.c.id).with_for_update(key_share=True))


def _within(table: Table, reach: Reach) -> list[ColumnElement[bool]]:
    if reach.scope is BreakerScope.ALL:
        return []
    if reach.scope is BreakerScope.VENUE:
        accounts = tables.exchange_accounts.c
        return [table.c.account_id.in_(select(accounts.id).where(accounts.venue == reach.target))]
    return [table.c[f"{reach.scope}_id"] == reach.target]
