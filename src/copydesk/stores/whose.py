"""Whose executions: asked by account, because by account they are indexed."""

from typing import Any

from sqlalchemy import ColumnElement, select

from copydesk.domain.ids import UserId
from copydesk.stores import tables

_SENT, _FOLLOWS, _ACCOUNTS = tables.bot_signal_executions.c, tables.bot_subscriptions.c, tables.exchange_accounts.c


def of_subscriptions(ids: Any) -> list[ColumnElement[bool]]:
    """`ids` is anything that `in_` takes."""
    accounts = select(_FOLLOWS.account_id).where(_FOLLOWS.id.in_(ids))
    return [_SENT.account_id.in_(accounts), _SENT.subscription_id.in_(ids)]


def of_owner(owner_id: UserId) -> ColumnElement[bool]:
    """What was done on the accounts of this user."""
    return _SENT.account_id.in_(select(_ACCOUNTS.id).where(_ACCOUNTS.owner_id == owner_id))
