"""Subscriptions as people see them, with what has come of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, distinct, func, select

from copydesk.domain.execution import FINAL, State
from copydesk.domain.ids import AccountId, BotId, SubscriptionId, UserId
from copydesk.domain.subscription import Subscription
from copydesk.stores import tables
from copydesk.stores.followers import day_of, read_subscription
from copydesk.stores.rows import columns, count, dump, page
from copydesk.stores.unit import Part
from copydesk.stores.whose import of_subscriptions

_TABLE = tables.bot_subscriptions
_FAILED = FINAL - {State.FILLED, State.SKIPPED, State.CANCELLED}


class Record(Struct, frozen=True, kw_only=True):
    """What has come of a subscription so far; `loss_today_usd` ≥ 0."""

    total_signals_received: int
    total_orders_executed: int
    total_orders_failed: int
    last_signal_at: datetime | None
    loss_today_usd: Decimal
    current_positions: int


class Subscriptions(Part):
    """`owner_id` None sees everybody's."""

    def add(self, subscription: Subscription) -> None:
        row = dump(subscription) | {"copy": asdict(subscription.copy), "deleted_at": None}
        self._connection.execute(_TABLE.insert(), [row])

    def get(self, subscription_id: SubscriptionId, owner_id: UserId | None) -> Subscription | None:
        query = select(*columns(_TABLE, Subscription)).where(_TABLE.c.id == subscription_id, *_seen(owner_id))
        row = self._connection.execute(query).one_or_none()
        return None if row is None else read_subscription(row)

    def of_account_and_bot(self, account_id: AccountId, bot_id: BotId) -> SubscriptionId | None:
        query = select(_TABLE.c.id).where(
            _TABLE.c.account_id == account_id, _TABLE.c.bot_id == bot_id, _TABLE.c.deleted_at.is_(None)
        )
        found = self._connection.execute(query).scalars().first()
        return None if found is None else SubscriptionId(found)

    def follows(self, owner_id: UserId, bot_id: BotId) -> bool:
        """Whether any account of a user follows a bot, however it is paused."""
        query = select(_TABLE.c.id).where(
            _TABLE.c.owner_id == owner_id, _TABLE.c.bot_id == bot_id, _TABLE.c.deleted_at.is_(None)
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def change(self, subscription_id: SubscriptionId, changes: Mapping[str, Any], at: datetime) -> None:
        query = _TABLE.update().where(_TABLE.c.id == subscription_id).values({**changes, "updated_at": at})
        self._connection.execute(query)

    def list(
        self, filters: Mapping[str, Any], *, owner_id: UserId | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[Subscription], str | None]:
        query = select(*columns(_TABLE, Subscription)).where(*_fits(filters), *_seen(owner_id))
        rows, following = page(self._connection, query, _TABLE.c.id, limit=limit, cursor=cursor)
        return [read_subscription(row) for row in rows], following

    def count(self, filters: Mapping[str, Any], *, owner_id: UserId | None) -> int:
        return count(self._connection, _TABLE, *_fits(filters), *_seen(owner_id))

    def records(self, ids: Sequence[SubscriptionId], at: datetime) -> dict[SubscriptionId, Record]:
        """Counted from the executions themselves, in four statements for any number of subscriptions."""
        sent = tables.bot_signal_executions.c
        signals = {row[0]: row for row in self._connection.execute(_counted(sent, ids))}
        executed = self._counts(ids, sent.state == State.FILLED)
        failed = self._counts(ids, sent.state.in_(_FAILED))
        held, results = tables.positions.c, tables.daily_results.c
        positions = select(held.subscription_id, func.count()).where(held.subscription_id.in_(ids))
        holding: dict[str, int] = {
            row[0]: row[1] for row in self._connection.execute(positions.group_by(held.subscription_id))
        }
        today = select(results.subscription_id, results.net_usd).where(
            results.subscription_id.in_(ids), results.day == day_of(at)
        )
        net: dict[str, Decimal] = {row[0]: row[1] for row in self._connection.execute(today)}
        return {
            one: Record(
                total_signals_received=signals[one][1] if one in signals else 0,
                total_orders_executed=executed.get(one, 0),
                total_orders_failed=failed.get(one, 0),
                last_signal_at=signals[one][2] if one in signals else None,
                loss_today_usd=max(-net.get(one, Decimal(0)), Decimal(0)),
                current_positions=holding.get(one, 0),
            )
            for one in ids
        }

    def _counts(self, ids: Sequence[SubscriptionId], which: ColumnElement[bool]) -> dict[str, int]:
        sent = tables.bot_signal_executions.c
        query = select(sent.subscription_id, func.count()).where(
            *of_subscriptions(lambda column: column.in_(ids)), which
        )
        return {row[0]: row[1] for row in self._connection.execute(query.group_by(sent.subscription_id))}


def _counted(sent: Any, ids: Sequence[SubscriptionId]) -> Any:
    counted = select(sent.subscription_id, func.count(distinct(sent.signal_id)), func.max(sent.created_at))
    return counted.where(*of_subscriptions(lambda column: column.in_(ids))).group_by(sent.subscription_id)


def _seen(owner_id: UserId | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [_TABLE.c.deleted_at.is_(None)]
    return where if owner_id is None else [*where, _TABLE.c.owner_id == owner_id]


def _fits(filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [_TABLE.c[name] == value for name, value in filters.items()]
