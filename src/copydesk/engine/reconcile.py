"""Ask the venue what really happened: every UNKNOWN until it is known, every working order until it is done."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from copydesk.domain.errors import StaleWrite, StoreUnavailable, VenueError, VenueUnavailable
from copydesk.domain.execution import ATTEMPTS_MAX, Execution, State
from copydesk.domain.ids import ExecutionId
from copydesk.domain.order import OrderReport, OrderStatus
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.venue import VenueName
from copydesk.engine import unprotected
from copydesk.engine.delivery import Delivery, order_ref
from copydesk.engine.settlement import Answer
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction
from copydesk.ports.venue import VenueTrade

log = structlog.get_logger()

LOOK_AGAIN = timedelta(seconds=1)
"""Between looks at an UNKNOWN before its settle time, and after a look that failed."""

LOOKS_APART = timedelta(milliseconds=500)
"""Between the lookups whose "not found" counts as evidence."""

ABSENT_NEEDED = 2

REVIEW_AFTER = timedelta(minutes=15)
"""An UNKNOWN that the venue cannot clear up for so long needs a person."""

LOOK_AT_REVIEW = timedelta(seconds=30)
"""What waits for a person is still asked about: the venue may show it after all."""

LOOKS_AT_ONCE = 20
"""Lookups under way at one time, so that reconciling leaves the address's weight budget to orders."""

POLLS_A_LOOK = 5
"""Working orders looked at each half second, longest not seen first; each costs one unit of weight of 20 there are."""

POLL_EVERY = timedelta(seconds=2)
"""The soonest that a working order is looked at again; with many of them each waits for its turn."""

LOOKS_UNTIL_LOST = 20
"""Looks a second apart after which a working order that the venue does not find counts as unknown."""

START = datetime.min.replace(tzinfo=UTC)

_UNCONFIRMED = (State.UNKNOWN, State.ABSENT, State.QUEUED, State.REVIEW)

ABANDONED_AFTER_S = 5.0
"""A SENDING row older than the venue's time limit plus this, that nobody here is sending, lost its sender."""


