"""Executions and the journal of their moves; every move is a compare-and-set on the version."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Select, and_, bindparam, not_, or_, select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.errors import StaleWrite
from copydesk.domain.execution import FINAL, UNSETTLED, Execution, State, check_move
from copydesk.domain.ids import AccountId, ExecutionId, SignalId, SubscriptionId, execution_of
from copydesk.domain.signal import LegKind
from copydesk.stores import tables
from copydesk.stores.intents import take_all, write_down
from copydesk.stores.rows import among, columns, dump, load_all, one_of, one_or_none
from copydesk.stores.statements import execute_all, insert_all, read_all
from copydesk.stores.unit import Part, Unit
from copydesk.stores.whose import of_subscriptions

_TABLE = tables.bot_signal_executions
_COLUMNS = columns(_TABLE, Execution)

_INSERT, _INSERT_EVENT = _TABLE.insert(), tables.execution_events.insert()
_COMPARE_AND_SET = _TABLE.update().where(
    _TABLE.c.id == bindparam("seen_id"),
    _TABLE.c.version == bindparam("seen_version"),
    _TABLE.c.state == bindparam("seen_state"),
)

_OPEN_QUESTIONS = (State.UNKNOWN, State.ABSENT, State.PARTIAL, State.REVIEW)
_AT_THE_VENUE = (State.SENDING, State.WORKING, *_OPEN_QUESTIONS)

_ALL = select(*_COLUMNS).order_by(_TABLE.c.id)
_IS_UNSETTLED = one_of(_TABLE.c.state, UNSETTLED)
"""Those it may be, not those it may not: only that finds them by the index, however long the history is."""
_PROTECTS = not_(one_of(_TABLE.c.leg, (LegKind.OPEN, LegKind.CLOSE, LegKind.MODIFY)))

_BY_ID = select(*_COLUMNS).where(_TABLE.c.id == bindparam("id"))
_BY_CLIENT_ORDER = _BY_ID.where(_TABLE.c.client_order_id == bindparam("client_order_id"))
_LOCKED = select(_TABLE.c.id, _TABLE.c.version).where(among(_TABLE.c.id, "ids")).order_by(_TABLE.c.id).with_for_update()
_THESE = _ALL.where(among(_TABLE.c.id, "ids"))
_PROTECTING = _ALL.where(
    among(_TABLE.c.account_id, "accounts"), among(_TABLE.c.subscription_id, "ids"), _IS_UNSETTLED, _PROTECTS
).with_for_update()
_STANDING = _ALL.where(
    *of_subscriptions(lambda column: among(column, "ids")),
    _TABLE.c.symbol == bindparam("symbol"),
    _IS_UNSETTLED,
    _PROTECTS,
)
_UNSETTLED = _ALL.where(
    among(_TABLE.c.account_id, "accounts"), _TABLE.c.symbol == bindparam("symbol"), _IS_UNSETTLED, not_(_PROTECTS)
)
_ON_ACCOUNTS = _ALL.where(among(_TABLE.c.account_id, "accounts"), one_of(_TABLE.c.state, _AT_THE_VENUE))
_ON_ITS_WAY = (
    select(_TABLE.c.id).where(_TABLE.c.signal_id == bindparam("signal_id"), _IS_UNSETTLED, not_(_PROTECTS)).limit(1)
)
_LEGS = select(_TABLE.c.subscription_id, _TABLE.c.leg).where(
    _TABLE.c.signal_id == bindparam("signal_id"), among(_TABLE.c.subscription_id, "ids")
)

_FILLED_SINCE = _ALL.where(
    _TABLE.c.account_id == bindparam("account_id"),
    _TABLE.c.frozen_at >= bindparam("since"),
    _TABLE.c.state == State.FILLED,
)

DUE_MAX = 1_000
"""Rows one look takes; the next look takes the next."""


class Executions(Part):
    """The ExecutionTable of ports/execution_table.py."""

    def __init__(self, unit: Unit, *, intends: bool = False) -> None:
        super().__init__(unit)
        self._intends = intends
        self._epoch: int | None = None
        self._ahead: dict[ExecutionId, Execution] = {}
        self._standing: dict[SubscriptionId, list[ExecutionId]] = {}
        self.has_intended = False
        self._intended: list[Execution] = []
        self._added: list[Execution] = []
        self._stored: dict[ExecutionId, Execution] = {}
        self._events: list[Mapping[str, object]] = []
        self._legs: dict[tuple[SignalId, SubscriptionId], set[str]] = {}

    def be_of(self, epoch: int) -> None:
        """The moves of this transaction are made in that epoch of the desk."""
        self._epoch = epoch

    def add(self, executions: Iterable[Execution], *, note: str | None = None) -> None:
        made = list(executions)
        for one in made:
            self._legs.get((one.signal_id, one.subscription_id), set()).add(one.leg)
            if one.is_protection and one.subscription_id in self._standing:
                self._ahead[one.id] = one
                self._standing[one.subscription_id].append(one.id)
        if self._intends:
            self._intended += made
            self.has_intended = True
            self._unit.put_off(self._flush)
        else:
            self._put_in(made, self._epoch, note)

    def file_intents(self) -> None:
        """Each execution that was only intended gets the row and the line in the journal that it would have had."""
        for epoch, executions in take_all(self._connection):
            self._put_in(executions, epoch)

    def _put_in(self, made: Sequence[Execution], epoch: int | None, note: str | None = None) -> None:
        self._added += made
        told = {"note": note, "epoch": epoch}
        self._journal([{"execution_id": one.id, "at": one.created_at, "state": one.state, **told} for one in made])

    def get(self, execution_id: ExecutionId) -> Execution | None:
        known = self._ahead.get(execution_id)
        return known or one_or_none(self._connection, Execution, _BY_ID, id=execution_id)

    def read_ahead(self, executions: Collection[Execution]) -> Sequence[Execution]:
        known = {one.id: one for one in executions}
        versions = self._connection.execute(_LOCKED, {"ids": list(known)}).all()
        found = [known[one.id] for one in versions if one.version == known[one.id].version]
        moved = {one.id for one in versions} - {one.id for one in found}
        found += self._all(_THESE, ids=list(moved)) if moved else []
        self._standing = {one.subscription_id: [] for one in found}
        accounts = list({one.account_id for one in found})
        protections = self._all(_PROTECTING, accounts=accounts, ids=list(self._standing))
        for one in protections:
            self._standing[one.subscription_id].append(one.id)
        self._ahead |= {one.id: one for one in (*found, *protections)}
        for signal_id in {one.signal_id for one in found}:
            whose = {one.subscription_id for one in found if one.signal_id == signal_id}
            self._legs |= {(signal_id, one): set() for one in whose}
            for row in self._connection.execute(_LEGS, {"signal_id": signal_id, "ids": whose}).all():
                self._legs[signal_id, row.subscription_id].add(row.leg)
        return found

    def of_signal(self, signal_id: SignalId) -> Sequence[Execution]:
        return self._all(select(*_COLUMNS).where(_TABLE.c.signal_id == signal_id).order_by(_TABLE.c.id))

    def is_settled(self, signal_id: SignalId) -> bool:
        return self._connection.execute(_ON_ITS_WAY, {"signal_id": signal_id}).first() is None

    def move(
        self, before: Execution, after: Execution, *, at: datetime, evidence: Mapping[str, object] | None = None
    ) -> Execution:
        if before.state is not after.state:
            check_move(before.state, after.state)
        moved = replace(after, version=before.version + 1, updated_at=at)
        if before.id in self._ahead:
            self._put_off(before, moved)
        elif not _store_moves(self._connection, [(before, moved)]):
            raise StaleWrite(f"execution {before.id} was moved by somebody else")
        if before.state is not after.state or before.executed_quantity != after.executed_quantity:
            event = {"execution_id": moved.id, "at": at, "state": moved.state, "note": moved.reason}
            self._journal([{**event, "evidence": evidence}])
        return moved

    def _put_off(self, before: Execution, moved: Execution) -> None:
        """The row is locked: whether it was moved meanwhile is known without asking again."""
        known = self._ahead[before.id]
        if (known.version, known.state) != (before.version, before.state):
            raise StaleWrite(f"execution {before.id} was moved by somebody else")
        self._stored.setdefault(before.id, known)
        self._ahead[before.id] = moved
        self._unit.put_off(self._flush)

    def _journal(self, events: Sequence[Mapping[str, object]]) -> None:
        usual = {"evidence": None, "epoch": self._epoch}
        self._events += [{**usual, **one} for one in events]
        self._unit.put_off(self._flush)

    def _flush(self, connection: Connection) -> None:
        intended, self._intended = self._intended, []
        if intended and not write_down(connection, intended, self._epoch):
            self._put_in(intended, self._epoch)
        added, self._added = self._added, []
        if added:
            try:
                insert_all(connection, _INSERT, added)
            except IntegrityError as error:
                raise StaleWrite("an execution of this signal, subscription and leg exists") from error
        stored, self._stored = self._stored, {}
        if not _store_moves(connection, [(before, self._ahead[key]) for key, before in stored.items()]):
            raise StaleWrite("executions were moved by somebody else")
        events, self._events = self._events, []
        if events:
            execute_all(connection, _INSERT_EVENT, events)

    def in_state(self, states: Iterable[State], *, unmoved_since: datetime | None = None) -> Sequence[Execution]:
        query = select(*_COLUMNS).where(_TABLE.c.state.in_(list(states)))
        if unmoved_since is not None:
            query = query.where(_TABLE.c.updated_at <= unmoved_since)
        return self._all(query.order_by(_TABLE.c.next_look_at.asc().nulls_first(), _TABLE.c.id).limit(DUE_MAX))

    def to_settle(self, due: datetime) -> Sequence[Execution]:
        to_cancel = and_(_TABLE.c.state == State.WORKING, _TABLE.c.cancel_wanted)
        once_more = and_(_TABLE.c.state.in_(FINAL), _TABLE.c.next_look_at.is_not(None))
        which = or_(_TABLE.c.state.in_(_OPEN_QUESTIONS), to_cancel, once_more)
        return self._all(self._due(select(*_COLUMNS).where(which), due).limit(DUE_MAX))

    def on_accounts(self, accounts: Collection[AccountId]) -> Sequence[Execution]:
        return self._all(_ON_ACCOUNTS, accounts=accounts)

    def of_client_order(self, client_order_id: str) -> Execution | None:
        names = {"id": execution_of(client_order_id), "client_order_id": client_order_id}
        return one_or_none(self._connection, Execution, _BY_CLIENT_ORDER, **names)

    def to_poll(self, due: datetime, most: int) -> Sequence[Execution]:
        calm = and_(_TABLE.c.state == State.WORKING, not_(_TABLE.c.cancel_wanted))
        return self._all(self._due(select(*_COLUMNS).where(calm), due).limit(most))

    def _due(self, query: Select[Any], due: datetime) -> Select[Any]:
        looked_at = _TABLE.c.next_look_at
        query = query.where(or_(looked_at.is_(None), looked_at <= due))
        return query.order_by(looked_at.asc().nulls_first(), _TABLE.c.id)

    def legs(
        self, signal_id: SignalId, subscriptions: Collection[SubscriptionId]
    ) -> Collection[tuple[SubscriptionId, str]]:
        if all((signal_id, one) in self._legs for one in subscriptions):
            return {(one, leg) for one in subscriptions for leg in self._legs[signal_id, one]}
        rows = read_all(self._connection, _LEGS, signal_id=signal_id, ids=subscriptions)
        return {(SubscriptionId(subscription_id), leg) for subscription_id, leg in rows}

    def order_ids(self, account_id: AccountId, symbol: str) -> Collection[str]:
        query = select(_TABLE.c.exchange_order_id).where(
            _TABLE.c.account_id == account_id,
            _TABLE.c.symbol == symbol,
            _TABLE.c.exchange_order_id.is_not(None),
        )
        return frozenset(self._connection.execute(query).scalars())

    def unclosed_openings(self, account_id: AccountId, since: datetime) -> Sequence[Execution]:
        filled = self._all(_FILLED_SINCE, account_id=account_id, since=since)
        closed = {one.exchange_order_id for one in filled if one.kind is LegKind.CLOSE}
        return [one for one in filled if one.kind is LegKind.OPEN and one.exchange_order_id not in closed]

    def unsettled(self, accounts: Collection[AccountId], symbol: str) -> Sequence[Execution]:
        return self._all(_UNSETTLED, accounts=sorted(accounts), symbol=symbol)

    def protections(self, subscription_id: SubscriptionId, symbol: str) -> Sequence[Execution]:
        if subscription_id in self._standing:
            known = (self._ahead[key] for key in self._standing[subscription_id])
            return [one for one in known if one.symbol == symbol and not one.is_final]
        return self._all(_STANDING, ids=[subscription_id], symbol=symbol)

    def _all(self, query: Select[Any], **named: object) -> list[Execution]:
        return load_all(Execution, self._connection.execute(query, named).all())


def _store_moves(connection: Connection, moves: Sequence[tuple[Execution, Execution]]) -> bool:
    """Each as a compare-and-set; those that change the same columns in one statement. Whether all were as they were seen."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for before, after in moves:
        written, previous = dump(after), dump(before)
        changes = {name: value for name, value in written.items() if value != previous[name]}
        seen = {"seen_id": before.id, "seen_version": before.version, "seen_state": before.state}
        alike.setdefault(tuple(changes), []).append({**changes, **seen})
    return all(execute_all(connection, _COMPARE_AND_SET, rows) in {len(rows), -1} for rows in alike.values())
