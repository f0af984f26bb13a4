"""The desk at a glance, for reading: the day's figures, what is held, what wants a person's eye; each sees what concerns them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select

from copydesk.domain.execution import Outcome, State
from copydesk.domain.ids import AccountId, BotId, SignalId, SubscriptionId, first_id
from copydesk.domain.position import Position
from copydesk.domain.signal import LegKind, SourceKind
from copydesk.domain.subscription import Environment, KeyCheck
from copydesk.domain.user import Role, User
from copydesk.domain.venue import VenueName
from copydesk.stores import tables
from copydesk.stores.history import has_outcome, seen_executions, seen_signals
from copydesk.stores.rows import columns, count, load
from copydesk.stores.unit import Part
from copydesk.stores.whose import concerning

_SENT, _SIGNALS, _HELD = tables.bot_signal_executions, tables.bot_signals, tables.positions
_TRADES, _ACCOUNTS, _CHECKS = tables.trades, tables.exchange_accounts, tables.ledger_checks
_FOLLOWING = (LegKind.OPEN.value, LegKind.CLOSE.value, LegKind.MODIFY.value)
_STANDING = (State.WORKING, State.PARTIAL)

ALERTS_MAX = 50


class Day(Struct, frozen=True, kw_only=True):
    """What happened since a moment. `answered` counts the followers' orders by how many ms after the signal the venue answered."""

    signals: Mapping[SourceKind, int]
    outcomes: Mapping[Outcome, int]
    answered: Mapping[int, int]
    nets: Sequence[Decimal]
    fees_usd: Decimal
    open_positions: int
    working_orders: int


class Held(Struct, frozen=True, kw_only=True):
    """A position, whose it is and where."""

    subscription_id: SubscriptionId
    account_id: AccountId
    account_name: str
    owner_id: str
    venue: VenueName
    environment: Environment
    bot_id: BotId
    symbol: str
    position: Position


class Place(Struct, frozen=True, kw_only=True):
    """A venue in one of its environments, and how many accounts of those that the viewer sees are there."""

    venue: VenueName
    environment: Environment
    accounts: int


class Doubt(Struct, frozen=True, kw_only=True):
    """An execution that a person should look at."""

    id: str
    signal_id: SignalId
    account_id: AccountId
    bot_id: BotId
    symbol: str
    leg: str
    state: State
    reason: str | None
    updated_at: datetime


class SickAccount(Struct, frozen=True, kw_only=True):
    """An account whose key is refused, or whose ledger differs from ours (`differences`)."""

    id: AccountId
    name: str
    key_problem: str | None
    differences: int
    at: datetime


