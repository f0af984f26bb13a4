"""What had to wait goes on: in order, as far as nothing unsettled stands before it on its account and symbol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from copydesk.domain.bot import as_signalled
from copydesk.domain.errors import CopydeskError, StaleWrite
from copydesk.domain.execution import FINAL, Execution, State
from copydesk.domain.following import follow
from copydesk.domain.ids import AccountId, SignalId
from copydesk.domain.planning import Follower
from copydesk.domain.signal import LegKind, Signal, Size
from copydesk.engine import protection
from copydesk.engine.deciding import Deciding, Market, in_line, is_prepared, plans_for
from copydesk.engine.delivery import Dispatch
from copydesk.engine.readiness import Readiness
from copydesk.engine.sessions import Sessions
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Preparation, Store, Transaction
from copydesk.ports.venue import Traits

UNKNOWN_VENUE = Traits(markets=frozenset(), credentials=())
"""Of an account that is gone."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What was found out for the signal that is next to leave; another signal's executions wait for their own turn."""

    market: Market
    signal_id: SignalId
    sizes: Mapping[AccountId, Size]
    problem: str | None


class Releasing:
    """`send` gets what is committed as SENDING."""

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        clock: Clock,
        *,
        readiness: Readiness,
        wire: Wire,
        send: Callable[[Sequence[Dispatch]], None],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._readiness = readiness
        self._wire = wire
        self._send = send

    async def release(self, account_id: AccountId, symbol: str) -> None:
        """Go on with what waits on an account and symbol, as far as nothing unsettled stands before it."""
        head = await self._store.read(
            lambda tables: _head(tables, self._line(tables, account_id, symbol), self._clock.now())
        )
        if head is None:
            return
        follower, signal, made, opens = head
        problem = None
        is_terminal = self._sessions.venue(follower.account).traits.is_terminal
        if opens and not is_terminal and not is_prepared(made, follower):
            problem = await self._readiness.set_up(follower, symbol)
        market = await self._readiness.market(follower.account, symbol)
        sizes = await self._readiness.sizes(signal, [follower])
        ready, venue = _Ready(market, signal.id, sizes, problem), follower.account.venue
        to_send: list[Dispatch] = []
        await self._wire.reserve(venue, 1)
        try:
            to_send = await self._store.write(
                lambda tables: self._release(tables, account_id, symbol, ready),
            )
        except StaleWrite:
            return
        finally:
            self._wire.give_back(venue, 1 - len(to_send))
        self._send(to_send)

    def _release(self, tables: Transaction, account_id: AccountId, symbol: str, ready: _Ready) -> list[Dispatch]:
        at = self._clock.now()
        to_send: list[Dispatch] = []
        fresh, given_up = _still_fresh(tables, self._line(tables, account_id, symbol), at)
        for ended in given_up:
            to_send += self._protect_again(tables, ended, at)
        for execution in fresh:
            if execution.state not in {State.BLOCKED, State.QUEUED} or execution.signal_id != ready.signal_id:
                break
            released = self._release_one(tables, execution, ready, at)
            if released.state is State.SENDING:
                to_send.append(_dispatch(tables, released))
            if released.state not in FINAL:
                break
            to_send += self._protect_again(tables, released, at)
        return to_send

    def _line(self, tables: Transaction, account_id: AccountId, symbol: str) -> Sequence[Execution]:
        account = tables.followers.account(account_id)
        traits = UNKNOWN_VENUE if account is None else self._sessions.venue(account).traits
        return in_line(tables.executions.unsettled([account_id], symbol), traits)

    def _protect_again(self, tables: Transaction, ended: Execution, at: datetime) -> list[Dispatch]:
        """A close that ends unsent gives back the stops that were taken away for it."""
        if not protection.freed_by(ended):
            return []
        account = tables.followers.account(ended.account_id)
        if account is None:
            raise CopydeskError(f"execution {ended.id} has lost its account")
        freezer = self._sessions.freezer(tables, account, ended.symbol)
        return [
            _dispatch(tables, one) for one in protection.protect_again(tables, ended, at=at, freezer=lambda: freezer)
        ]

    def _release_one(self, tables: Transaction, execution: Execution, ready: _Ready, at: datetime) -> Execution:
        signal = tables.signals.get(execution.signal_id)
        if signal is None:
            raise CopydeskError(f"execution {execution.id} has lost its signal")
        follower = _follower(tables, execution, at, signal)
        if execution.state is State.BLOCKED:
            queued = replace(execution, state=State.QUEUED, reason=None)
            execution = tables.executions.move(execution, queued, at=at)
        made = tables.followers.preparation(execution.account_id, execution.symbol)
        traits = self._sessions.venue(follower.account).traits
        needs_set_up = execution.kind is LegKind.OPEN and not traits.is_terminal and ready.problem is None
        if needs_set_up and not is_prepared(made, follower):
            return execution
        deciding = Deciding(
            tables=tables,
            signal=follow(signal) if traits.is_terminal else signal,
            market=ready.market,
            sessions=self._sessions,
            at=at,
            plans=plans_for(traits, signal, ready.market.quote),
            sizes=ready.sizes,
            set_up_problem=ready.problem,
        )
        after = deciding.decide(execution, follower)
        return execution if after == execution else tables.executions.move(execution, after, at=at)


