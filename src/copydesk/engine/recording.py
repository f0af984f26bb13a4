"""Store what events make of executions: those that come while a transaction is under way share the next one."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId
from copydesk.domain.life import Event, Rules, Shown
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import Account
from copydesk.engine import protection
from copydesk.engine.rush import GIVES_WAY_S, Rush
from copydesk.engine.sessions import Sessions
from copydesk.engine.settlement import Settled, settle
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()

Told = Callable[[Settled | None, Exception | None], object]
"""What came of an event: None where it is about an earlier attempt, or somebody was first; or why it could not be stored."""

_STOPPING = "the desk is stopping"

AT_ONCE = 250
"""Events that share a transaction at most."""

AT_ONCE_IN_A_RUSH = 60
"""And while a signal goes out: its next followers wait for this transaction."""


@dataclass(slots=True, eq=False)
class _Entry:
    """An event about an execution, since when it waits (by the clock's `elapsed`), and who is told what came of it."""

    execution: Execution
    event: Event
    account: Account
    since_s: float
    end: Told
    is_told: bool = False

    def tell(self, settled: Settled | None, failure: Exception | None) -> None:
        """Once, whatever happens afterwards."""
        if not self.is_told:
            self.is_told = True
            self.end(settled, failure)


@dataclass(slots=True)
class Recorder:
    """Whoever has something to record waits for its turn, and then stores everything that waits beside it."""

    store: Store
    sessions: Sessions
    clock: Clock
    rules: Callable[[Execution, Account], Rules]
    rush: Rush
    start: Callable[[Coroutine[Any, Any, None]], bool]
    _waiting: deque[_Entry] = field(default_factory=deque)
    _paperwork: deque[_Entry] = field(default_factory=deque)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_storing: bool = False

    async def record(self, execution: Execution, event: Event, account: Account) -> Settled | None:
        """Raise what storing raises."""
        ended: list[tuple[Settled | None, Exception | None]] = []
        self._line_up(_Entry(execution, event, account, self.clock.elapsed(), lambda *told: ended.append(told)))
        async with self._turn:
            while not ended:
                await self._store_some()
        settled, failure = ended[0]
        if failure is not None:
            raise failure
        return settled

    def put(self, execution: Execution, event: Event, account: Account, end: Told) -> None:
        """As `record`, for whoever does not wait: `end` is told once, sooner or later, and what it does then is its own affair."""
        loop = asyncio.get_running_loop()
        self._line_up(_Entry(execution, event, account, self.clock.elapsed(), lambda *told: loop.call_soon(end, *told)))
        if not self._is_storing:
            self._is_storing = self.start(self._store_all())
        if not self._is_storing:
            self.give_up()

    async def _store_all(self) -> None:
        try:
            async with self._turn:
                while self._waiting or self._paperwork:
                    await self._store_some()
        finally:
            self._is_storing = False

    def give_up(self) -> None:
        """The desk has stopped, whatever had begun: who waits is told, and the next one begins anew."""
        self._is_storing = False
        waiting = [*self._waiting, *self._paperwork]
        self._waiting.clear()
        self._paperwork.clear()
        _end_all(waiting, StoreUnavailable(_STOPPING))

    def _line_up(self, entry: _Entry) -> None:
        line = self._waiting if _something_follows(entry.execution, entry.event) else self._paperwork
        line.append(entry)

    def _take(self) -> list[_Entry]:
        """Those whose time has come: what something follows from first."""
        most = AT_ONCE_IN_A_RUSH if self.rush.is_on else AT_ONCE
        batch: list[_Entry] = []
        for line in (self._waiting, self._paperwork):
            while line and len(batch) < most and self._left_s(line) <= 0:
                batch.append(line.popleft())
        return batch

    def _left_s(self, line: deque[_Entry]) -> float:
        return self.rush.left_s(line[0].since_s, paperwork=line is self._paperwork) if line else math.inf

    async def _store_some(self) -> None:
        while not (batch := self._take()):
            # Who comes meanwhile may be in more of a hurry: looked at again after the shortest wait there is.
            await self.rush.give_way(min(self._left_s(self._waiting), self._left_s(self._paperwork), GIVES_WAY_S))
        try:
            await self._store(batch)
        except asyncio.CancelledError:
            _end_all(batch, StoreUnavailable(_STOPPING))
            raise

    async def _store(self, batch: Sequence[_Entry]) -> None:
        try:
            found = await self.store.write(lambda tables: self._settle_all(tables, batch))
        except (StoreUnavailable, LeaseLost) as error:
            _end_all(batch, error)
        except Exception as error:  # noqa: BLE001  what breaks one execution must not break those beside it: each is stored alone
            if len(batch) == 1:
                _end_alone(batch[0], error)
                return
            for one in batch:
                await self._store([one])
        else:
            for one, settled in zip(batch, found, strict=True):
                one.tell(settled, None)

    def _settle_all(self, tables: Transaction, batch: Sequence[_Entry]) -> list[Settled | None]:
        at = self.clock.now()
        # Subscriptions before executions: the order in which others lock them too.
        tables.positions.read_ahead({one.execution.subscription_id for one in batch}, at)
        tables.executions.read_ahead([one.execution for one in batch])
        by_symbol: dict[str, set[AccountId]] = {}
        for one in batch:
            by_symbol.setdefault(one.execution.symbol, set()).add(one.account.id)
        for symbol, accounts in by_symbol.items():
            tables.followers.preparations(accounts, symbol)
        return [self._settle(tables, one) for one in batch]

    def _settle(self, tables: Transaction, entry: _Entry) -> Settled | None:
        now = tables.executions.get(entry.execution.id)
        if now is None or now.attempt != entry.execution.attempt:
            return None
        return settle(
            tables,
            now,
            entry.event,
            at=self.clock.now(),
            rules=self.rules(now, entry.account),
            freezer=lambda: self.sessions.freezer(tables, entry.account, now.symbol),
        )


def _something_follows(execution: Execution, event: Event) -> bool:
    """A stop to be placed, a question to be asked, whatever waits for a close. Where the answer to an opening without stops shows
    it, nothing does; and of what is being sent there is one event at a time, so that none overtakes another.
    """
    is_answer = execution.state is State.SENDING and isinstance(event, Shown)
    return not is_answer or execution.kind is not LegKind.OPEN or protection.is_wanted(execution)


def _end_alone(entry: _Entry, failure: Exception) -> None:
    """Where somebody was first, there is nothing to do; anything else is told, whatever it is."""
    if isinstance(failure, StaleWrite):
        log.info("not stored: somebody was first", execution_id=entry.execution.id, why=str(failure))
        entry.tell(None, None)
    else:
        entry.tell(None, failure)


def _end_all(entries: Sequence[_Entry], failure: Exception) -> None:
    for one in entries:
        one.tell(None, failure)
