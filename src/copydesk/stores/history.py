"""What happened, for reading: signals, executions with their timeline, trades; each seen only by whom it concerns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select

from copydesk.domain.execution import FINAL, Execution, Outcome, State
from copydesk.domain.following import place_of
from copydesk.domain.ids import BotId, ExecutionId, SignalId
from copydesk.domain.rehearsal import Past
from copydesk.domain.signal import LegKind, Signal, SourceKind
from copydesk.domain.user import Role, User
from copydesk.stores import tables
from copydesk.stores.rows import columns, count, load, page
from copydesk.stores.signals import read_signal
from copydesk.stores.unit import Part
from copydesk.stores.whose import of_owner, of_subscriptions, own_bots

_SIGNALS = tables.bot_signals
_SENT = tables.bot_signal_executions
_FOLLOWING = (LegKind.OPEN.value, LegKind.CLOSE.value)
_PRICES_MAX = 25


class Event(Struct, frozen=True, kw_only=True):
    """One line of an execution's timeline."""

    at: datetime
    state: State
    note: str | None
    evidence: Mapping[str, object] | None


class History(Part):
    """A follower sees the own, a provider what their bots did, an admin all."""

    def signals(
        self, viewer: User, filters: Mapping[str, Any], *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Signal], str | None]:
        query = select(*columns(_SIGNALS, Signal)).where(*_fits(_SIGNALS, filters), *seen_signals(viewer))
        rows, following = page(self._connection, query, _SIGNALS.c.id, limit=limit, cursor=cursor)
        return [read_signal(row) for row in rows], following

    def signal(self, viewer: User, signal_id: SignalId) -> Signal | None:
        found, _ = self.signals(viewer, {"id": signal_id}, limit=1, cursor=None)
        return found[0] if found else None

    def past_of_bot(self, bot_id: BotId, most: int) -> Sequence[Past]:
        """The bot's last signals, oldest first, whoever they reached: what their openings and closes were executed at is the
        market's price, and says nothing of whose they were.
        """
        query = select(*columns(_SIGNALS, Signal)).where(
            _SIGNALS.c.bot_id == bot_id, _SIGNALS.c.source.not_in([SourceKind.DESK, SourceKind.TEST])
        )
        rows = self._connection.execute(query.order_by(_SIGNALS.c.id.desc()).limit(most)).all()
        signals = [read_signal(row) for row in reversed(rows)]
        return [Past(signal=one, desk_price=self._executed_at(one.id)) for one in signals]

    def _executed_at(self, signal_id: SignalId) -> Decimal | None:
        """The one in the middle: no single follower's slippage decides."""
        query = select(_SENT.c.executed_price).where(
            _SENT.c.signal_id == signal_id, _SENT.c.leg.in_(_FOLLOWING), _SENT.c.executed_price.is_not(None)
        )
        prices = sorted(self._connection.execute(query.limit(_PRICES_MAX)).scalars())
        return prices[len(prices) // 2] if prices else None

    def executions(
        self, viewer: User, filters: Mapping[str, Any], *, limit: int, cursor: str | None
    ) -> tuple[Sequence[Execution], str | None]:
        query = select(*columns(_SENT, Execution)).where(*_fits(_SENT, filters), *seen_executions(viewer))
        rows, following = page(self._connection, query, _SENT.c.id, limit=limit, cursor=cursor)
        return [load(Execution, row) for row in rows], following

    def execution(self, viewer: User, execution_id: ExecutionId) -> Execution | None:
        found, _ = self.executions(viewer, {"id": execution_id}, limit=1, cursor=None)
        return found[0] if found else None

    def timeline(self, ids: Sequence[ExecutionId]) -> dict[ExecutionId, list[Event]]:
        events = tables.execution_events
        query = select(events.c.execution_id, *columns(events, Event)).where(events.c.execution_id.in_(ids))
        lines: dict[ExecutionId, list[Event]] = {one: [] for one in ids}
        for row in self._connection.execute(query.order_by(events.c.number)):
            lines[row.execution_id].append(load(Event, row))
        return lines

    def states_of_signal(self, signal_id: SignalId) -> dict[State, int]:
        """How the followers of one signal fared: opens and closes by state."""
        query = select(_SENT.c.state, func.count()).where(_SENT.c.signal_id == signal_id, _SENT.c.leg.in_(_FOLLOWING))
        return {row[0]: row[1] for row in self._connection.execute(query.group_by(_SENT.c.state))}

    def total(self, viewer: User, table_name: str, filters: Mapping[str, Any]) -> int:
        """How many rows a list has in all (`?total=1`)."""
        table = {"bot_signals": _SIGNALS, "bot_signal_executions": _SENT}[table_name]
        seen = seen_signals(viewer) if table is _SIGNALS else seen_executions(viewer)
        return count(self._connection, table, *_fits(table, filters), *seen)


def _fits(table: Any, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [one for name, value in filters.items() for one in _fit(table, name, value)]


def _fit(table: Any, name: str, value: Any) -> list[ColumnElement[bool]]:
    match name:
        case "status" if table is _SENT:
            return [has_outcome(value)]
        case "symbol":
            # A terminal's executions stand at the place of a master's ticket on it.
            return [or_(table.c.symbol == value, table.c.symbol.startswith(place_of(value, ""), autoescape=True))]
        case "subscription_id":
            return of_subscriptions(lambda column: column == value)
        case _:
            return [table.c[name] == value]


def has_outcome(wanted: Outcome) -> ColumnElement[bool]:
    """domain.execution.outcome, as SQL: a price is there as soon as something was executed."""
    state = _SENT.c.state
    protects = _SENT.c.leg.not_in([LegKind.OPEN.value, LegKind.CLOSE.value, LegKind.MODIFY.value])
    success = or_(
        state == State.FILLED,
        and_(state == State.WORKING, protects),
        and_(state == State.CANCELLED, or_(and_(protects, _SENT.c.cancel_wanted), _SENT.c.executed_price.is_not(None))),
    )
    if wanted is Outcome.SUCCESS:
        return success
    if wanted is Outcome.SKIPPED:
        return state == State.SKIPPED
    if wanted is Outcome.FAILED:
        return and_(state.in_(FINAL - {State.SKIPPED}), not_(success))
    return and_(state.not_in(FINAL), not_(success))


def seen_signals(viewer: User) -> list[ColumnElement[bool]]:
    """Those that concerned the viewer, and those of their bots."""
    if viewer.role is Role.ADMIN:
        return []
    follows = tables.bot_subscriptions.c
    own = select(follows.id).where(follows.owner_id == viewer.id)
    concerned = exists().where(_SENT.c.signal_id == _SIGNALS.c.id, _SENT.c.subscription_id.in_(own))
    return [or_(concerned, _SIGNALS.c.bot_id.in_(own_bots(viewer.id)))]


def seen_executions(viewer: User) -> list[ColumnElement[bool]]:
    """A follower's own, a provider's of their bots."""
    if viewer.role is Role.ADMIN:
        return []
    if viewer.role is Role.FOLLOWER:
        return [of_owner(viewer.id)]
    return [or_(of_owner(viewer.id), _SENT.c.bot_id.in_(own_bots(viewer.id)))]
