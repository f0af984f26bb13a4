"""Who follows a bot, and everything about them that a plan depends on, read in a handful of statements."""

import contextlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, func, not_, or_, select

from copydesk.domain.bot import Bot
from copydesk.domain.execution import UNSETTLED
from copydesk.domain.guards import Exposure
from copydesk.domain.ids import AccountId, BotId, SubscriptionId, UserId
from copydesk.domain.planning import Follower
from copydesk.domain.position import Position
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import (
    Account,
    CopyOptions,
    KeyCheck,
    MarginMode,
    OnDailyLoss,
    OnUnprotected,
    Subscription,
    SubscriptionStatus,
)
from copydesk.ports.store import Place, Preparation
from copydesk.ports.vault import Vault
from copydesk.stores import tables
from copydesk.stores.kept import Kept
from copydesk.stores.remembered import Remembered
from copydesk.stores.rows import among, columns, dump, load, load_all, names, one_of
from copydesk.stores.signals import upsert
from copydesk.stores.statements import read_all
from copydesk.stores.unit import Part, Unit

_LISTENING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.CLOSE_ONLY)


class _Taken(NamedTuple):
    """A symbol that a subscription holds or is opening, or has stops on."""

    subscription_id: SubscriptionId
    account_id: AccountId
    symbol: str


class _Day(NamedTuple):
    """What a subscription has lost today, and whether the desk closed its day for it."""

    loss_usd: Decimal
    has_ended: bool


_FOLLOWS, _ACCOUNTS, _MADE = tables.bot_subscriptions, tables.exchange_accounts, tables.account_preparations
_HELD, _SENT, _RESULTS = tables.positions, tables.bot_signal_executions, tables.daily_results


def _make_subscription(row: Mapping[str, Any]) -> Subscription:
    """Its options out of JSON."""
    options = row["copy"]
    copy = CopyOptions(
        margin_mode=MarginMode(options["margin_mode"]),
        on_unprotected=OnUnprotected(options["on_unprotected"]),
        on_daily_loss=OnDailyLoss(options.get("on_daily_loss", OnDailyLoss.STOP_OPENS)),
    )
    return Subscription(**{**{name: row[name] for name in names(Subscription)}, "copy": copy})


_SUBSCRIPTIONS = Remembered([_FOLLOWS.c[name] for name in names(Subscription)], _make_subscription)
_PREPARED = Remembered(
    [*(_MADE.c[name] for name in names(Preparation)), _MADE.c.account_id],
    lambda row: (AccountId(row["account_id"]), Preparation(**{name: row[name] for name in names(Preparation)})),
)
_KNOWN_ACCOUNTS = Remembered([_ACCOUNTS.c[name] for name in names(Account)], lambda row: Account(**row))

_BY_IDS = select(*_SUBSCRIPTIONS.columns).where(among(_FOLLOWS.c.id, "ids")).order_by(_FOLLOWS.c.id)
_SUBSCRIBERS = (
    select(_FOLLOWS.c.id)
    .where(
        _FOLLOWS.c.bot_id == bindparam("bot_id"),
        _FOLLOWS.c.deleted_at.is_(None),
        one_of(_FOLLOWS.c.status, _LISTENING),
    )
    .order_by(_FOLLOWS.c.id)
)
_AUDIENCE = (
    select(_FOLLOWS.c.bot_id, func.count())
    .where(among(_FOLLOWS.c.bot_id, "ids"), _FOLLOWS.c.deleted_at.is_(None), one_of(_FOLLOWS.c.status, _LISTENING))
    .group_by(_FOLLOWS.c.bot_id)
)
_THESE_ACCOUNTS = select(*_KNOWN_ACCOUNTS.columns).where(among(_ACCOUNTS.c.id, "ids")).order_by(_ACCOUNTS.c.id)
_SEALED = select(_ACCOUNTS.c.id, _ACCOUNTS.c.sealed_secrets).where(among(_ACCOUNTS.c.id, "ids"))
_LOCKED_ACCOUNTS = _THESE_ACCOUNTS.with_for_update(key_share=True)
_PREPARATIONS = select(*_PREPARED.columns).where(
    among(_MADE.c.account_id, "ids"), _MADE.c.symbol == bindparam("symbol")
)
_HOLDS = select(*columns(_HELD, Position), _HELD.c.subscription_id, _HELD.c.account_id, _HELD.c.symbol).where(
    among(_HELD.c.account_id, "ids")
)
_UNDER_WAY = select(_SENT.c.subscription_id, _SENT.c.account_id, _SENT.c.symbol, _SENT.c.leg).where(
    among(_SENT.c.account_id, "ids"), one_of(_SENT.c.state, UNSETTLED), not_(one_of(_SENT.c.leg, (LegKind.CLOSE,)))
)
_DAYS = select(_RESULTS.c.subscription_id, _RESULTS.c.net_usd, _RESULTS.c.ended_at).where(
    among(_RESULTS.c.subscription_id, "ids"), _RESULTS.c.day == bindparam("day")
)