def _dispatch(tables: Transaction, execution: Execution) -> Dispatch:
    account, signal = tables.followers.account(execution.account_id), tables.signals.get(execution.signal_id)
    if account is None or signal is None:
        raise CopydeskError(f"execution {execution.id} has lost its account or signal")
    return Dispatch(execution, account, signal.received_at)


def _still_fresh(
    tables: Transaction, unsettled: Sequence[Execution], at: datetime
) -> tuple[list[Execution], list[Execution]]:
    """What may still be sent; and what has waited too long and is given up, whatever it waits behind."""
    late = [one for one in unsettled if one.state in {State.BLOCKED, State.QUEUED} and at > one.expires_at]
    given_up = [_give_up(tables, one, at) for one in late]
    return [one for one in unsettled if one not in late], given_up


def _give_up(tables: Transaction, execution: Execution, at: datetime) -> Execution:
    """Too late: an opening expires, and so do stops that should be moved; a close is handed to a person."""
    if execution.kind in {LegKind.OPEN, LegKind.MODIFY}:
        reason = f"Not sent within its freshness budget: {execution.reason or 'it had to wait'}"
        return tables.executions.move(execution, replace(execution, state=State.EXPIRED, reason=reason), at=at)
    if execution.state is State.BLOCKED:
        execution = tables.executions.move(execution, replace(execution, state=State.QUEUED), at=at)
    reason = "The close could not be sent in time: please look at this position"
    return tables.executions.move(execution, replace(execution, state=State.REVIEW, reason=reason), at=at)


def _follower(tables: Transaction, execution: Execution, at: datetime, signal: Signal | None = None) -> Follower:
    bot = tables.signals.lock_bot(execution.bot_id)
    if bot is None:
        raise CopydeskError(f"execution {execution.id} has lost its bot")
    bot = bot if signal is None else as_signalled(bot, signal)
    return tables.followers.followers(bot, execution.symbol, [execution.subscription_id], at)[0]


def _head(
    tables: Transaction, waiting: Sequence[Execution], at: datetime
) -> tuple[Follower, Signal, Preparation | None, bool] | None:
    """The follower and signal whose execution is next to leave, how the account is set up, and whether it opens."""
    held_up = [one for one in waiting if one.state in {State.BLOCKED, State.QUEUED}]
    if not held_up or (held_up[0] is not waiting[0] and all(at <= one.expires_at for one in held_up)):
        return None
    follower = _follower(tables, waiting[0], at)
    opens = held_up[0] is waiting[0] and waiting[0].kind is LegKind.OPEN
    signal = tables.signals.get(held_up[0].signal_id)
    if signal is None:
        raise CopydeskError(f"execution {held_up[0].id} has lost its signal")
    made = tables.followers.preparation(held_up[0].account_id, held_up[0].symbol)
    return follower, signal, made, opens
