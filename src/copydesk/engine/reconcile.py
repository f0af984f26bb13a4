"""Ask the venue what really happened: every UNKNOWN until it is known, every working order until it is done."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from msgspec.structs import replace

from copydesk.domain.errors import StaleWrite, StoreUnavailable, VenueError, VenueUnavailable
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId, ExecutionId
from copydesk.domain.life import LOOK_AGAIN, Action, Compared, Event, NotFound, NotTold, Shown, Unclear
from copydesk.domain.order import OrderReport, OrderStatus, together
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.venue import VenueName
from copydesk.engine import unprotected
from copydesk.engine.delivery import Delivery, earlier_refs, order_ref
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction
from copydesk.ports.venue import Session

log = structlog.get_logger()

LOOKS_AT_ONCE = 20
"""Lookups under way at one time, so that reconciling leaves the address's weight budget to orders."""

POLLS_A_LOOK = 5
"""Working orders looked at each half second, longest not seen first; each costs one unit of weight of 20 there are."""

START = datetime.min.replace(tzinfo=UTC)

_UNCONFIRMED = (State.UNKNOWN, State.ABSENT, State.QUEUED, State.REVIEW)

ABANDONED_AFTER_S = 5.0
"""A SENDING row older than the venue's time limit plus this, that nobody here is sending, lost its sender."""


