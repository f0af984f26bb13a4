"""The desk: intake, fan-out, delivery and reconciling as one running thing."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog
from msgspec.structs import replace

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import Execution, State
from copydesk.domain.guards import Refusal
from copydesk.domain.ids import AccountId, SignalId, SubscriptionId
from copydesk.domain.planning import Follower
from copydesk.domain.signal import Signal
from copydesk.domain.subscription import Account
from copydesk.domain.venue import VenueName
from copydesk.engine import contracts, daily_loss, making
from copydesk.engine.daily_loss import DailyLoss
from copydesk.engine.delivery import Delivery, Dispatch
from copydesk.engine.fanout import Fanout
from copydesk.engine.intake import Intake
from copydesk.engine.journal import tell_fanout
from copydesk.engine.lease import Lease, Owner
from copydesk.engine.readiness import Readiness
from copydesk.engine.reconcile import Reconciler
from copydesk.engine.releasing import Releasing
from copydesk.engine.rush import Rush
from copydesk.engine.selfcheck import SelfCheck
from copydesk.engine.sessions import Sessions
from copydesk.engine.watching import Heard, Place, Watching
from copydesk.engine.wire import Wire
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction
from copydesk.ports.venue import Venue

log = structlog.get_logger()

LOOK_EVERY_S = 0.5
RELEASE_EVERY_S = 1.0
CLOCKS_EVERY_S = 60.0
WATCH_EVERY_S = 5.0
FAN_OUT_TRIES = 20

_WAITING = (State.QUEUED, State.BLOCKED)


_Duty = Callable[[], Coroutine[Any, Any, None]]

_Line = tuple[AccountId, str]
"""An account and symbol, where one thing happens after the other."""


class Desk:
    """Everything between an accepted signal and its last settled execution; `run` keeps it going."""

    def __init__(
        self,
        store: Store,
        venues: Mapping[VenueName, Venue],
        clock: Clock,
        *,
        owner: Owner,
        venue_timeout_s: float,
        ledger_check_every_s: float,
    ) -> None:
        self._clock = clock
        self._tasks: asyncio.TaskGroup | None = None
        self._duties, self._started, self._fanning = list[_Duty](), set[SignalId](), dict[str, asyncio.Lock]()
        self._under_way, self._waiting, self._ended = set[_Line](), set[_Line](), set[_Line]()
        self._lease = self._store = Lease(store, clock, owner)
        self.sessions = Sessions(self._store, venues, clock)
        self.intake = Intake(store, clock)
        self._wire = Wire(lambda name: venues[name].traits.at_once)
        self._rush = Rush(clock, lambda: bool(self._waiting))
        self._readiness = Readiness(self._store, self.sessions, clock)
        self._releasing = Releasing(
            self._store, self.sessions, clock, readiness=self._readiness, wire=self._wire, send=self._send
        )
        self.fanout = Fanout(
            self._store,
            self.sessions,
            clock,
            readiness=self._readiness,
            wire=self._wire,
            rush=self._rush,
            send=self._send,
            advance=self._advance,
            waits=self._wait,
        )
        self.delivery = Delivery(
            store=self._store,
            sessions=self.sessions,
            clock=clock,
            wire=self._wire,
            timeout_s=venue_timeout_s,
            rush=self._rush,
            start=self._spawn,
            on_key_refused=self._readiness.refuse_key,
            settled=self._settled,
            is_watched=self._is_watched,
        )
        self._reconciler = Reconciler(self._store, self.delivery, clock, spawn=self._spawn)
        self._watching = Watching(self._store, self.delivery, self._reconciler, clock, self._start, self._spawn)
        self._daily_loss = DailyLoss(self._store, self.sessions, clock)
        self.self_check = SelfCheck(self._store, self.sessions, self._reconciler, clock, ledger_check_every_s)

    async def run(self) -> None:
        """Until cancelled: stand by until the desk's work is ours, and again whenever another program has taken it over."""
        while True:
            await self._lease.take()
            try:
                await self._work()
            except* LeaseLost as lost:
                log.warning("the desk's work is another's now", why=str(lost.exceptions[0]))
            finally:
                self._forget()
                await self._lease.give_up()
            if (running := asyncio.current_task()) is not None and running.cancelling():
                # A task group that fails while it is being cancelled tells of its failure only (Python 3.11).
                raise asyncio.CancelledError

    async def _work(self) -> None:
        """What an earlier run left in SENDING is taken over first."""
        await self._take_over()
        async with asyncio.TaskGroup() as self._tasks:
            self.intake.arrived.set()
            self._tasks.create_task(self._fan_out_for_ever())
            self._tasks.create_task(self._repeat(self._reconciler.look, LOOK_EVERY_S))
            self._tasks.create_task(self._repeat(self._release_waiting, RELEASE_EVERY_S))
            self._tasks.create_task(self._repeat(self.sessions.sync_clocks, CLOCKS_EVERY_S))
            self._tasks.create_task(self._repeat(self._watching.look_after, WATCH_EVERY_S))
            self._tasks.create_task(self._repeat(self._daily_loss.look, daily_loss.LOOK_EVERY_S))
            self._tasks.create_task(self._repeat(self._watching.contracts.look, contracts.LOOK_EVERY_S))
            self._tasks.create_task(self.self_check.run())
            for duty in self._duties:
                self._tasks.create_task(self._repeat(duty, RELEASE_EVERY_S))
            # In the group's body, not beside it: its end is the group's, and no cancellation of the group's own making is left over.
            await self._lease.keep()

    def _forget(self) -> None:
        """What was known of work that is another's now."""
        self._tasks = None
        self._watching.stop()
        self.delivery.forget()
        self._reconciler.forget()
        self._wire.forget()
        for known in (self._started, self._under_way, self._waiting, self._ended):
            known.clear()

    def also(self, duty: _Duty) -> None:
        """One more thing to be kept going while the desk's work is ours."""
        self._duties.append(duty)

    @property
    def fenced(self) -> Store:
        """What is written through it is written by whose work the desk is, or not at all."""
        return self._lease

    @property
    def is_running(self) -> bool:
        return self._tasks is not None

    async def give_way(self, at_most_s: float) -> None:
        """Return once no signal goes out any more, or after that time: for what may wait."""
        await self._rush.give_way(at_most_s)

    def streams(self) -> Mapping[Place, Heard]:
        """How much the venues' own streams tell."""
        return self._watching.heard()

    async def _take_over(self) -> None:
        """Nothing is sent before the past is known; a database that is away is waited for."""
        while True:
            try:
                taken_over = await self._reconciler.take_over()
                break
            except StoreUnavailable as error:
                log.warning("waiting for the database", problem=str(error))
                await self._clock.sleep(RELEASE_EVERY_S)
        if taken_over:
            log.warning("unsettled after restart", executions=taken_over)

    def prepare(self, subscription_id: SubscriptionId) -> None:
        """Set a new subscription's account up ahead of its first signal."""
        self._spawn(self._prepare(subscription_id))

    async def account_session(self, account: Account) -> Any:
        """For the pre-flight check: the account logged in, its clock read."""
        await self.sessions.sync_clock(account)
        return await self.sessions.of(account)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether it was begun: a desk that stops begins nothing more."""
        task = self._start(self._safely(work))
        if task is None:
            work.close()
        else:
            # One that is cancelled before it began never got to it.
            task.add_done_callback(lambda _: work.close())
        return task is not None

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        if self._tasks is not None:
            try:
                return self._tasks.create_task(work)
            except RuntimeError:
                # The desk is stopping: what is written down is taken up at the next start.
                pass
        work.close()
        return None

    async def _safely(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LeaseLost:
            # The lease's own task ends the desk.
            log.info("work left to another")
        except Exception:  # one follower's or one round's work broke: the desk goes on, the rows are still there
            log.exception("work broke")

    async def _repeat(self, work: Any, every_s: float) -> None:
        while True:
            await self._safely(work())
            await self._clock.sleep(every_s)

    async def _fan_out_for_ever(self) -> None:
        while True:
            await self._safely(self._start_waiting())
            try:
                async with asyncio.timeout(RELEASE_EVERY_S):
                    await self.intake.arrived.wait()
            except TimeoutError:
                continue
            finally:
                self.intake.arrived.clear()

    async def _start_waiting(self) -> None:
        for signal in await self._store.read(lambda tables: tables.signals.waiting()):
            if signal.id not in self._started:
                self._started.add(signal.id)
                self._spawn(self._fan_out(signal))

    async def _fan_out(self, signal: Signal) -> None:
        """One after the other for one bot: a close must find the opening before it written down."""
        try:
            async with self._fanning.setdefault(signal.bot_id, asyncio.Lock()):
                await self._fan_out_stubbornly(signal)
            self._spawn(tell_fanout(self._store, self._clock, signal))
        finally:
            self._started.discard(signal.id)

    async def _fan_out_stubbornly(self, signal: Signal) -> None:
        """Tried again before the bot's next signal gets its turn: a close must not overtake its opening."""
        for _ in range(FAN_OUT_TRIES):
            try:
                await self.fanout.fan_out(signal)
                return
            except LeaseLost:
                raise
            except Exception:  # the boundary of one signal: what is recorded stays, the rest is tried again
                log.exception("fan-out broke", signal_id=signal.id)
                await self._clock.sleep(LOOK_EVERY_S)
        await self.fanout.fan_out(signal)

    def _send(self, dispatches: Sequence[Dispatch]) -> None:
        self.delivery.send(dispatches)

    def _is_watched(self, account_id: AccountId) -> bool:
        return self._watching.is_watched(account_id)

    def _settled(self, execution: Execution) -> None:
        self._watching.answered(execution)
        key = (execution.account_id, execution.symbol)
        if execution.is_final:
            self._ended.add(key)
            if key in self._waiting:
                self._advance(*key)

    def _wait(self, account_id: AccountId, symbol: str) -> None:
        """What it waits for may have ended between its commit and now."""
        key = (account_id, symbol)
        self._waiting.add(key)
        if key in self._ended:
            self._advance(*key)

    def _advance(self, account_id: AccountId, symbol: str) -> None:
        key = (account_id, symbol)
        if key not in self._under_way:
            self._under_way.add(key)
            self._spawn(self._release(key))

    async def _release(self, key: tuple[AccountId, str]) -> None:
        try:
            await self._releasing.release(*key)
        finally:
            self._under_way.discard(key)

    async def _release_waiting(self) -> None:
        """Also finds what an earlier run of the desk left waiting."""
        before = frozenset(self._waiting)
        self._ended.clear()
        found = await self._store.read(lambda tables: tables.executions.in_state(_WAITING))
        self._waiting -= before
        self._waiting |= {(one.account_id, one.symbol) for one in found if not one.is_protection}
        for execution in found:
            if execution.is_protection:
                await self._send_again(execution)
            else:
                self._advance(execution.account_id, execution.symbol)

    async def _send_again(self, stop: Execution) -> None:
        """A stop or target that was proved absent, while its position is still there."""

        def work(tables: Transaction) -> Dispatch | None:
            at = self._clock.now()
            account = tables.followers.account(stop.account_id)
            if account is None or tables.positions.get(stop.subscription_id, stop.symbol) is None:
                refusal = Refusal(reason="The position is closed by now", rule="no_position")
                tables.executions.move(stop, making.skipped(stop, refusal), at=at)
                return None
            freezer = self.sessions.freezer(tables, account, stop.symbol)
            sending = making.ready_to_send(replace(stop, reason=None), freezer)
            return Dispatch(tables.executions.move(stop, sending, at=at), account, stop.created_at)

        try:
            dispatch = await self._store.write(work)
        except StaleWrite:
            return
        if dispatch is not None:
            # It is frozen already: behind others it would grow stale.
            self._wire.take(dispatch.account.venue, 1)
            self._send([dispatch])

    async def _prepare(self, subscription_id: SubscriptionId) -> None:
        def work(tables: Transaction) -> tuple[Follower, Sequence[str]] | None:
            subscription = tables.followers.subscription(subscription_id)
            bot = None if subscription is None else tables.signals.lock_bot(subscription.bot_id)
            if bot is None:
                return None
            symbols = tables.signals.symbols_of_bot(bot.id)
            found = tables.followers.followers(bot, "", [subscription_id], self._clock.now())
            return (found[0], symbols) if found else None

        found = await self._store.read(work)
        if found is not None:
            await self._readiness.prepare(*found)
