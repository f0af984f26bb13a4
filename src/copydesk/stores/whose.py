"""Whose executions: asked by account, because by account they are indexed."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, select

from copydesk.domain.ids import UserId
from copydesk.stores import tables

_SENT, _FOLLOWS, _ACCOUNTS = tables.bot_signal_executions.c, tables.bot_subscriptions.c, tables.exchange_accounts.c


def of_subscriptions(fits: Callable[[ColumnElement[str]], ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """`fits` tells of a column with subscriptions' ids whether it is one of those asked for."""
    accounts = select(_FOLLOWS.account_id).where(fits(_FOLLOWS.id))
    return [_SENT.account_id.in_(accounts), fits(_SENT.subscription_id)]


def of_owner(owner_id: UserId) -> ColumnElement[bool]:
    """What was done on the accounts of this user."""
    return _SENT.account_id.in_(select(_ACCOUNTS.id).where(_ACCOUNTS.owner_id == owner_id))
