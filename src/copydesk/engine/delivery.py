"""Send what is written down, once; record what is known afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from copydesk.domain.errors import (
    CredentialsRefused,
    OrderRejected,
    OutcomeUnknown,
    StaleWrite,
    StoreUnavailable,
    VenueUnavailable,
)
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId, ExecutionId
from copydesk.domain.order import OrderRef
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import Account
from copydesk.engine.sessions import Sessions
from copydesk.engine.settlement import NEVER_SENT, Answer, Settled, settle
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()


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
    in_flight: set[ExecutionId] = field(default_factory=set)

    async def send(self, dispatch: Dispatch) -> None:
        """To the venue and back, in a place on the wire that was taken before. Never raises for what the venue does."""
        execution = dispatch.execution
        self.in_flight.add(execution.id)
        try:
            answer = await self._place(dispatch)
            await self.record(execution, answer, dispatch.account, since=dispatch.signal_received_at)
        except StoreUnavailable as error:
            # The row stays SENDING; the reconciler takes it up as UNKNOWN once the database is back.
            log.warning("result not stored", execution_id=execution.id, problem=str(error))
        finally:
            self.in_flight.discard(execution.id)
            self.wire.give_back(dispatch.account.venue, 1)

    async def record(
        self, execution: Execution, answer: Answer, account: Account, *, since: datetime | None = None
    ) -> Settled | None:
        """Store an outcome and set its consequences going; None where somebody else was first."""

        def work(tables: Transaction) -> Settled:
            # A wish to cancel may have been noted while the request was under way: its answer still counts.
            now = tables.executions.get(execution.id)
            same = now is not None and (now.state, now.attempt) == (execution.state, execution.attempt)
            found = now if now is not None and same else execution
            return settle(tables, found, answer, lambda: self.sessions.freezer(tables, account, found.symbol))

        try:
            settled = await self.store.write(work)
        except StaleWrite:
            return None
        known_since = since or settled.execution.created_at
        self.wire.take(account.venue, len(settled.to_send))
        self.spawn([Dispatch(one, account, known_since) for one in settled.to_send])
        self.settled(settled.execution)
        return settled

    def is_repeatable(self, execution: Execution, account: Account) -> bool:
        """Proved absent, a futures close or stop may be sent once more: it can only make a position smaller. A sale of
        coins may not, unless it is certain that it never left.
        """
        if execution.kind is LegKind.OPEN:
            return False
        never_sent = execution.plan.get(NEVER_SENT) == execution.attempt
        return never_sent or not self.sessions.venue(account).traits.is_spot

    async def cancel(self, execution: Execution, account: Account) -> None:
        """Ask the venue to cancel; what came of it is looked up, never assumed."""
        session = await self.sessions.of(account)
        async with asyncio.timeout(self.timeout_s):
            await session.cancel(order_ref(execution))

    async def _place(self, dispatch: Dispatch) -> Answer:
        try:
            session = await self.sessions.of(dispatch.account)
            async with asyncio.timeout(self.timeout_s):
                report = await session.place(dispatch.execution.frozen())
        except CredentialsRefused as error:
            await self.on_key_refused(dispatch.account.id, error)
            return self._answer(dispatch, state=State.REJECTED, reason=error.text, code=error.code)
        except OrderRejected as error:
            return self._answer(dispatch, state=State.REJECTED, reason=error.text, code=error.code)
        except VenueUnavailable as error:
            return self._not_sent(dispatch, error)
        except (OutcomeUnknown, TimeoutError) as error:
            return self._answer(dispatch, state=State.UNKNOWN, reason=str(error) or "no answer in time")
        except Exception as error:  # the boundary of one follower: what breaks here may have been sent
            log.exception("sending broke", execution_id=dispatch.execution.id)
            return self._answer(dispatch, state=State.UNKNOWN, reason=f"sending broke: {type(error).__name__}")
        return Answer(at=self.clock.now(), report=report, execution_time_ms=self._elapsed_ms(dispatch))

    def _not_sent(self, dispatch: Dispatch, error: VenueUnavailable) -> Answer:
        """Certainly not placed. An opening ends here; a close goes on until the venue can be asked, and is sent once more."""
        can_be_asked = self.sessions.venue(dispatch.account).traits.finds_orders
        if dispatch.execution.kind is LegKind.OPEN or not can_be_asked:
            return self._answer(dispatch, state=State.REJECTED, reason=error.text, code=error.code)
        answer = self._answer(dispatch, state=State.UNKNOWN, reason=error.text, code=error.code)
        return replace(answer, settle_at=answer.at, never_sent=True)

    def _answer(self, dispatch: Dispatch, *, state: State, reason: str, code: int | str | None = None) -> Answer:
        evidence = {"reason": reason} if code is None else {"reason": reason, "code": code}
        return Answer(
            at=self.clock.now(),
            state=state,
            reason=reason,
            execution_time_ms=self._elapsed_ms(dispatch),
            evidence=evidence,
        )

    def _elapsed_ms(self, dispatch: Dispatch) -> int:
        return int((self.clock.now() - dispatch.signal_received_at).total_seconds() * 1000)


def order_ref(execution: Execution) -> OrderRef:
    """How to ask the venue about an execution that has been sent, or may have been."""
    return OrderRef(
        symbol=execution.symbol,
        client_order_id=execution.client_order_id or "",
        conditional=execution.trigger_price is not None,
        placed_at=execution.frozen_at or execution.created_at,
        exchange_order_id=execution.exchange_order_id,
    )
