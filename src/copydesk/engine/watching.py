"""The venues' own streams as a source of truth: what they tell is recorded at once, and after every gap all is asked."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import structlog

from copydesk.domain.errors import LeaseLost, StoreUnavailable, VenueError
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import CLIENT_ORDER_PREFIX, AccountId, ExecutionId, execution_of
from copydesk.domain.life import Shown
from copydesk.domain.order import OrderReport, OrderStatus
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.venue import VenueName
from copydesk.engine.contracts import Contracts
from copydesk.engine.delivery import Delivery
from copydesk.engine.reconcile import Reconciler
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store
from copydesk.ports.venue import ContractEnded, ContractsHeld, OrderNews, StreamOpened

log = structlog.get_logger()

ACCOUNTS_A_STREAM = 25
"""Accounts that share a connection: few enough that their keys fit into an address and one cut leaves little to be asked."""

ORDERS_FIRST_S = 5.0
"""While a signal goes out no stream is opened, for so long; the desk asks about what stands there meanwhile."""

AGAIN_FIRST_S = 1.0
AGAIN_MAX_S = 30.0

Place = tuple[VenueName, Environment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How many accounts a venue's streams tell of, and how many they should tell of."""

    told: int
    accounts: int

    @property
    def is_whole(self) -> bool:
        return self.told >= self.accounts


@dataclass(slots=True, eq=False)
class _Stream:
    """One connection: whose orders it should tell of, and whose it does."""

    accounts: dict[AccountId, Account]
    task: asyncio.Task[None] | None = None
    heard: frozenset[AccountId] = frozenset()


