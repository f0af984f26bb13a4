"""Send what is written down, once; record what is known afterwards."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from copydesk.domain.breaker import Breaker
from copydesk.domain.errors import (
    CredentialsRefused,
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
from copydesk.engine.sessions import Sessions
from copydesk.engine.settlement import Settled
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store
from copydesk.ports.venue import Session

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
    spawn: Callable[[Sequence[Dispatch]], None]
    on_key_refused: Callable[[AccountId, CredentialsRefused], Awaitable[None]]
    settled: Callable[[Execution], None]
    is_watched: Callable[[AccountId], bool]
    in_flight: set[ExecutionId] = field(default_factory=set)
    _recorder: Recorder = field(init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _breakers: Sequence[Breaker] = ()
    _breakers_read_s: float = -math.inf

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.store, self.sessions, self.clock, self._rules)

    async def send(self, dispatch: Dispatch) -> None:
        """To the venue and back, in a place on the wire that was taken before. Never raises for what the venue does."""
        execution = dispatch.execution
        self.in_flight.add(execution.id)
        try:
            event = await self._place(dispatch)
            await self.record(execution, event, dispatch.account, since=dispatch.signal_received_at)
        except StoreUnavailable as error:
            # The row stays SENDING; the reconciler takes it up as UNKNOWN once the database is back.
            log.warning("result not stored", execution_id=execution.id, problem=str(error))
        finally:
            self.in_flight.discard(execution.id)
            self.wire.give_back(dispatch.account.venue, 1)

    async def record(
        self, execution: Execution, event: Event, account: Account, *, since: datetime | None = None
    ) -> Settled | None:
        """Store what an event makes of the execution as it is now, and set its consequences going.

        None where the event is about an earlier attempt, or somebody else was first.
        """
        settled = await self._recorder.record(execution, event, account)
        if settled is None:
            return None
        known_since = since or settled.execution.created_at
        self.wire.take(account.venue, len(settled.to_send))
        self.spawn([Dispatch(one, account, known_since) for one in settled.to_send])
        self.settled(settled.execution)
        return settled

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
            poll_every=POLL_WATCHED_EVERY if self.is_watched(account.id) else POLL_EVERY,
        )

    async def _place(self, dispatch: Dispatch) -> Event:
        try:
            session = await self._ready(dispatch)
            async with asyncio.timeout(self.timeout_s):
                report = await session.place(dispatch.execution.frozen())
        except CredentialsRefused as error:
            await self.on_key_refused(dispatch.account.id, error)
            return Refused(reason=error.text, code=error.code, execution_time_ms=self._elapsed_ms(dispatch))
        except OrderRejected as error:
            return Refused(reason=error.text, code=error.code, execution_time_ms=self._elapsed_ms(dispatch))
        except VenueUnavailable as error:
            if isinstance(error, RequestStale):
                self.sessions.doubt_clock(dispatch.account)
            return NeverSent(reason=error.text, code=error.code, execution_time_ms=self._elapsed_ms(dispatch))
        except (OutcomeUnknown, TimeoutError) as error:
            return Unclear(reason=str(error) or "no answer in time", execution_time_ms=self._elapsed_ms(dispatch))
        except Exception as error:  # the boundary of one follower: what breaks here may have been sent
            log.exception("sending broke", execution_id=dispatch.execution.id)
            reason = f"sending broke: {type(error).__name__}"
            return Unclear(reason=reason, execution_time_ms=self._elapsed_ms(dispatch))
        return Shown(report=report, execution_time_ms=self._elapsed_ms(dispatch))

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
        return now - dispatch.execution.frozen().frozen_at

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
    )