class Reconciler:
    """Its looks are reads: they may be repeated, and a failed one is no evidence. What they mean is domain/life.py's."""

    def __init__(
        self, store: Store, delivery: Delivery, clock: Clock, *, spawn: Callable[[Coroutine[Any, Any, None]], bool]
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._spawn = spawn
        self._limits: dict[tuple[VenueName, Environment], asyncio.Semaphore] = {}
        self._looking: set[ExecutionId] = set()
        self._once_more: set[ExecutionId] = set()
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
                self.look_soon(execution)

    def look_soon(self, execution: Execution) -> None:
        """Something happened to it: ask now, and once more where an answer that is under way may be older than that."""
        if execution.state is State.FILLED:
            return
        if execution.id in self._looking:
            self._once_more.add(execution.id)
            return
        self._looking.add(execution.id)
        if not self._spawn(self._look_safely(execution)):
            self._looking.discard(execution.id)

    def forget(self) -> None:
        """The desk has stopped: a look that was cancelled before it began has not said that it ended."""
        self._looking.clear()
        self._once_more.clear()

    async def look_at_accounts(self, accounts: Collection[AccountId]) -> None:
        """Something about them may have been missed: everything of theirs that stands at the venue, or may, is asked about."""
        for execution in await self._store.read(lambda tables: tables.executions.on_accounts(accounts)):
            if execution.state is not State.SENDING:
                self.look_soon(execution)

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
            await self._look_at(execution.id)
        except (StaleWrite, StoreUnavailable) as error:
            # Whoever wished for this look may not wish again: it is not forgotten.
            log.info("look left for later", execution_id=execution.id, why=str(error))
            self._once_more.add(execution.id)
            await self._clock.sleep(LOOK_AGAIN.total_seconds())
        except Exception:  # the boundary of one execution: the others must still be settled
            log.exception("reconciling broke", execution_id=execution.id)
            with contextlib.suppress(StaleWrite, StoreUnavailable):
                await self._later(execution, self._clock.now() + LOOK_AGAIN)
        finally:
            self._looking.discard(execution.id)
        if execution.id in self._once_more:
            self._once_more.discard(execution.id)
            self.look_soon(execution)

    async def _look_at(self, execution_id: ExecutionId) -> None:
        execution, account = await self._store.read(lambda tables: _read(tables, execution_id))
        if execution is None or account is None or execution.state is State.FILLED:
            return
        place = (account.venue, account.environment)
        quiet_until = self._quiet_until.get(place, START)
        if self._clock.now() < quiet_until:
            if execution.next_look_at is None or execution.next_look_at > quiet_until:
                await self._later(execution, quiet_until)
            return
        async with self._limits.setdefault(place, asyncio.Semaphore(LOOKS_AT_ONCE)):
            event = await self._ask(execution, account)
        settled = await self._delivery.record(execution, event, account)
        if settled is not None and Action.COMPARE_TRADES in settled.actions:
            await self._delivery.record(settled.execution, await self._compare(settled.execution, account), account)

    async def _ask(self, execution: Execution, account: Account) -> Event:
        if execution.client_order_id is None:
            return NotTold(reason="it was never given an id at the venue")
        try:
            if execution.cancel_wanted:
                await self._delivery.cancel(execution, account)
            session = await self._delivery.sessions.of(account)
            others = await self._others(execution, account)
            async with asyncio.timeout(self._delivery.timeout_s):
                await self._delivery.sessions.sync_clock(account)
                # Read before asking: the answer is at least as young.
                venue_time = self._delivery.sessions.venue_time(account)
                report = await _look_up(session, execution, others)
        except VenueError as error:
            return self._not_told(account, error)
        except TimeoutError:
            return NotTold(reason="the venue did not answer in time")
        return NotFound(venue_time=venue_time) if report is None else Shown(report=report)

    async def _others(self, execution: Execution, account: Account) -> frozenset[str]:
        """Which orders are ours already, where one is found by what it is."""
        if not self._delivery.sessions.venue(account).traits.is_contracts:
            return frozenset()
        ours = await self._store.read(lambda tables: tables.executions.order_ids(account.id, execution.symbol))
        return frozenset(ours) - {execution.exchange_order_id}

    def _not_told(self, account: Account, error: VenueError) -> NotTold:
        if not isinstance(error, VenueUnavailable) or not error.retry_after_s:
            return NotTold(reason=error.text)
        # The address is throttled, not the order: asking on for others would end in a ban.
        wait = timedelta(seconds=error.retry_after_s)
        self._quiet_until[account.venue, account.environment] = self._clock.now() + wait
        return NotTold(reason=error.text, wait=wait)

    async def _compare(self, execution: Execution, account: Account) -> Event:
        """Fills since the send, on the same side, that no order of ours explains."""
        since = (execution.frozen_at or execution.created_at) - LOOK_AGAIN
        try:
            session = await self._delivery.sessions.of(account)
            async with asyncio.timeout(self._delivery.timeout_s):
                trades = await session.trades_since(execution.symbol, since)
        except VenueError as error:
            return self._not_told(account, error)
        except TimeoutError:
            return NotTold(reason="the venue did not list its trades in time")
        ours, standing = await self._store.read(
            lambda tables: (
                tables.executions.order_ids(execution.account_id, execution.symbol),
                tables.executions.on_accounts([execution.account_id]),
            ),
        )
        strange = [one for one in trades if one.side is execution.side and one.exchange_order_id not in ours]
        others = [one for one in standing if _could_have_traded(one, execution)]
        if strange and others:
            for one in others:
                self.look_soon(one)
            return NotTold(reason="trades that may be those of other orders of ours")
        return Compared(
            strangers=tuple(f"{one.side} {one.quantity} (order {one.exchange_order_id})" for one in strange)
        )

    async def _later(self, execution: Execution, due: datetime) -> None:
        now = self._clock.now()
        after = replace(execution, next_look_at=due)
        await self._store.write(lambda tables: tables.executions.move(execution, after, at=now))

    async def _take_up_abandoned(self, now: datetime) -> None:
        since = now - timedelta(seconds=self._delivery.timeout_s + ABANDONED_AFTER_S)
        for execution in await self._store.read(
            lambda tables: tables.executions.in_state([State.SENDING], unmoved_since=since)
        ):
            if execution.id not in self._delivery.in_flight:
                await self._abandon(execution, "Its result was lost")

    async def _abandon(self, execution: Execution, reason: str) -> None:
        account = await self._store.read(lambda tables: tables.followers.account(execution.account_id))
        if account is not None:
            await self._delivery.record(execution, Unclear(reason=reason), account)


def _read(tables: Transaction, execution_id: ExecutionId) -> tuple[Execution | None, Account | None]:
    execution = tables.executions.get(execution_id)
    return execution, None if execution is None else tables.followers.account(execution.account_id)


async def _look_up(session: Session, execution: Execution, others: frozenset[str]) -> OrderReport | None:
    """What the venue shows of it: all attempts together, where an earlier one was executed after all. One that stands is
    taken back.
    """
    latest = await session.look_up(replace(order_ref(execution), others=others))
    if execution.state in {State.WORKING, State.PARTIAL}:
        return latest
    for ref in earlier_refs(execution):
        shown = await session.look_up(ref)
        if shown is not None and shown.status in {OrderStatus.WORKING, OrderStatus.PARTIAL}:
            log.warning("an earlier attempt stands", execution_id=execution.id, client_order_id=ref.client_order_id)
            await session.cancel(ref)
        if shown is not None and shown.executed_quantity > 0:
            latest = shown if latest is None else together(latest, shown)
    return latest


def _could_have_traded(one: Execution, execution: Execution) -> bool:
    """Another order of ours on the same side of the symbol, of which the venue may know more than we do."""
    same = (one.symbol, one.side) == (execution.symbol, execution.side)
    return same and one.id != execution.id and one.state is not State.REVIEW
