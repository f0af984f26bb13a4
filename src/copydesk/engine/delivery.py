"""Send what is written down, once; record what is known afterwards."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from msgspec.structs import replace

from copydesk.domain.breaker import Breaker
from copydesk.domain.errors import (
    CredentialsRefused,
    LeaseLost,
    OrderRejected,
    OutcomeUnknown,
    RequestStale,
    StoreUnavailable,
    VenueUnavailable,
)
from copydesk.domain.execution import Execution
from copydesk.domain.guards import refuse_breaker
from copydesk.domain.ids import AccountId, ExecutionId, client_order_id
from copydesk.domain.life import (
    POLL_EVERY,
    Event,
    NeverSent,
    Refused,
    Rules,
    Shown,
    Unclear,
    attempts_never_sent,
    never_left,
)
from copydesk.domain.order import OrderRef
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import Account
from copydesk.engine.recording import Recorder
from copydesk.engine.rush import Rush
from copydesk.engine.sessions import Sessions
from copydesk.engine.settlement import Settled
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store
from copydesk.ports.venue import Begun, Session

log = structlog.get_logger()

SEND_WITHIN = timedelta(seconds=2.5)
"""From being written down to leaving. What did not leave by then does not leave at all: the venue would call it stale."""

BREAKERS_AGE_S = 0.25
BREAKERS_AGE_MAX = timedelta(seconds=0.5)
"""An opening that waited longer for its turn asks once more whether the breaker was pulled since it was written down."""

POLL_WATCHED_EVERY = timedelta(seconds=60)
"""A working order that the venue's stream tells of is asked about only in case the stream is deaf."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One execution in SENDING, with what its sending needs: whose account, and since when the signal is known."""

    execution: Execution
    account: Account
    signal_received_at: datetime