class Reconciler:
    """Its looks are reads: they may be repeated, and a failed one is no evidence."""

    def __init__(
        self, store: Store, delivery: Delivery, clock: Clock, *, spawn: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._spawn = spawn
        self._limits: dict[tuple[VenueName, Environment], asyncio.Semaphore] = {}
        self._looking: set[ExecutionId] = set()
        self._quiet_until: dict[tuple[VenueName, Environment], datetime] = {}

    async def take_over(self) -> int:
        """At start: nobody knows what became of what was being sent. How many there were."""
        found = await self._store.read(lambda tables: tables.executions.in_state([State.SENDING]))
        for execution in found:
            await self._abandon(execution, "The desk was restarted")
        return len(found)

    async def look(self) -> None:
        """One round over everything that is due. It waits for none of its looks: an account that hangs holds up nobody."""
        now = self._clock.now()
        await self._take_up_abandoned(now)
        await self._watch_stops(now)
        due = await self._store.read(
            lambda tables: [*tables.executions.to_settle(now), *tables.executions.to_poll(now, POLLS_A_LOOK)],
        )
        for execution in due:
            if execution.id not in self._looking:
                self._looking.add(execution.id)
                self._spawn(self._look_safely(execution))

    async def _watch_stops(self, now: datetime) -> None:
        """A stop may not be asked about for a while (the venue wished so); its position is not left alone meanwhile."""
        waiting = await self._store.read(lambda tables: tables.executions.in_state(_UNCONFIRMED))
        missing = [one for one in waiting if unprotected.is_missing(one, now)]
        if missing:

            def work(tables: Transaction) -> None:
                for stop in missing:
                    unprotected.handle_missing(tables, stop, now)

            await self._store.write(work)

    async def _look_safely(self, execution: Execution) -> None:
        try:
            await self._look_at(execution)
        except (StaleWrite, StoreUnavailable) as error:
            log.info("look left for later", execution_id=execution.id, why=str(error))
        except Exception:  # the boundary of one execution: the others must still be settled
            log.exception("reconciling broke", execution_id=execution.id)
            with contextlib.suppress(StaleWrite, StoreUnavailable):
                await self._later(execution, LOOK_AGAIN)
        finally:
            self._looking.discard(execution.id)

    async def _look_at(self, execution: Execution) -> None:
        account = await self._store.read(lambda tables: tables.followers.account(execution.account_id))
        if account is None or self._clock.now() < self._quiet_until.get((account.venue, account.environment), START):
            return
        if execution.state is State.ABSENT:
            await self._conclude_absent(execution, account)
            return
        if execution.client_order_id is None:
            await self._later(execution, LOOK_AT_REVIEW)
            return
        place = (account.venue, account.environment)
        async with self._limits.setdefault(place, asyncio.Semaphore(LOOKS_AT_ONCE)):
            report = await self._ask(execution, account)
        if isinstance(report, VenueError):
            await self._not_told(execution, account, report)
        elif report is not None:
            await self._shown(execution, account, report)
        elif execution.state is State.UNKNOWN:
            await self._not_found(execution, account)
        elif execution.state is State.REVIEW:
            await self._later(execution, LOOK_AT_REVIEW)
        else:
            await self._lost_sight(execution, account)

    async def _ask(self, execution: Execution, account: Account) -> OrderReport | VenueError | None:
        try:
            if execution.cancel_wanted:
                await self._delivery.cancel(execution, account)
            session = await self._delivery.sessions.of(account)
            async with asyncio.timeout(self._delivery.timeout_s):
                return await session.look_up(order_ref(execution))
        except VenueError as error:
            return error
        except TimeoutError:
            return VenueError("the venue did not answer in time")

    async def _shown(self, execution: Execution, account: Account, report: OrderReport) -> None:
        unchanged = report.status is OrderStatus.WORKING and execution.state is State.WORKING
        if unchanged and not execution.cancel_wanted:
            await self._later(replace(execution, absent_seen=0), POLL_EVERY, before=execution)
            return
        if execution.state in {State.UNKNOWN, State.REVIEW} or execution.is_protection:
            log.info("settled", execution_id=execution.id, leg=execution.leg, shown=report.status)
        await self._delivery.record(execution, Answer(at=self._clock.now(), report=report), account)

    async def _lost_sight(self, execution: Execution, account: Account) -> None:
        """It stood there before. For a while that may be the venue's lag; then nobody knows what protects the position."""
        seen = execution.absent_seen + 1
        if seen < LOOKS_UNTIL_LOST:
            later = self._clock.now() + LOOK_AGAIN
            await self._save(replace(execution, absent_seen=seen, next_look_at=later), execution)
            return
        log.warning("lost sight of an order", execution_id=execution.id, leg=execution.leg)
        await self._save(replace(execution, absent_seen=0), execution)
        reason = "The venue does not find this order any more"
        await self._delivery.record(
            execution, Answer(at=self._clock.now(), state=State.UNKNOWN, reason=reason), account
        )

    async def _not_told(self, execution: Execution, account: Account, error: VenueError) -> None:
        since = execution.frozen_at or execution.created_at
        if execution.state is State.UNKNOWN and self._clock.now() - since > REVIEW_AFTER:
            await self._to_review(execution, account, f"The venue could not tell for 15 minutes: {error.text}")
            return
        wait = LOOK_AGAIN
        if isinstance(error, VenueUnavailable) and error.retry_after_s:
            # The address is throttled, not the order: asking on for others would end in a ban.
            wait = timedelta(seconds=error.retry_after_s)
            self._quiet_until[account.venue, account.environment] = self._clock.now() + wait
        await self._later(execution, wait)

    async def _not_found(self, execution: Execution, account: Account) -> None:
        """Only from the settle time on does "not found" count, and only twice, and only with the trades agreeing."""
        now = self._clock.now()
        if execution.settle_at is not None and now < execution.settle_at:
            await self._later(execution, min(LOOK_AGAIN, execution.settle_at - now))
            return
        seen = execution.absent_seen + 1
        if seen < ABSENT_NEEDED:
            await self._save(replace(execution, absent_seen=seen, next_look_at=now + LOOKS_APART), execution)
            return
        strangers = await self._stray_trades(execution, account)
        if strangers is None:
            await self._later(execution, LOOK_AGAIN)
        elif strangers:
            traded = ", ".join(
                f"{trade.side} {trade.quantity} (order {trade.exchange_order_id})" for trade in strangers
            )
            reason = f"The order is not found, but the account traded meanwhile: {traded}"
            await self._to_review(execution, account, reason)
        else:
            evidence = {"lookups": seen, "trades": "none that are not ours"}
            answer = Answer(at=now, state=State.ABSENT, reason=execution.reason, evidence=evidence)
            settled = await self._delivery.record(execution, answer, account)
            if settled is not None:
                await self._conclude_absent(settled.execution, account)

    async def _stray_trades(self, execution: Execution, account: Account) -> Sequence[VenueTrade] | None:
        """Fills since the send, on the same side, that no order of ours explains; None where the venue does not tell."""
        since = (execution.frozen_at or execution.created_at) - LOOK_AGAIN
        try:
            session = await self._delivery.sessions.of(account)
            async with asyncio.timeout(self._delivery.timeout_s):
                trades = await session.trades_since(execution.symbol, since)
        except (VenueError, TimeoutError):
            return None
        ours = await self._store.read(
            lambda tables: tables.executions.order_ids(execution.account_id, execution.symbol),
        )
        return [trade for trade in trades if trade.side is execution.side and trade.exchange_order_id not in ours]

    async def _conclude_absent(self, execution: Execution, account: Account) -> None:
        """It was never placed. What can only make a position smaller may be sent once more, while it is fresh."""
        now = self._clock.now()
        repeatable = self._delivery.is_repeatable(execution, account)
        again = repeatable and execution.attempt < ATTEMPTS_MAX and now < execution.expires_at
        if not again:
            reason = f"Not placed: {execution.reason or 'the venue does not know it'}"
            answer = Answer(at=now, state=State.NOT_PLACED, reason=reason)
            await self._delivery.record(execution, answer, account)
            return
        await self._save(
            replace(
                execution,
                state=State.QUEUED,
                attempt=execution.attempt + 1,
                reason="Proved absent: sent once more",
                next_look_at=None,
            ),
            execution,
        )

    async def _to_review(self, execution: Execution, account: Account, reason: str) -> None:
        log.error("needs a person", execution_id=execution.id, account_id=account.id, reason=reason)
        await self._delivery.record(execution, Answer(at=self._clock.now(), state=State.REVIEW, reason=reason), account)

    async def _later(self, execution: Execution, wait: timedelta, *, before: Execution | None = None) -> None:
        await self._save(replace(execution, next_look_at=self._clock.now() + wait), before or execution)

    async def _save(self, after: Execution, before: Execution) -> None:
        now = self._clock.now()
        await self._store.write(lambda tables: tables.executions.move(before, after, at=now))

    async def _take_up_abandoned(self, now: datetime) -> None:
        limit = timedelta(seconds=self._delivery.timeout_s + ABANDONED_AFTER_S)
        sending = await self._store.read(lambda tables: tables.executions.in_state([State.SENDING]))
        for execution in sending:
            if execution.id in self._delivery.in_flight or now - execution.updated_at < limit:
                continue
            await self._abandon(execution, "Its result was lost")

    async def _abandon(self, execution: Execution, reason: str) -> None:
        unknown = replace(execution, state=State.UNKNOWN, reason=reason, next_look_at=self._clock.now())
        await self._save(unknown, execution)