class Overview(Part):
    """Moments are found by ids, which sort by time: no index on times is needed."""

    def day(self, viewer: User, since: datetime) -> Day:
        start = first_id(since)
        trades = select(_TRADES.c.net_usd, _TRADES.c.fees_usd).where(_TRADES.c.id >= start)
        booked = self._connection.execute(trades.where(*concerning(viewer, _TRADES))).all()
        sources = select(_SIGNALS.c.source, func.count()).where(_SIGNALS.c.id >= start, *seen_signals(viewer))
        own = (_SENT.c.id >= start, *seen_executions(viewer))
        answered = select(_SENT.c.execution_time_ms, func.count()).where(
            *own, _SENT.c.leg.in_(_FOLLOWING), _SENT.c.execution_time_ms.is_not(None)
        )
        return Day(
            signals=self._counts(sources.group_by(_SIGNALS.c.source)),
            outcomes=self._counts(select(_OUTCOME, func.count()).where(*own, _COUNTS).group_by(_BY_OUTCOME)),
            answered=self._counts(answered.group_by(_SENT.c.execution_time_ms)),
            nets=[row.net_usd for row in booked],
            fees_usd=sum((row.fees_usd for row in booked), Decimal(0)),
            open_positions=count(self._connection, _HELD, *concerning(viewer, _HELD)),
            working_orders=count(self._connection, _SENT, _SENT.c.state.in_(_STANDING), *seen_executions(viewer)),
        )

    def fared(self, viewer: User, ids: Sequence[SignalId]) -> Mapping[SignalId, Mapping[Outcome, int]]:
        """How many followers of each signal went which way."""
        query = select(_SENT.c.signal_id, _OUTCOME, func.count()).where(
            _SENT.c.signal_id.in_(ids), _COUNTS, *seen_executions(viewer)
        )
        found: dict[SignalId, dict[Outcome, int]] = {one: {} for one in ids}
        for signal_id, outcome, number in self._connection.execute(query.group_by(_SENT.c.signal_id, _BY_OUTCOME)):
            found[signal_id][Outcome(outcome)] = number
        return found

    def positions(
        self, viewer: User, filters: Mapping[str, Any], *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Held], str | None]:
        """By subscription and symbol, the newest subscription first."""
        query = (
            select(_ACCOUNTS.c.name, _ACCOUNTS.c.venue, _ACCOUNTS.c.environment, _HELD)
            .join(_ACCOUNTS, _ACCOUNTS.c.id == _HELD.c.account_id)
            .where(*(_HELD.c[name] == value for name, value in filters.items()), *concerning(viewer, _HELD))
        )
        if cursor is not None:
            subscription, _, symbol = cursor.partition("/")
            same = and_(_HELD.c.subscription_id == subscription, _HELD.c.symbol > symbol)
            query = query.where(or_(_HELD.c.subscription_id < subscription, same))
        query = query.order_by(_HELD.c.subscription_id.desc(), _HELD.c.symbol)
        rows = self._connection.execute(query.limit(limit + 1)).all()
        found = [_held(row) for row in rows[:limit]]
        return found, f"{found[-1].subscription_id}/{found[-1].symbol}" if len(rows) > limit else None

    def held(self, viewer: User, filters: Mapping[str, Any]) -> int:
        """How many positions there are in all."""
        fits = (_HELD.c[name] == value for name, value in filters.items())
        return count(self._connection, _HELD, *fits, *concerning(viewer, _HELD))

    def places(self, viewer: User) -> Sequence[Place]:
        query = select(_ACCOUNTS.c.venue, _ACCOUNTS.c.environment, func.count()).where(
            _ACCOUNTS.c.deleted_at.is_(None), _ACCOUNTS.c.is_active, *_own_accounts(viewer)
        )
        rows = self._connection.execute(query.group_by(_ACCOUNTS.c.venue, _ACCOUNTS.c.environment))
        return sorted(
            (Place(venue=VenueName(row[0]), environment=row[1], accounts=row[2]) for row in rows),
            key=lambda one: (one.venue, one.environment),
        )

    def doubts(self, viewer: User) -> Sequence[Doubt]:
        """Newest first: what is unknown or contradicts itself."""
        query = select(*columns(_SENT, Doubt)).where(
            _SENT.c.state.in_((State.UNKNOWN, State.REVIEW)), *seen_executions(viewer)
        )
        rows = self._connection.execute(query.order_by(_SENT.c.id.desc()).limit(ALERTS_MAX)).all()
        return [load(Doubt, row) for row in rows]

    def unprotected(self, viewer: User, since: datetime) -> Sequence[Doubt]:
        """Newest first: stops and targets that could not be placed."""
        query = select(*columns(_SENT, Doubt)).where(
            _SENT.c.id >= first_id(since),
            _SENT.c.leg.not_in(_FOLLOWING),
            has_outcome(Outcome.FAILED),
            *seen_executions(viewer),
        )
        rows = self._connection.execute(query.order_by(_SENT.c.id.desc()).limit(ALERTS_MAX)).all()
        return [load(Doubt, row) for row in rows]

    def sick_accounts(self, viewer: User) -> Sequence[SickAccount]:
        query = (
            select(
                _ACCOUNTS.c.id, _ACCOUNTS.c.name, _ACCOUNTS.c.key_check, _ACCOUNTS.c.key_problem, _ACCOUNTS.c.updated_at
            )
            .add_columns(_CHECKS.c.discrepancies, _CHECKS.c.checked_at)
            .outerjoin(_CHECKS, _CHECKS.c.account_id == _ACCOUNTS.c.id)
            .where(_ACCOUNTS.c.deleted_at.is_(None), *_own_accounts(viewer))
            .where(or_(_ACCOUNTS.c.key_check == KeyCheck.REFUSED, _CHECKS.c.checked_at.is_not(None)))
        )
        found = [
            SickAccount(
                id=row.id,
                name=row.name,
                key_problem=(row.key_problem or "") if row.key_check is KeyCheck.REFUSED else None,
                differences=len(row.discrepancies or ()),
                at=row.updated_at if row.key_check is KeyCheck.REFUSED else row.checked_at,
            )
            for row in self._connection.execute(query.order_by(_ACCOUNTS.c.id))
        ]
        return [one for one in found if one.key_problem is not None or one.differences][:ALERTS_MAX]

    def _counts(self, query: Any) -> dict[Any, int]:
        return {row[0]: row[1] for row in self._connection.execute(query)}


_OUTCOME = case(
    (has_outcome(Outcome.SUCCESS), Outcome.SUCCESS.value),
    (has_outcome(Outcome.SKIPPED), Outcome.SKIPPED.value),
    (has_outcome(Outcome.FAILED), Outcome.FAILED.value),
    else_=Outcome.PENDING.value,
).label("outcome")
_BY_OUTCOME: ColumnElement[str] = literal_column("outcome")
"""By its name: PostgreSQL takes the same expression with other parameters for another one."""

_COUNTS = or_(_SENT.c.leg.in_(_FOLLOWING), has_outcome(Outcome.FAILED))
"""A stop that stands is part of its opening; one that failed counts for itself."""


def _own_accounts(viewer: User) -> list[ColumnElement[bool]]:
    """Accounts are their owners' own affair: of others' a provider sees none."""
    return [] if viewer.role is Role.ADMIN else [_ACCOUNTS.c.owner_id == viewer.id]


def _held(row: Any) -> Held:
    return Held(
        subscription_id=row.subscription_id,
        account_id=row.account_id,
        account_name=row.name,
        owner_id=row.owner_id,
        venue=VenueName(row.venue),
        environment=row.environment,
        bot_id=row.bot_id,
        symbol=row.symbol,
        position=load(Position, row),
    )