_NO_DAY = _Day(Decimal(0), has_ended=False)


class Followers(Part):
    """The FollowerTable of ports/store.py."""

    def __init__(self, unit: Unit, vault: Vault, kept: Kept) -> None:
        super().__init__(unit)
        self._vault = vault
        self._kept = kept
        self._prepared: dict[tuple[AccountId, str], Preparation] = {}

    def audience(self, bots: Collection[BotId]) -> Mapping[BotId, int]:
        def read(unknown: Sequence[BotId]) -> Mapping[BotId, int]:
            counted = {BotId(bot_id): count for bot_id, count in read_all(self._connection, _AUDIENCE, ids=unknown)}
            return {one: counted.get(one, 0) for one in unknown}

        return self._kept.read(self._connection, _FOLLOWS, "audience", list(bots), read)

    def subscribers(self, bot_id: BotId) -> Sequence[SubscriptionId]:
        def read(_: Sequence[BotId]) -> Mapping[BotId, Sequence[SubscriptionId]]:
            return {bot_id: [SubscriptionId(one) for (one,) in read_all(self._connection, _SUBSCRIBERS, bot_id=bot_id)]}

        return self._kept.read(self._connection, _FOLLOWS, "subscribers", [bot_id], read)[bot_id]

    def places(self, ids: Collection[SubscriptionId]) -> Mapping[SubscriptionId, Place]:
        found = self._subscriptions(list(ids))
        accounts = self._accounts(list({one.account_id for one in found}))
        on = ((one.id, accounts[one.account_id]) for one in found)
        return {subscription_id: Place(one.id, one.venue, one.environment) for subscription_id, one in on}

    def followers(self, bot: Bot, symbol: str, ids: Sequence[SubscriptionId], at: datetime) -> Sequence[Follower]:
        found = self._subscriptions(ids)
        accounts = self._accounts(sorted({one.account_id for one in found}), _LOCKED_ACCOUNTS)
        taken, held = self._taken(set(accounts), symbol)
        days = self._days([one.id for one in found if one.max_daily_loss_usd is not None], at)
        return [
            Follower(
                bot=bot,
                subscription=one,
                account=accounts[one.account_id],
                position=held.get(one.id),
                exposure=_exposure(one, symbol, taken[one.account_id], days.get(one.id, _NO_DAY)),
            )
            for one in found
        ]

    def account(self, account_id: AccountId) -> Account | None:
        return self._accounts([account_id]).get(account_id)

    def credentials(self, account_id: AccountId) -> Mapping[str, str]:
        accounts = tables.exchange_accounts.c
        query = select(accounts.owner_id, accounts.sealed_secrets).where(accounts.id == account_id)
        owner_id, sealed = self._connection.execute(query).one()
        return self._unsealed(owner_id, account_id, sealed)

    def logins(self, accounts: Collection[AccountId]) -> Sequence[tuple[Account, Mapping[str, str]]]:
        opened: list[tuple[Account, Mapping[str, str]]] = []
        sealed = {row.id: row.sealed_secrets for row in self._connection.execute(_SEALED, {"ids": accounts}).all()}
        for one in self._accounts(list(accounts)).values():
            with contextlib.suppress(ValueError):
                opened.append((one, self._unsealed(one.owner_id, one.id, sealed[one.id])))
        return opened

    def _unsealed(self, owner_id: UserId, account_id: AccountId, sealed: Mapping[str, str]) -> Mapping[str, str]:
        return {
            name: self._vault.unseal(text, context=secret_context(owner_id, account_id, name))
            for name, text in sealed.items()
        }

    def refuse_key(self, account_id: AccountId, problem: str, at: datetime) -> None:
        accounts = tables.exchange_accounts
        values = {"key_check": KeyCheck.REFUSED, "key_problem": problem, "updated_at": at}
        self._connection.execute(accounts.update().where(accounts.c.id == account_id).values(values))

    def preparation(self, account_id: AccountId, symbol: str) -> Preparation | None:
        known = self._prepared.get((account_id, symbol))
        return known or self.preparations([account_id], symbol).get(account_id)

    def preparations(self, accounts: Collection[AccountId], symbol: str) -> Mapping[AccountId, Preparation]:
        def read(unknown: Sequence[tuple[AccountId, str]]) -> Mapping[tuple[AccountId, str], Preparation]:
            ids = [account_id for account_id, _ in unknown]
            rows = _PREPARED.read(self._connection, _PREPARATIONS, ids=ids, symbol=symbol)
            return {(account_id, symbol): made for account_id, made in rows}

        wanted = [(account_id, symbol) for account_id in accounts]
        found = self._kept.read(self._connection, _MADE, "preparations", wanted, read)
        self._prepared |= found
        return {account_id: made for (account_id, _), made in found.items()}

    def save_preparation(self, account_id: AccountId, symbol: str, made: Preparation, at: datetime) -> None:
        self._prepared[account_id, symbol] = made
        values = dump(made, verified_at=at)
        upsert(self._connection, tables.account_preparations, {"account_id": account_id, "symbol": symbol}, values)

    def subscription(self, subscription_id: SubscriptionId) -> Subscription | None:
        found = self._subscriptions([subscription_id])
        return found[0] if found else None

    def trading(self) -> Sequence[Account]:
        accounts, follows, sent = tables.exchange_accounts, tables.bot_subscriptions.c, tables.bot_signal_executions.c
        listening = select(follows.account_id).where(follows.deleted_at.is_(None), follows.status.in_(_LISTENING))
        standing = select(sent.account_id).where(sent.state.in_(UNSETTLED))
        query = select(*columns(accounts, Account)).where(
            accounts.c.is_active,
            accounts.c.deleted_at.is_(None),
            accounts.c.key_check != KeyCheck.REFUSED,
            or_(accounts.c.id.in_(listening), accounts.c.id.in_(standing)),
        )
        return [load(Account, row) for row in self._connection.execute(query.order_by(accounts.c.id))]

    def _subscriptions(self, ids: Sequence[SubscriptionId]) -> Sequence[Subscription]:
        def read(unknown: Sequence[SubscriptionId]) -> Mapping[SubscriptionId, Subscription]:
            return {one.id: one for one in _SUBSCRIPTIONS.read(self._connection, _BY_IDS, ids=unknown)}

        return list(self._kept.read(self._connection, _FOLLOWS, "subscriptions", ids, read).values())

    def _accounts(self, ids: Sequence[AccountId], query: Select[Any] = _THESE_ACCOUNTS) -> Mapping[AccountId, Account]:
        def read(unknown: Sequence[AccountId]) -> Mapping[AccountId, Account]:
            return {one.id: one for one in _KNOWN_ACCOUNTS.read(self._connection, query, ids=unknown)}

        return self._kept.read(self._connection, _ACCOUNTS, "accounts", ids, read)

    def _taken(
        self, accounts: set[AccountId], symbol: str
    ) -> tuple[Mapping[AccountId, set[_Taken]], Mapping[SubscriptionId, Position]]:
        """What each account holds, is opening, or still has stops for (they would close whatever it holds there), and the
        positions on the symbol. What is under way is read first: what is booked meanwhile is then seen twice, and not never.
        """
        by_account: dict[AccountId, set[_Taken]] = defaultdict(set)
        for *place, leg in read_all(self._connection, _UNDER_WAY, ids=accounts):
            one = _Taken(*place)
            if leg == LegKind.OPEN or one.symbol == symbol:
                by_account[one.account_id].add(one)
        rows = self._connection.execute(_HOLDS, {"ids": accounts}).all()
        places = [_Taken(*row[-3:]) for row in rows]
        for one in places:
            by_account[one.account_id].add(one)
        held = zip(places, load_all(Position, rows), strict=True)
        return by_account, {one.subscription_id: position for one, position in held if one.symbol == symbol}

    def _days(self, ids: Sequence[SubscriptionId], at: datetime) -> dict[SubscriptionId, _Day]:
        rows = self._connection.execute(_DAYS, {"ids": ids, "day": day_of(at)}).all() if ids else ()
        return {SubscriptionId(row.subscription_id): _Day(-row.net_usd, row.ended_at is not None) for row in rows}


def read_subscription(row: Row[Any]) -> Subscription:
    """The subscription of a row."""
    return _make_subscription(dict(row._mapping))  # noqa: SLF001  SQLAlchemy's public name for it


def day_of(at: datetime) -> str:
    """The UTC day that a result counts for."""
    return at.date().isoformat()


def secret_context(owner_id: str, account_id: str, name: str) -> str:
    """What a sealed secret is bound to: moved to another owner, account or field, it does not open."""
    return f"exchange_accounts/{owner_id}/{account_id}/{name}"


def _exposure(one: Subscription, symbol: str, taken: set[_Taken], day: _Day) -> Exposure:
    others = sorted(
        place.subscription_id for place in taken if place.symbol == symbol and place.subscription_id != one.id
    )
    return Exposure(
        slots_used=sum(1 for place in taken if place.subscription_id == one.id and place.symbol != symbol),
        loss_today_usd=max(day.loss_usd, Decimal(0)),
        day_has_ended=day.has_ended,
        symbol_taken_by=others[0] if others else None,
    )
