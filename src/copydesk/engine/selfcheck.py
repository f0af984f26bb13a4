"""The desk doubts itself: on a schedule each account's recent orders are compared with what its venue lists."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from msgspec.structs import asdict

from copydesk.domain.errors import LeaseLost, StoreUnavailable, VenueError
from copydesk.domain.execution import Execution
from copydesk.domain.ledgers import Discrepancy, compare_orders, compare_position
from copydesk.domain.order import OrderReport
from copydesk.domain.position import Position
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account
from copydesk.engine.reconcile import Reconciler
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import LedgerCheck, Store
from copydesk.ports.venue import Session

log = structlog.get_logger()

FIRST_AFTER_S = 30.0

OVERLAP = timedelta(minutes=30)
"""Each check reaches back beyond the one before."""

YOUNG = timedelta(seconds=60)
"""What was sent a moment ago may still be changing on both sides."""

MEND_S = 5.0
"""What differs is asked about first: late truth is adopted, and only what still differs then is a discrepancy."""

PACE_S = 0.5
"""Between two questions of a check, so that a thousand accounts leave the address's budget to everybody else."""

TIMEOUT_S = 300.0
"""Of one account: what nobody waits for may have to wait for its share of the address's weight."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Both sides at one moment."""

    ours: Sequence[Execution]
    held: Sequence[tuple[str, Position]]
    orders: Mapping[str, Sequence[OrderReport]]
    positions: Mapping[tuple[str, Direction], Decimal]


@dataclass(slots=True)
class SelfCheck:
    """`run` until cancelled; each account's newest result is stored, for /metrics, the API and whoever is to be told."""

    store: Store
    sessions: Sessions
    reconciler: Reconciler
    clock: Clock
    every_s: float

    async def run(self) -> None:
        await self.clock.sleep(min(FIRST_AFTER_S, self.every_s))
        while True:
            try:
                await self.check_all()
            except LeaseLost:
                raise
            except Exception:  # the boundary of one round: the desk goes on trading, the next hour asks again
                log.exception("self-check broke")
            await self.clock.sleep(self.every_s)

    async def check_all(self) -> None:
        since = self.clock.now() - timedelta(seconds=self.every_s) - OVERLAP
        for account in await self.store.read(lambda tables: tables.checks.traded_since(since)):
            check = await self._check(account, since)
            await self._save(check)
            if check.discrepancies:
                log.error("ledgers differ", account_id=account.id, found=[asdict(one) for one in check.discrepancies])

    async def _save(self, check: LedgerCheck) -> None:
        await self.store.write(lambda tables: tables.checks.save(check))

    async def _check(self, account: Account, since: datetime) -> LedgerCheck:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._compare(account, since)
        except (VenueError, TimeoutError) as error:
            problem = str(error) or "the venue did not answer in time"
            return self._result(account, since, 0, (), problem)
        except (StoreUnavailable, LeaseLost):
            raise
        except Exception as error:  # the boundary of one account: an odd answer about it leaves the others checked
            log.exception("self-check broke", account_id=account.id)
            return self._result(account, since, 0, (), f"the check broke: {type(error).__name__}")
        return self._result(account, since, *found)

    def _result(
        self,
        account: Account,
        since: datetime,
        orders: int,
        discrepancies: Sequence[Discrepancy],
        problem: str | None = None,
    ) -> LedgerCheck:
        return LedgerCheck(
            account_id=account.id,
            checked_at=self.clock.now(),
            since=since,
            orders=orders,
            discrepancies=tuple(discrepancies),
            problem=problem,
        )

    async def _compare(self, account: Account, since: datetime) -> tuple[int, list[Discrepancy]]:
        if not self.sessions.venue(account).traits.lists_orders:
            raise VenueError("this venue does not list its orders in a way that the desk trusts")
        session = await self.sessions.of(account)
        seen = await self._look(account, session, since)
        if differences := self._differences(seen):
            orders = {one.client_order_id for one in differences}
            symbols = {one.symbol for one in differences if not one.client_order_id}
            for execution in seen.ours:
                if execution.client_order_id in orders or execution.symbol in symbols:
                    self.reconciler.look_soon(execution)
            await self.clock.sleep(MEND_S)
            seen = await self._look(account, session, since)
        return sum(len(one) for one in seen.orders.values()), self._differences(seen)

    async def _look(self, account: Account, session: Session, since: datetime) -> _Seen:
        ours, held = await self.store.read(
            lambda tables: (tables.checks.sent_since(account.id, since), tables.checks.held(account.id))
        )
        orders: dict[str, Sequence[OrderReport]] = {}
        for symbol in sorted({one.symbol for one in ours} | {symbol for symbol, _ in held}):
            orders[symbol] = await session.orders_since(symbol, since)
            await self.clock.sleep(PACE_S)
        positions = {(one.symbol, one.direction): one.quantity for one in await session.positions()} if held else {}
        return _Seen(ours, held, orders, positions)

    def _differences(self, seen: _Seen) -> list[Discrepancy]:
        found = list(compare_orders(seen.ours, seen.orders, until=self.clock.now() - YOUNG))
        unsettled = {one.symbol for one in seen.ours if not (one.is_final or one.is_protection)}
        wanted: dict[tuple[str, Direction], Decimal] = {}
        for symbol, position in seen.held:
            key = (symbol, position.direction)
            wanted[key] = wanted.get(key, Decimal(0)) + position.quantity
        for (symbol, direction), quantity in wanted.items():
            if symbol not in unsettled:
                venues = seen.positions.get((symbol, direction), Decimal(0))
                found += compare_position(symbol, quantity, venues)
        return found
