"""Executions and the journal of their moves; every move is a compare-and-set on the version."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, not_, or_, select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.errors import StaleWrite
from copydesk.domain.execution import FINAL, Execution, State, check_move
from copydesk.domain.ids import AccountId, ExecutionId, SignalId, SubscriptionId
from copydesk.domain.signal import LegKind
from copydesk.stores import tables
from copydesk.stores.rows import columns, dump, first, load

_TABLE = tables.bot_signal_executions
_COLUMNS = columns(_TABLE, Execution)

_COMPARE_AND_SET = _TABLE.update().where(
    _TABLE.c.id == bindparam("seen_id"),
    _TABLE.c.version == bindparam("seen_version"),
    _TABLE.c.state == bindparam("seen_state"),
)

_OPEN_QUESTIONS = (State.UNKNOWN, State.ABSENT, State.PARTIAL, State.REVIEW)
_AT_THE_VENUE = (State.SENDING, State.WORKING, *_OPEN_QUESTIONS)

DUE_MAX = 1_000
"""Rows one look takes; the next look takes the next."""


class Executions:
    """The ExecutionTable of ports/store.py."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._epoch: int | None = None

    def be_of(self, epoch: int) -> None:
        """The moves of this transaction are made in that epoch of the desk."""
        self._epoch = epoch

    def add(self, executions: Iterable[Execution], *, note: str | None = None) -> None:
        made = list(executions)
        if not made:
            return
        try:
            self._connection.execute(_TABLE.insert(), [dump(one) for one in made])
        except IntegrityError as error:
            raise StaleWrite("an execution of this signal, subscription and leg exists") from error
        self._journal(
            [{"execution_id": one.id, "at": one.created_at, "state": one.state, "note": note} for one in made]
        )

    def get(self, execution_id: ExecutionId) -> Execution | None:
        return first(self._connection, Execution, _TABLE, _TABLE.c.id == execution_id)

    def of_signal(self, signal_id: SignalId) -> Sequence[Execution]:
        return self._all(select(*_COLUMNS).where(_TABLE.c.signal_id == signal_id).order_by(_TABLE.c.id))

    def move(
        self, before: Execution, after: Execution, *, at: datetime, evidence: Mapping[str, object] | None = None
    ) -> Execution:
        if before.state is not after.state:
            check_move(before.state, after.state)
        moved = replace(after, version=before.version + 1, updated_at=at)
        written, previous = dump(moved), dump(before)
        changes = {name: value for name, value in written.items() if value != previous[name]}
        seen = {"seen_id": before.id, "seen_version": before.version, "seen_state": before.state}
        result = self._connection.execute(_COMPARE_AND_SET, {**changes, **seen})
        if result.rowcount != 1:
            raise StaleWrite(f"execution {before.id} was moved by somebody else")
        if before.state is not after.state or before.executed_quantity != after.executed_quantity:
            event = {"execution_id": moved.id, "at": at, "state": moved.state, "note": moved.reason}
            self._journal([{**event, "evidence": evidence}])
        return moved

    def _journal(self, events: Sequence[Mapping[str, object]]) -> None:
        usual = {"evidence": None, "epoch": self._epoch}
        self._connection.execute(tables.execution_events.insert(), [{**usual, **one} for one in events])

    def in_state(self, states: Iterable[State], *, due: datetime | None = None) -> Sequence[Execution]:
        query = select(*_COLUMNS).where(_TABLE.c.state.in_(list(states)))
        if due is not None:
            query = query.where(or_(_TABLE.c.next_look_at.is_(None), _TABLE.c.next_look_at <= due))
        return self._all(query.order_by(_TABLE.c.next_look_at.asc().nulls_first(), _TABLE.c.id).limit(DUE_MAX))

    def to_settle(self, due: datetime) -> Sequence[Execution]:
        to_cancel = and_(_TABLE.c.state == State.WORKING, _TABLE.c.cancel_wanted)
        once_more = and_(_TABLE.c.state.in_(FINAL), _TABLE.c.next_look_at.is_not(None))
        which = or_(_TABLE.c.state.in_(_OPEN_QUESTIONS), to_cancel, once_more)
        return self._all(self._due(select(*_COLUMNS).where(which), due).limit(DUE_MAX))

    def on_account(self, account_id: AccountId) -> Sequence[Execution]:
        query = select(*_COLUMNS).where(_TABLE.c.account_id == account_id, _TABLE.c.state.in_(_AT_THE_VENUE))
        return self._all(query.order_by(_TABLE.c.id))

    def of_client_order(self, client_order_id: str) -> Execution | None:
        return first(self._connection, Execution, _TABLE, _TABLE.c.client_order_id == client_order_id)

    def to_poll(self, due: datetime, most: int) -> Sequence[Execution]:
        calm = and_(_TABLE.c.state == State.WORKING, not_(_TABLE.c.cancel_wanted))
        return self._all(self._due(select(*_COLUMNS).where(calm), due).limit(most))

    def _due(self, query: Select[Any], due: datetime) -> Select[Any]:
        looked_at = _TABLE.c.next_look_at
        query = query.where(or_(looked_at.is_(None), looked_at <= due))
        return query.order_by(looked_at.asc().nulls_first(), _TABLE.c.id)

    def order_ids(self, account_id: AccountId, symbol: str) -> Collection[str]:
        query = select(_TABLE.c.exchange_order_id).where(
            _TABLE.c.account_id == account_id,
            _TABLE.c.symbol == symbol,
            _TABLE.c.exchange_order_id.is_not(None),
        )
        return frozenset(self._connection.execute(query).scalars())

    def unsettled(self, accounts: Collection[AccountId], symbol: str) -> Sequence[Execution]:
        query = select(*_COLUMNS).where(
            _TABLE.c.account_id.in_(sorted(accounts)),
            _TABLE.c.symbol == symbol,
            _TABLE.c.state.not_in(FINAL),
            _TABLE.c.leg.in_([LegKind.OPEN.value, LegKind.CLOSE.value]),
        )
        return self._all(query.order_by(_TABLE.c.id))

    def protections(self, subscription_id: SubscriptionId, symbol: str) -> Sequence[Execution]:
        query = select(*_COLUMNS).where(
            _TABLE.c.subscription_id == subscription_id,
            _TABLE.c.symbol == symbol,
            _TABLE.c.state.not_in(FINAL),
            _TABLE.c.leg.not_in([LegKind.OPEN.value, LegKind.CLOSE.value]),
        )
        return self._all(query.order_by(_TABLE.c.id))

    def _all(self, query: Select[Any]) -> list[Execution]:
        return [load(Execution, row) for row in self._connection.execute(query)]
