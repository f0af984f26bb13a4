"""Openings that wait for a terminal's program: whether they are wanted still."""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select

from copydesk.domain.breaker import Breaker, Reach
from copydesk.domain.following import split_place
from copydesk.domain.ids import execution_of
from copydesk.domain.subscription import SubscriptionStatus
from copydesk.stores import tables
from copydesk.stores.rows import among
from copydesk.stores.tickets import CLOSED

_SENT, _FOLLOWS, _ACCOUNTS = tables.bot_signal_executions, tables.bot_subscriptions, tables.exchange_accounts
_OPENINGS = (
    select(_SENT.c.client_order_id, _SENT.c.account_id, _SENT.c.bot_id, _SENT.c.symbol, _ACCOUNTS.c.venue)
    .add_columns(_FOLLOWS.c.status, _FOLLOWS.c.deleted_at, _ACCOUNTS.c.is_active)
    .join(_FOLLOWS, _FOLLOWS.c.id == _SENT.c.subscription_id)
    .join(_ACCOUNTS, _ACCOUNTS.c.id == _SENT.c.account_id)
    .where(among(_SENT.c.id, "ids"))
)
_TICKET = select(tables.master_tickets.c.status).where(
    tables.master_tickets.c.bot_id == bindparam("bot_id"), tables.master_tickets.c.number == bindparam("number")
)


def unwanted_openings(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """By client order ids: those whose subscription or account opens nothing (any more), which a breaker stops, or whose ticket
    the master has closed.
    """
    pulled = [
        Breaker(reach=Reach(scope=row.scope, target=row.target), mode=row.mode, set_by=row.set_by, set_at=row.set_at)
        for row in connection.execute(select(tables.breakers))
    ]
    unwanted = set()
    for row in connection.execute(_OPENINGS, {"ids": [execution_of(one) for one in ids]}).all():
        follows = row.status is SubscriptionStatus.ACTIVE and row.deleted_at is None and row.is_active
        stopped = any(one.reach.covers(account_id=row.account_id, bot_id=row.bot_id, venue=row.venue) for one in pulled)
        if not follows or stopped or _is_closed(connection, row.bot_id, row.symbol):
            unwanted.add(row.client_order_id)
    return frozenset(unwanted)


def _is_closed(connection: Connection, bot_id: str, place: str) -> bool:
    _, number = split_place(place)
    if number is None:
        return False
    status = connection.execute(_TICKET, {"bot_id": bot_id, "number": number}).scalar_one_or_none()
    return status == CLOSED