@dataclass(slots=True)
class Delivery:
    """Knows what is under way in this process, so that nobody mistakes it for abandoned."""

    store: Store
    sessions: Sessions
    clock: Clock
    wire: Wire
    timeout_s: float
    rush: Rush
    start: Callable[[Coroutine[Any, Any, None]], bool]
    on_key_refused: Callable[[AccountId, CredentialsRefused], Coroutine[Any, Any, None]]
    settled: Callable[[Execution], None]
    is_watched: Callable[[AccountId], bool]
    in_flight: dict[ExecutionId, AccountId] = field(default_factory=dict)
    _recorder: Recorder = field(init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _breakers: Sequence[Breaker] = ()
    _breakers_read_s: float = -math.inf

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.store, self.sessions, self.clock, self._rules, self.rush, self.start)

    def send(self, dispatches: Sequence[Dispatch]) -> None:
        """Each to its venue and back, in a place on the wire that was taken before: on its way when this returns, or, where
        that takes waiting, by a task of its own.
        """
        for one in dispatches:
            self.in_flight[one.execution.id] = one.account.id
            if self._begin(one):
                self.wire.give_back(one.account.venue, 1)
            elif not self.start(self._send(one)):
                # The desk is stopping, and this is taken up at the next start.
                self.in_flight.pop(one.execution.id, None)
                self.wire.give_back(one.account.venue, 1)

    def _begin(self, dispatch: Dispatch) -> bool:
        """Whether it is on its way, or certainly never will be."""
        session = self.sessions.known(dispatch.account)
        if session is None or self._age(dispatch) > BREAKERS_AGE_MAX:
            return False
        try:
            answered = session.begin(dispatch.execution.frozen())
        except Exception as error:  # noqa: BLE001  the boundary of one follower: the next ones' orders leave all the same
            self._hear(dispatch, self._told(dispatch, error))
            return True
        if answered is not None:
            answered.add_done_callback(lambda shown: self._answered(dispatch, shown))
        return answered is not None

    def _answered(self, dispatch: Dispatch, shown: Begun) -> None:
        if shown.cancelled():
            # The desk is stopping: the row stays SENDING, and whoever goes on asks about it.
            self.in_flight.pop(dispatch.execution.id, None)
            return
        error = shown.exception()
        if isinstance(error, CredentialsRefused):
            self.start(self.on_key_refused(dispatch.account.id, error))
        if error is None:
            self._hear(dispatch, Shown(report=shown.result(), execution_time_ms=self._elapsed_ms(dispatch)))
        else:
            self._hear(dispatch, self._told(dispatch, error))

    def _hear(self, dispatch: Dispatch, event: Event) -> None:
        """Stored beside others, sooner or later."""
        self._recorder.put(dispatch.execution, event, dispatch.account, partial(self._stored, dispatch))

    def _stored(self, dispatch: Dispatch, settled: Settled | None, failure: Exception | None) -> None:
        self.in_flight.pop(dispatch.execution.id, None)
        if failure is not None:
            _tell_unstored(dispatch.execution, failure)
        elif settled is not None:
            self._follow(settled, dispatch.account, dispatch.signal_received_at)

    def forget(self) -> None:
        """What was under way belongs to another program now; answers that still come are only told of."""
        self._recorder.give_up()
        self.in_flight.clear()

    async def _send(self, dispatch: Dispatch) -> None:
        """Never raises for what the venue does."""
        execution = dispatch.execution
        try:
            try:
                event = await self._place(dispatch)
            finally:
                self.wire.give_back(dispatch.account.venue, 1)
            await self.record(execution, event, dispatch.account, since=dispatch.signal_received_at)
        except StoreUnavailable as error:
            _tell_unstored(execution, error)
        finally:
            self.in_flight.pop(execution.id, None)

    async def record(
        self, execution: Execution, event: Event, account: Account, *, since: datetime | None = None
    ) -> Settled | None:
        """Store what an event makes of the execution as it is now, and set its consequences going.

        None where the event is about an earlier attempt, or somebody else was first.
        """
        settled = await self._recorder.record(execution, event, account)
        if settled is not None:
            self._follow(settled, account, since or settled.execution.created_at)
        return settled

    def _follow(self, settled: Settled, account: Account, known_since: datetime) -> None:
        self.wire.take(account.venue, len(settled.to_send))
        self.send([Dispatch(one, account, known_since) for one in settled.to_send])
        self.settled(settled.execution)

    async def cancel(self, execution: Execution, account: Account) -> None:
        """Ask the venue to cancel; what came of it is looked up, never assumed."""
        session = await self.sessions.of(account)
        async with asyncio.timeout(self.timeout_s):
            await session.cancel(order_ref(execution))

    def _rules(self, execution: Execution, account: Account) -> Rules:
        """Proved absent, a futures close or stop may be sent once more: it can only make a position smaller. A sale of
        coins may not, unless it is certain that it never left.
        """
        traits = self.sessions.venue(account).traits
        return Rules(
            repeatable=execution.kind is not LegKind.OPEN and (never_left(execution) or not traits.is_spot),
            askable=traits.finds_orders,
            patient=not traits.is_spot,
            # Of contracts the stream tells the end, and a wait for it is short anyway.
            poll_every=POLL_WATCHED_EVERY if self.is_watched(account.id) and not traits.is_contracts else POLL_EVERY,
        )

    async def _place(self, dispatch: Dispatch) -> Event:
        try:
            session = await self._ready(dispatch)
            async with asyncio.timeout(self.timeout_s):
                report = await session.place(dispatch.execution.frozen())
        except CredentialsRefused as error:
            await self.on_key_refused(dispatch.account.id, error)
            return self._told(dispatch, error)
        except Exception as error:  # noqa: BLE001  the boundary of one follower: what breaks here may have been sent
            return self._told(dispatch, error)
        return Shown(report=report, execution_time_ms=self._elapsed_ms(dispatch))

    def _told(self, dispatch: Dispatch, error: BaseException) -> Event:
        """What is known after an order was not shown."""
        elapsed_ms = self._elapsed_ms(dispatch)
        match error:
            case OrderRejected() | CredentialsRefused():
                return Refused(reason=error.text, code=error.code, execution_time_ms=elapsed_ms)
            case VenueUnavailable():
                if isinstance(error, RequestStale):
                    self.sessions.doubt_clock(dispatch.account)
                return NeverSent(reason=error.text, code=error.code, execution_time_ms=elapsed_ms)
            case OutcomeUnknown() | TimeoutError():
                return Unclear(reason=str(error) or "no answer in time", execution_time_ms=elapsed_ms)
            case _:
                log.error("sending broke", execution_id=dispatch.execution.id, exc_info=error)
                return Unclear(reason=f"sending broke: {type(error).__name__}", execution_time_ms=elapsed_ms)

    async def _ready(self, dispatch: Dispatch) -> Session:
        """Nothing has left yet, whatever goes wrong here."""
        try:
            session = await self.sessions.of(dispatch.account)
            await self._refuse_stale(dispatch)
        except StoreUnavailable as error:
            raise VenueUnavailable(f"Not sent: {error}") from error
        return session

    async def _refuse_stale(self, dispatch: Dispatch) -> None:
        """Raise VenueUnavailable where the desk was so busy, or was stopped, that this may no longer be wanted."""
        execution, account = dispatch.execution, dispatch.account
        if self._age(dispatch) > BREAKERS_AGE_MAX and execution.kind is LegKind.OPEN:
            refusal = refuse_breaker(await self._pulled(), account, execution.bot_id)
            if refusal is not None:
                raise VenueUnavailable(f"Not sent: {refusal.reason}")
        # Last: nothing is waited for between this and the wire.
        age = self._age(dispatch)
        if age > SEND_WITHIN:
            raise VenueUnavailable(f"Not sent: written down {age.total_seconds():.1f} s before it could leave")

    def _age(self, dispatch: Dispatch) -> timedelta:
        """Of its frozen request, by the venue's clock."""
        now = self.sessions.venue_time(dispatch.account) or self.clock.now()
        return now - (dispatch.execution.frozen_at or dispatch.execution.created_at)

    async def _pulled(self) -> Sequence[Breaker]:
        """The breakers as they were a moment ago: a whole fan-out that waits asks a few times, not once a follower."""
        async with self._asking:
            if self.clock.elapsed() - self._breakers_read_s > BREAKERS_AGE_S:
                asked_at_s = self.clock.elapsed()
                self._breakers = await self.store.read(lambda tables: tables.breakers.pulled())
                self._breakers_read_s = asked_at_s
            return self._breakers

    def _elapsed_ms(self, dispatch: Dispatch) -> int:
        return int((self.clock.now() - dispatch.signal_received_at).total_seconds() * 1000)


def _tell_unstored(execution: Execution, failure: Exception) -> None:
    """The row stays SENDING; the reconciler takes it up as UNKNOWN once the database is back."""
    if isinstance(failure, StoreUnavailable | LeaseLost):
        log.warning("result not stored", execution_id=execution.id, problem=str(failure))
    else:
        log.error("result not stored", execution_id=execution.id, exc_info=failure)


def earlier_refs(execution: Execution) -> Sequence[OrderRef]:
    """The attempts before the latest that may have left, though each was believed absent when the next was made."""
    latest = replace(order_ref(execution), exchange_order_id=None, placed_at=execution.created_at)
    earlier = [one for one in range(execution.attempt - 1, 0, -1) if one not in attempts_never_sent(execution)]
    return [replace(latest, client_order_id=client_order_id(execution.id, attempt)) for attempt in earlier]


def order_ref(execution: Execution) -> OrderRef:
    """How to ask the venue about the latest attempt of an execution."""
    return OrderRef(
        symbol=execution.symbol,
        client_order_id=execution.client_order_id or "",
        conditional=execution.trigger_price is not None,
        placed_at=execution.frozen_at or execution.created_at,
        exchange_order_id=execution.exchange_order_id,
        params=execution.request or {},
    )
