"""Store what events make of executions: those that come while a transaction is under way share the next one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from copydesk.domain.errors import LeaseLost, StaleWrite, StoreUnavailable
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId
from copydesk.domain.life import Event, Rules
from copydesk.domain.subscription import Account
from copydesk.engine.sessions import Sessions
from copydesk.engine.settlement import Settled, settle
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

AT_ONCE = 250
"""Events that share a transaction at most."""


@dataclass(slots=True, eq=False)
class _Entry:
    """An event about an execution, and what came of it: None where it is about an earlier attempt, or somebody was first."""

    execution: Execution
    event: Event
    account: Account
    settled: Settled | None = None
    failure: Exception | None = None
    is_done: bool = False

    def end(self, settled: Settled | None, failure: Exception | None = None) -> None:
        self.settled, self.failure, self.is_done = settled, failure, True


@dataclass(slots=True)
class Recorder:
    """Whoever has something to record waits for its turn, and then stores everything that waits beside it."""

    store: Store
    sessions: Sessions
    clock: Clock
    rules: Callable[[Execution, Account], Rules]
    _waiting: list[_Entry] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def record(self, execution: Execution, event: Event, account: Account) -> Settled | None:
        """Raise what storing raises."""
        entry = _Entry(execution, event, account)
        self._waiting.append(entry)
        async with self._turn:
            while not entry.is_done:
                await self._store_some()
        if entry.failure is not None:
            raise entry.failure
        return entry.settled

    async def _store_some(self) -> None:
        batch = self._waiting[:AT_ONCE]
        try:
            await self._store(batch)
        except (StoreUnavailable, LeaseLost) as error:
            for one in batch:
                one.end(None, error)
        except Exception:  # noqa: BLE001  what breaks one execution must not break those beside it: each is stored alone
            for one in batch:
                await self._store_alone(one)
        del self._waiting[: len(batch)]

    async def _store_alone(self, entry: _Entry) -> None:
        try:
            await self._store([entry])
        except StaleWrite:
            entry.end(None)
        except Exception as error:  # noqa: BLE001  its caller gets it, whatever it is
            entry.end(None, error)

    async def _store(self, batch: Sequence[_Entry]) -> None:
        for one, settled in zip(
            batch, await self.store.write(lambda tables: self._settle_all(tables, batch)), strict=True
        ):
            one.end(settled)

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
