"""What bots brought those who follow them, for reading: each sees the own result, a provider those of their bots, an admin all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, func, select

from copydesk.domain.ids import BotId, SubscriptionId, UserId, first_id
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.domain.user import User
from copydesk.stores import tables
from copydesk.stores.unit import Part
from copydesk.stores.whose import concerning

_TRADES, _FOLLOWS, _HELD, _USERS = tables.trades, tables.bot_subscriptions, tables.positions, tables.users


class Booked(Struct, frozen=True, kw_only=True):
    """One closed trade, as far as a sum needs it."""

    bot_id: BotId
    subscription_id: SubscriptionId
    net_usd: Decimal
    fees_usd: Decimal
    closed_at: datetime


class Following(Struct, frozen=True, kw_only=True):
    """Who follows a bot; `left` where they do no longer."""

    subscription_id: SubscriptionId
    owner_id: UserId
    username: str
    status: SubscriptionStatus
    left: bool
    open_positions: int


class Leaderboard(Part):
    """Sums are made of the rows themselves: SQLite's own arithmetic is that of floats."""

    def trades(self, viewer: User, since: datetime, bot_id: BotId | None = None) -> Sequence[Booked]:
        """Oldest first."""
        columns = [_TRADES.c[name] for name in Booked.__struct_fields__]
        query = select(*columns).where(_TRADES.c.id >= first_id(since), *concerning(viewer, _TRADES))
        query = query if bot_id is None else query.where(_TRADES.c.bot_id == bot_id)
        rows = self._connection.execute(query.order_by(_TRADES.c.id)).all()
        return [Booked(**dict(zip(Booked.__struct_fields__, row, strict=True))) for row in rows]

    def followers(self, viewer: User) -> Mapping[BotId, int]:
        """How many of those whom the viewer sees follow each bot."""
        query = select(_FOLLOWS.c.bot_id, func.count()).where(
            _FOLLOWS.c.deleted_at.is_(None), *concerning(viewer, _FOLLOWS)
        )
        return {BotId(row[0]): row[1] for row in self._connection.execute(query.group_by(_FOLLOWS.c.bot_id))}

    def following(self, viewer: User, bot_id: BotId) -> Sequence[Following]:
        """Longest first."""
        held = self._counts(select(_HELD.c.subscription_id, func.count()).where(_HELD.c.bot_id == bot_id), _HELD)
        query = (
            select(_FOLLOWS.c.id, _FOLLOWS.c.owner_id, _USERS.c.username, _FOLLOWS.c.status, _FOLLOWS.c.deleted_at)
            .join(_USERS, _USERS.c.id == _FOLLOWS.c.owner_id)
            .where(_FOLLOWS.c.bot_id == bot_id, *concerning(viewer, _FOLLOWS))
        )
        return [
            Following(
                subscription_id=row.id,
                owner_id=row.owner_id,
                username=row.username,
                status=row.status,
                left=row.deleted_at is not None,
                open_positions=held.get(row.id, 0),
            )
            for row in self._connection.execute(query.order_by(_FOLLOWS.c.id))
        ]

    def _counts(self, query: Select[Any], table: Any) -> Mapping[str, int]:
        rows = self._connection.execute(query.group_by(table.c.subscription_id))
        return {row[0]: row[1] for row in rows}