@dataclass(slots=True)
class Watching:
    """`start` runs a stream's task in the desk's own group; each starts again by itself, later and later. `spawn` runs what is
    short, and may fail.
    """

    store: Store
    delivery: Delivery
    reconciler: Reconciler
    clock: Clock
    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None] | None]
    spawn: Callable[[Coroutine[Any, Any, None]], object]
    contracts: Contracts = field(init=False)
    _streams: dict[Place, list[_Stream]] = field(default_factory=dict)
    _early: dict[ExecutionId, OrderNews] = field(default_factory=dict)
    _sent_before: set[ExecutionId] = field(default_factory=set)
    _watched: set[AccountId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.contracts = Contracts(self.store, self.delivery.sessions, self.clock, self.reconciler.look_soon)

    def is_watched(self, account_id: AccountId) -> bool:
        return account_id in self._watched

    async def look_after(self) -> None:
        """Accounts come, change and go: the streams follow."""
        wanted: dict[Place, dict[AccountId, Account]] = {}
        for account in await self.store.read(lambda tables: tables.followers.trading()):
            if self.delivery.sessions.venue(account).traits.tells_news:
                wanted.setdefault((account.venue, account.environment), {})[account.id] = account
        for place in {*wanted, *self._streams}:
            self._arrange(self._streams.setdefault(place, []), wanted.get(place, {}))

    def heard(self) -> Mapping[Place, Heard]:
        """Of each venue with a stream: whether it tells of all accounts that it should tell of."""
        return {
            place: Heard(
                told=sum(len(one.heard) for one in streams), accounts=sum(len(one.accounts) for one in streams)
            )
            for place, streams in self._streams.items()
        }

    def stop(self) -> None:
        """Forget them all; their tasks end with the desk's group."""
        self._streams.clear()
        self._watched.clear()
        self._early.clear()
        self._sent_before.clear()

    def answered(self, execution: Execution) -> None:
        """A send has ended: what the stream told meanwhile counts if the answer did not tell, or told less. Where the stream was
        opened meanwhile, it may have missed what came between the two.
        """
        early, is_older = self._early.pop(execution.id, None), execution.id in self._sent_before
        self._sent_before.discard(execution.id)
        if execution.is_final:
            return
        if early is not None:
            self.spawn(self._take_early(early))
        elif is_older:
            self.reconciler.look_soon(execution)

    async def _take_early(self, news: OrderNews) -> None:
        account = await self.store.read(lambda tables: tables.followers.account(news.account_id))
        if account is not None:
            await self._take(account, news)

    def _arrange(self, streams: list[_Stream], wanted: Mapping[AccountId, Account]) -> None:
        """Those who are gone (or have another key) leave; who is new joins the stream with room, which then starts anew."""
        new = dict(wanted)
        changed: list[_Stream] = []
        for stream in streams:
            kept = {key: one for key, one in stream.accounts.items() if wanted.get(key) == one}
            if len(kept) < len(stream.accounts):
                changed.append(stream)
            stream.accounts = kept
            new = {key: one for key, one in new.items() if key not in kept}
        for key, account in new.items():
            room = next((one for one in streams if len(one.accounts) < ACCOUNTS_A_STREAM), None)
            if room is None:
                room = _Stream(accounts={})
                streams.append(room)
            room.accounts[key] = account
            if room not in changed:
                changed.append(room)
        for stream in changed:
            if stream.task is not None:
                stream.task.cancel()
            self._hear(stream, frozenset())
            stream.task = self.start(self._listen_for_ever(stream)) if stream.accounts else None
        streams[:] = [stream for stream in streams if stream.accounts]

    async def _listen_for_ever(self, stream: _Stream) -> None:
        again_s = AGAIN_FIRST_S
        while True:
            try:
                await self._listen(stream)
            except VenueError as error:
                log.info("stream ended", accounts=len(stream.accounts), problem=error.text)
            except StoreUnavailable as error:
                log.warning("stream ended", problem=str(error))
            except LeaseLost:
                return
            except Exception:  # the boundary of one connection: without it the desk asks more often, and goes on
                log.exception("stream broke")
            if stream.heard:
                again_s = AGAIN_FIRST_S
            self._hear(stream, frozenset())
            await self.clock.sleep(again_s)
            again_s = min(2 * again_s, AGAIN_MAX_S)

    async def _listen(self, stream: _Stream) -> None:
        """One connection to its end."""
        # A hub that has just started may have a signal in its hands: hundreds of connections would come before its orders.
        await self.delivery.rush.give_way(ORDERS_FIRST_S)
        accounts = list(stream.accounts.values())
        await self.delivery.sessions.open(stream.accounts)
        sessions = {one.id: await self.delivery.sessions.of(one) for one in accounts}
        async with aclosing(self.delivery.sessions.venue(accounts[0]).listen(sessions)) as told:
            async for news in told:
                match news:
                    case StreamOpened():
                        self._hear(stream, news.accounts)
                        under_way = self.delivery.in_flight.items()
                        self._sent_before |= {one for one, account_id in under_way if account_id in stream.accounts}
                        await self.reconciler.look_at_accounts([one.id for one in accounts])
                    case OrderNews():
                        await self._take(stream.accounts[news.account_id], news)
                    case ContractEnded():
                        await self.contracts.ended(news)
                    case ContractsHeld():
                        await self.contracts.compare(news)

    def _hear(self, stream: _Stream, accounts: frozenset[AccountId]) -> None:
        self._watched -= stream.heard
        self._watched |= accounts
        stream.heard = accounts

    async def _take(self, account: Account, news: OrderNews) -> None:
        """What is new is recorded; what cannot be read, or is about something that has ended, is asked about."""
        if not news.client_order_id.startswith(CLIENT_ORDER_PREFIX):
            log.warning("forced order", account_id=account.id, client_order_id=news.client_order_id)
            await self.reconciler.look_at_accounts([account.id])
            return
        execution_id = execution_of(news.client_order_id)
        if execution_id in self.delivery.in_flight:
            # The answer to its send tells the same, a moment later or before; where it is lost, this is remembered.
            self._early[execution_id] = news
            return
        found = await self.store.read(lambda tables: tables.executions.of_client_order(news.client_order_id))
        if found is None or found.account_id != account.id or found.state is State.FILLED:
            return
        if news.report is not None and _is_known(found, news.report):
            return
        if news.report is not None and not found.is_final and _tells_enough(found, news.report):
            await self.delivery.record(found, Shown(report=news.report), account)
        elif found.state is not State.SENDING:
            self.reconciler.look_soon(found)


def _tells_enough(execution: Execution, report: OrderReport) -> bool:
    """A market order is told as working before it is filled: that is nothing to act on."""
    return execution.is_protection or report.status is not OrderStatus.WORKING


def _is_known(execution: Execution, report: OrderReport) -> bool:
    """Nothing new: streams repeat themselves, and the answer to the send is often quicker."""
    same = execution.state.value.lower() == report.status.value
    return same and execution.executed_quantity >= report.executed_quantity
