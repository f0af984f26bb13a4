"""What operators watch: how executions move, and what still waits. Read when somebody looks, never while orders go out."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import func, select

from copydesk.domain.execution import UNSETTLED, State
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import LegKind
from copydesk.domain.venue import VenueName
from copydesk.stores import tables
from copydesk.stores.rows import count
from copydesk.stores.unit import Part

_SENT = tables.bot_signal_executions
_EVENTS = tables.execution_events
_FOLLOWING = (LegKind.OPEN.value, LegKind.CLOSE.value)


class Move(Struct, frozen=True, kw_only=True):
    """One move of an execution; `follows` is False for stops and targets, which wait by nature."""

    number: int
    at: datetime
    state: State
    venue: VenueName
    follows: bool
    signal_id: SignalId
    received_at: datetime


class Figures(Part):
    """Over the journal and the indexes on what is not settled: nothing here reads the whole history."""

    def newest_move(self) -> int:
        return self._connection.execute(select(func.max(_EVENTS.c.number))).scalar_one() or 0

    def moves_after(self, number: int, most: int) -> Sequence[Move]:
        """Oldest first."""
        accounts, signals = tables.exchange_accounts.c, tables.bot_signals.c
        query = (
            select(_EVENTS.c.number, _EVENTS.c.at, _EVENTS.c.state, accounts.venue, _SENT.c.leg, _SENT.c.signal_id)
            .add_columns(signals.received_at)
            .join_from(_EVENTS, _SENT, _EVENTS.c.execution_id == _SENT.c.id)
            .join(tables.exchange_accounts, accounts.id == _SENT.c.account_id)
            .join(tables.bot_signals, signals.id == _SENT.c.signal_id)
            .where(_EVENTS.c.number > number)
            .order_by(_EVENTS.c.number)
            .limit(most)
        )
        return [
            Move(
                number=row.number,
                at=row.at,
                state=row.state,
                venue=row.venue,
                follows=row.leg in _FOLLOWING,
                signal_id=SignalId(row.signal_id),
                received_at=row.received_at,
            )
            for row in self._connection.execute(query)
        ]

    def open_signals(self, ids: Sequence[SignalId]) -> frozenset[SignalId]:
        """Those of them with an opening or a close that is not final."""
        query = select(_SENT.c.signal_id).where(
            _SENT.c.signal_id.in_(ids), _SENT.c.leg.in_(_FOLLOWING), _SENT.c.state.in_(UNSETTLED)
        )
        return frozenset(SignalId(one) for one in self._connection.execute(query.distinct()).scalars())

    def unsettled(self) -> Mapping[tuple[VenueName, State], int]:
        """How many executions stand in each state that is not final."""
        accounts = tables.exchange_accounts.c
        query = (
            select(accounts.venue, _SENT.c.state, func.count())
            .join_from(_SENT, tables.exchange_accounts, accounts.id == _SENT.c.account_id)
            .where(_SENT.c.state.in_(UNSETTLED))
            .group_by(accounts.venue, _SENT.c.state)
        )
        return {(row[0], row[1]): row[2] for row in self._connection.execute(query)}

    def waiting_signals(self) -> int:
        """Stored and not yet fanned out."""
        return count(self._connection, tables.bot_signals, tables.bot_signals.c.fanned_out_at.is_(None))
