"""Contracts end by themselves: the desk notices, and closes what it holds of them with what their venue says they brought.

That a contract is over is known by the clock, and told by the venue where somebody sold it earlier. Its close sells nothing: it
asks until the venue shows the end. So whatever tells it wrongly or too soon does no harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from copydesk.domain import contracts
from copydesk.domain.breaker import BreakerScope, Reach
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId, SubscriptionId
from copydesk.domain.position import Position
from copydesk.domain.signal import LegKind
from copydesk.domain.subscription import Account
from copydesk.engine import desk_signals
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import Holding, Store, Transaction
from copydesk.ports.venue import ContractEnded, ContractsHeld

log = structlog.get_logger()

LOOK_EVERY_S = 1.0

AHEAD = timedelta(seconds=2)
"""Before its end a contract's close is written down: what the bot says next then waits for it, instead of finding it open."""

FOUND_WITHIN = timedelta(days=1)
"""An opening that waited for a person may be much older than the position it made."""

LISTED_AFTER = timedelta(seconds=5)
"""What was opened so short before a list was asked for may not stand in it yet."""

TOLD_AGAIN_AFTER = timedelta(minutes=10)
"""By then a close has come to nothing (the account was switched off, its key refused), and there is another one."""

_Held = tuple[SubscriptionId, str, datetime, Decimal]
"""A position, by what it is on, since when and how much: of two contracts that stand for one, each is closed by itself."""


@dataclass(slots=True)
class Contracts:
    """`look_soon` has a close that waits asked about."""

    store: Store
    sessions: Sessions
    clock: Clock
    look_soon: Callable[[Execution], None]
    _openings: dict[_Held, tuple[Execution, Account]] = field(default_factory=dict)

    async def look(self) -> None:
        """What is about to end."""
        venues = self.sessions.contract_venues()
        if not venues:
            return
        reaches = [Reach(scope=BreakerScope.VENUE, target=name) for name in venues]
        held = await self.store.read(
            lambda tables: [one for reach in reaches for one in tables.breakers.holdings(reach)]
        )
        await self._remember(held)
        keys = {_key(one) for one in held}
        self._openings = {key: found for key, found in self._openings.items() if key in keys}
        due = [one for one in held if self._is_due(one)]
        if due:
            await self._close(due, "it ends by itself")

    async def ended(self, news: ContractEnded) -> None:
        held = await self._held_on(news.account_id)
        over = [one for one in held if self._contract_of(one) == news.contract_id]
        if over:
            for close in await self._close(over, "the venue says that it has ended"):
                self.look_soon(close)

    async def compare(self, news: ContractsHeld) -> None:
        """What the venue does not list any more."""
        before = news.asked_at - LISTED_AFTER
        held = [one for one in await self._held_on(news.account_id) if one.position.opened_at < before]
        over = [one for one in held if self._contract_of(one) not in {None, *news.contract_ids}]
        if over:
            await self._close(over, "the venue does not list it as open")

    async def _held_on(self, account_id: AccountId) -> Sequence[Holding]:
        reach = Reach(scope=BreakerScope.ACCOUNT, target=account_id)
        held = await self.store.read(lambda tables: tables.breakers.holdings(reach))
        await self._remember(held)
        return held

    async def _remember(self, held: Sequence[Holding]) -> None:
        """Which opening made each position is asked once."""
        new = [one for one in held if _key(one) not in self._openings]
        if new:
            self._openings |= await self.store.read(lambda tables: _openings(tables, new))

    def _contract_of(self, one: Holding) -> str | None:
        found = self._openings.get(_key(one))
        return None if found is None else found[0].exchange_order_id

    def _is_due(self, one: Holding) -> bool:
        found = self._openings.get(_key(one))
        if found is None:
            return False
        opening, account = found
        ends_at, now = contracts.ends_at(opening), self.sessions.venue_time(account) or self.clock.now()
        return ends_at is not None and now >= ends_at - AHEAD

    async def _close(self, over: Sequence[Holding], why: str) -> Sequence[Execution]:
        """Those closes that are under way already."""
        under_way = await self.store.read(lambda tables: {_key(one): self._closes_of(tables, one) for one in over})
        new = [one for one in over if not under_way[_key(one)]]
        if new:
            at = self.clock.now()
            added = await self.store.write(lambda tables: sum(self._add(tables, one, why, at) for one in new))
            if added:
                log.info("contracts ended", positions=added, why=why)
        return [close for closes in under_way.values() for close in closes]

    def _closes_of(self, tables: Transaction, one: Holding) -> Sequence[Execution]:
        account_id = self._openings[_key(one)][1].id
        return [
            close
            for close in tables.executions.unsettled([account_id], one.symbol)
            if close.kind is LegKind.CLOSE and close.subscription_id == one.subscription_id
        ]

    def _add(self, tables: Transaction, one: Holding, why: str, at: datetime) -> bool:
        held = tables.positions.get(one.subscription_id, one.symbol)
        return held == one.position and desk_signals.close_position(
            tables,
            subscription_id=one.subscription_id,
            bot_id=one.bot_id,
            symbol=one.symbol,
            direction=one.position.direction,
            key=f"desk:ended:{self._contract_of(one)}:{one.subscription_id}",
            why={"why": why, "rule": contracts.ENDED},
            at=at,
            remember=TOLD_AGAIN_AFTER,
        )


def opening_of(
    tables: Transaction, account_id: AccountId, subscription_id: SubscriptionId, symbol: str, held: Position
) -> Execution | None:
    """What bought the contract that is held; the oldest one, where late truth has made two of them."""
    found = tables.executions.unclosed_openings(account_id, held.opened_at - FOUND_WITHIN)
    return next((one for one in found if (one.subscription_id, one.symbol) == (subscription_id, symbol)), None)


def _openings(tables: Transaction, held: Sequence[Holding]) -> Mapping[_Held, tuple[Execution, Account]]:
    made: dict[_Held, tuple[Execution, Account]] = {}
    for one in held:
        subscription = tables.followers.subscription(one.subscription_id)
        account = None if subscription is None else tables.followers.account(subscription.account_id)
        if account is not None:
            opening = opening_of(tables, account.id, one.subscription_id, one.symbol, one.position)
            if opening is not None:
                made[_key(one)] = opening, account
    return made


def _key(one: Holding) -> _Held:
    return one.subscription_id, one.symbol, one.position.opened_at, one.position.quantity
