"""Followers who chose it are taken out of everything when the day's loss, open positions counted in, reaches their limit."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import structlog

from copydesk.domain.errors import VenueError
from copydesk.domain.ids import SubscriptionId
from copydesk.domain.instrument import plain
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account, Environment
from copydesk.domain.venue import VenueName
from copydesk.engine import desk_signals
from copydesk.engine.sessions import Sessions
from copydesk.ports.clock import Clock
from copydesk.ports.store import AtRisk, Store, Transaction

log = structlog.get_logger()

LOOK_EVERY_S = 2.0

QUOTE_TIMEOUT_S = 3.0

Line = tuple[VenueName, Environment, str]


@dataclass(slots=True)
class DailyLoss:
    """Where a price cannot be read nothing is closed: the next look has it."""

    store: Store
    sessions: Sessions
    clock: Clock
    _closing: set[str] = field(default_factory=set)

    async def look(self) -> None:
        held = await self.store.read(lambda tables: tables.positions.at_risk(self.clock.now()))
        self._closing &= {_key(one) for one in held}
        if not held:
            return
        lines = {_line(one): one for one in held}
        # What a terminal's open positions bring is known beside it alone, and a contract brings nothing before its end: there
        # the realised result counts.
        unpriced = {line for line, one in lines.items() if self._has_no_price(one.account)}
        lines = {line: one for line, one in lines.items() if line not in unpriced}
        found = await asyncio.gather(*(self._price(one) for one in lines.values()))
        prices = {line: price for line, price in zip(lines, found, strict=True) if price is not None}
        by_subscription: dict[SubscriptionId, list[AtRisk]] = {}
        for one in held:
            by_subscription.setdefault(one.subscription.id, []).append(one)
        for positions in by_subscription.values():
            loss = loss_of(positions, prices, unpriced)
            if loss is not None and loss >= (positions[0].subscription.max_daily_loss_usd or 0):
                await self._close(positions, loss)

    def _has_no_price(self, account: Account) -> bool:
        traits = self.sessions.venue(account).traits
        return traits.is_terminal or traits.is_contracts

    async def _price(self, held: AtRisk) -> Decimal | None:
        try:
            async with asyncio.timeout(QUOTE_TIMEOUT_S):
                quote = await self.sessions.quote(held.account, held.symbol)
        except (VenueError, TimeoutError) as error:
            log.warning("daily loss not known", account_id=held.account.id, symbol=held.symbol, problem=str(error))
            return None
        return None if quote is None else quote.last_price

    async def _close(self, positions: Sequence[AtRisk], loss: Decimal) -> None:
        keys = {_key(one) for one in positions}
        if keys <= self._closing:
            return
        now = self.clock.now()
        if await self.store.write(lambda tables: _end_day(tables, positions, loss, now)):
            log.warning("daily loss limit", subscription_id=positions[0].subscription.id, loss_usd=plain(loss))
        self._closing |= keys


def loss_of(
    positions: Sequence[AtRisk], prices: Mapping[Line, Decimal], unpriced: Collection[Line] = ()
) -> Decimal | None:
    """Of one subscription's day, USD, realised and open (of what has no price, realised alone); None where a price is missing."""
    total = positions[0].result_usd
    for one in positions:
        if _line(one) in unpriced:
            continue
        price = prices.get(_line(one))
        if price is None:
            return None
        sign = 1 if one.position.direction is Direction.LONG else -1
        total += sign * (price - one.position.entry_price) * one.position.quantity
    return -total


def _end_day(tables: Transaction, positions: Sequence[AtRisk], loss: Decimal, now: datetime) -> bool:
    subscription = positions[0].subscription
    tables.positions.end_day(subscription.id, now)
    limit = plain(subscription.max_daily_loss_usd or Decimal(0))
    told = f"Daily loss limit reached: {plain(round(loss, 2))} of {limit} USD, open positions counted in"
    why = {"why": told, "rule": "max_daily_loss_usd"}
    closing = [
        desk_signals.close_position(
            tables,
            subscription_id=subscription.id,
            bot_id=subscription.bot_id,
            symbol=one.symbol,
            direction=one.position.direction,
            key=_key(one),
            why=why,
            at=now,
        )
        for one in positions
    ]
    return any(closing)


def _key(held: AtRisk) -> str:
    return f"desk:daily-loss:{held.subscription.id}:{held.symbol}:{held.position.opened_at.isoformat()}"


def _line(held: AtRisk) -> Line:
    return held.account.venue, held.account.environment, held.symbol
