"""Who sees what: executions are asked for by account, because by account they are indexed."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Select, Table, or_, select

from copydesk.domain.ids import UserId
from copydesk.domain.user import Role, User
from copydesk.stores import tables

_SENT, _FOLLOWS, _ACCOUNTS = tables.bot_signal_executions.c, tables.bot_subscriptions.c, tables.exchange_accounts.c


def of_subscriptions(fits: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """`fits` tells of a column with subscriptions' ids whether it is one of those asked for."""
    accounts = select(_FOLLOWS.account_id).where(fits(_FOLLOWS.id))
    return [_SENT.account_id.in_(accounts), fits(_SENT.subscription_id)]


def of_owner(owner_id: UserId) -> ColumnElement[bool]:
    """What was done on the accounts of this user."""
    return _SENT.account_id.in_(select(_ACCOUNTS.id).where(_ACCOUNTS.owner_id == owner_id))


def own_bots(owner_id: UserId) -> Select[tuple[str]]:
    return select(tables.bots.c.id).where(tables.bots.c.owner_id == owner_id)


def concerning(viewer: User, table: Table) -> list[ColumnElement[bool]]:
    """Rows with an owner and a bot: a follower sees the own, a provider also those of their bots, an admin all."""
    if viewer.role is Role.ADMIN:
        return []
    own = table.c.owner_id == viewer.id
    return [own] if viewer.role is Role.FOLLOWER else [or_(own, table.c.bot_id.in_(own_bots(viewer.id)))]
