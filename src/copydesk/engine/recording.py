"""Store what events make of executions: those that come while a transaction is under way share the next one."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId
from copydesk.domain.life import Event, Rules
from copydesk.domain.subscription import Account
from copydesk.engine.rush import Rush
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


@dataclass(slots=True, eq=False)
class _Entry:
    """An event about an execution, since when it waits (by the clock's `elapsed`), and who is told what came of it."""

    execution: Execution
    event: Event
    account: Account
    since_s: float
    end: Told


@dataclass(slots=True)
class Recorder:
    """Whoever has something to record waits for its turn, and then stores everything that waits beside it."""

    store: Store
    sessions: Sessions
    clock: Clock
    rules: Callable[[Execution, Account], Rules]
    rush: Rush
    start: Callable[[Coroutine[Any, Any, None]], bool]
    _waiting: list[_Entry] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_storing: bool = False

    async def record(self, execution: Execution, event: Event, account: Account) -> Settled | None:
        """Raise what storing raises."""
        ended: list[tuple[Settled | None, Exception | None]] = []
        entry = _Entry(execution, event, account, self.clock.elapsed(), lambda *told: ended.append(told))
        self._waiting.append(entry)
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
        entry = _Entry(execution, event, account, self.clock.elapsed(), lambda *told: loop.call_soon(end, *told))
        self._waiting.append(entry)
        if not self._is_storing:
            self._is_storing = self.start(self._store_all())
        if not self._is_storing:
            self.give_up()

    async def _store_all(self) -> None:
        try:
            async with self._turn:
                while self._waiting:
                    await self._store_some()
        finally:
            self._is_storing = False

    def give_up(self) -> None:
        """The desk has stopped, whatever had begun: who waits is told, and the next one begins anew."""
        self._is_storing = False
        waiting, self._waiting = self._waiting, []
        _end_all(waiting, StoreUnavailable(_STOPPING))

    async def _store_some(self) -> None:
        await self.rush.give_way(self._waiting[0].since_s)
        batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            await self._store(batch)
        except asyncio.CancelledError:
            _end_all(batch, StoreUnavailable(_STOPPING))
            raise
        except (StoreUnavailable, LeaseLost) as error:
            _end_all(batch, error)
        except Exception:  # noqa: BLE001  what breaks one execution must not break those beside it: each is stored alone
            for one in batch:
                await self._store_alone(one)

    async def _store_alone(self, entry: _Entry) -> None:
        try:
            await self._store([entry])
        except StaleWrite as error:
            log.info("not stored: somebody was first", execution_id=entry.execution.id, why=str(error))
            entry.end(None, None)
        except Exception as error:  # noqa: BLE001  its caller gets it, whatever it is
            entry.end(None, error)

    async def _store(self, batch: Sequence[_Entry]) -> None:
        found = await self.store.write(lambda tables: self._settle_all(tables, batch))
        for one, settled in zip(batch, found, strict=True):
            one.end(settled, None)

    def _settle_all(self, tables: Transaction, batch: Sequence[_Entry]) -> list[Settled | None]:
        at = self.clock.now()
        # Subscriptions before executions: the order in which others lock them too.
        tables.positions.read_ahead({one.execution.subscription_id for one in batch}, at)
        tables.executions.read_ahead([one.execution.id for one in batch])
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


def _end_all(entries: Sequence[_Entry], failure: Exception) -> None:
    for one in entries:
        one.end(None, failure)
