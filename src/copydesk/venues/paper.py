"""Paper: orders fill at the real market's last price and move no money; its ledger survives restarts."""

import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.bot import MarketType
from copydesk.domain.errors import OrderRejected, VenueUnavailable
from copydesk.domain.ids import AccountId, new_id
from copydesk.domain.instrument import plain
from copydesk.domain.order import FrozenRequest, NewOrder, OrderRef, OrderReport, OrderStatus
from copydesk.domain.planning import Quote
from copydesk.domain.position import Position, increase, reduce
from copydesk.domain.signal import Direction, LegKind, Side
from copydesk.domain.subscription import Account, Environment, MarginMode, PositionMode
from copydesk.ports.clock import Clock
from copydesk.ports.venue import (
    Balance,
    ClockReading,
    KeyPermissions,
    OrderNews,
    PaperLedger,
    PaperOrder,
    Session,
    StreamOpened,
    Traits,
    VenuePosition,
    VenueTrade,
)

STARTING_BALANCE_USD = Decimal(10_000)

FEE_RATE = Decimal("0.0005")
"""The usual taker rate, so that paper results are not rosier than real ones."""

QuoteSource = Callable[[Environment, str], Awaitable[Quote | None]]


class Paper:
    """The Venue of ports/venue.py; prices and steps are another venue's, handed in by wiring."""

    traits = Traits(markets=frozenset(MarketType), credentials=())

    def __init__(
        self,
        clock: Clock,
        ledger: PaperLedger,
        quotes: QuoteSource,
        symbols: Callable[[Environment], Awaitable[frozenset[str]]],
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._quotes = quotes
        self._symbols = symbols

    def freeze(self, order: NewOrder, *, mode: PositionMode, at: datetime) -> FrozenRequest:
        del mode  # paper keeps long and short apart by itself
        params = {
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "leg": str(order.leg),
            "side": str(order.side),
            "direction": str(order.direction),
            "quantity": plain(order.quantity),
            "reduce_only": "true" if order.reduce_only else "false",
        }
        if order.trigger_price is not None:
            params["trigger_price"] = plain(order.trigger_price)
        text = json.dumps(params, sort_keys=True)
        # Paper answers from our own database: what is not there by now never will be.
        return FrozenRequest(
            params=params,
            conditional=order.trigger_price is not None,
            frozen_at=at,
            settle_at=at,
            request_hash=hashlib.sha256(text.encode()).hexdigest(),
        )

    def open_session(self, account: Account, credentials: Mapping[str, str]) -> "PaperSession":
        del credentials  # paper has none
        return PaperSession(self._clock, self._ledger, self._quotes, account.id, account.environment)

    async def quote(self, environment: Environment, symbol: str) -> Quote | None:
        quote = await self._quotes(environment, symbol)
        return None if quote is None else replace(quote, markets=self.traits.markets)

    async def symbols(self, environment: Environment) -> frozenset[str]:
        return await self._symbols(environment)

    async def read_clock(self, environment: Environment) -> ClockReading:
        del environment  # paper keeps our own time
        return ClockReading(offset_s=0.0, uncertainty_s=0.0)

    def listen(self, sessions: Mapping[AccountId, Session]) -> AsyncGenerator[StreamOpened | OrderNews, None]:
        """Paper's stops are found to have triggered by whoever looks: it tells no news."""
        del sessions
        raise VenueUnavailable("paper has no stream")

    async def close(self) -> None:
        """Nothing of its own to close."""


class PaperSession:
    """The Session of ports/venue.py for one paper account."""

    def __init__(
        self, clock: Clock, ledger: PaperLedger, quotes: QuoteSource, account_id: AccountId, environment: Environment
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._quotes = quotes
        self._account_id = account_id
        self._environment = environment

    async def prepare(self, symbol: str, *, leverage: int, margin_mode: MarginMode) -> PositionMode:
        del symbol, leverage, margin_mode  # nothing to set on paper
        return PositionMode.HEDGE

    def begin(self, request: FrozenRequest) -> None:
        """Every order takes waiting here."""

    async def place(self, request: FrozenRequest) -> OrderReport:
        order = self._read(request.params)
        price = await self._last_price(order.symbol)
        if order.trigger_price is None:
            order = await self._filled(order, price)
        elif _triggered(order, price):
            raise OrderRejected("the order would trigger at once", code="immediate_trigger")
        await self._ledger.add(order)
        return _report(order)

    async def cancel(self, order: OrderRef) -> None:
        found = await self._ledger.find(self._account_id, order.client_order_id)
        if found is not None and found.status == OrderStatus.WORKING:
            await self._ledger.save(replace(found, status=OrderStatus.CANCELLED.value))

    async def look_up(self, order: OrderRef) -> OrderReport | None:
        """Working stops are tested against the last price whenever somebody looks."""
        found = await self._ledger.find(self._account_id, order.client_order_id)
        if found is None:
            return None
        if found.status == OrderStatus.WORKING:
            price = await self._last_price(found.symbol)
            if _triggered(found, price):
                found = await self._trigger(found, price)
        return _report(found)

    async def trades_since(self, symbol: str, since: datetime) -> Sequence[VenueTrade]:
        return [
            VenueTrade(
                exchange_order_id=order.order_id,
                side=Side(order.side),
                quantity=order.executed_quantity,
                price=order.average_price,
                fee_usd=order.fee_usd,
            )
            for order in await self._ledger.orders(self._account_id)
            if order.symbol == symbol and order.created_at >= since and order.average_price is not None
        ]

    async def orders_since(self, symbol: str, since: datetime) -> Sequence[OrderReport]:
        orders = await self._ledger.orders(self._account_id)
        return [_report(one) for one in orders if one.symbol == symbol and one.created_at >= since]

    async def positions(self) -> Sequence[VenuePosition]:
        held, _ = _replay(await self._ledger.orders(self._account_id))
        return [
            VenuePosition(
                symbol=symbol, direction=direction, quantity=position.quantity, entry_price=position.entry_price
            )
            for (symbol, direction), position in held.items()
        ]

    async def balance(self) -> Balance:
        _, result = _replay(await self._ledger.orders(self._account_id))
        total = STARTING_BALANCE_USD + result
        return Balance(total_usd=total, available_usd=total)

    async def permissions(self) -> KeyPermissions:
        return KeyPermissions(asked=True, can_trade=True)

    def _read(self, params: Mapping[str, str]) -> PaperOrder:
        trigger = params.get("trigger_price")
        side = Side(params["side"])
        now = self._clock.now()
        return PaperOrder(
            account_id=self._account_id,
            order_id=f"paper-{new_id(now)}",
            client_order_id=params["client_order_id"],
            symbol=params["symbol"],
            side=side.value,
            direction=Direction(params["direction"]),
            quantity=Decimal(params["quantity"]),
            reduce_only=params["reduce_only"] == "true",
            trigger_price=None if trigger is None else Decimal(trigger),
            trigger_above=_fires_above(LegKind(params["leg"]), side),
            status=OrderStatus.WORKING.value,
            executed_quantity=Decimal(0),
            average_price=None,
            fee_usd=Decimal(0),
            created_at=now,
        )

    async def _last_price(self, symbol: str) -> Decimal:
        quote = await self._quotes(self._environment, symbol)
        if quote is None:
            raise VenueUnavailable(f"no price for {symbol}")
        return quote.last_price

    async def _filled(self, order: PaperOrder, price: Decimal) -> PaperOrder:
        quantity = order.quantity
        if order.reduce_only:
            held, _ = _replay(await self._ledger.orders(self._account_id))
            position = held.get((order.symbol, order.direction))
            if position is None:
                raise OrderRejected("there is no position to reduce", code="reduce_only")
            quantity = min(quantity, position.quantity)
        return replace(
            order,
            status=OrderStatus.FILLED.value,
            executed_quantity=quantity,
            average_price=price,
            fee_usd=quantity * price * FEE_RATE,
        )

    async def _trigger(self, order: PaperOrder, price: Decimal) -> PaperOrder:
        try:
            done = await self._filled(order, price)
        except OrderRejected:
            done = replace(order, status=OrderStatus.CANCELLED.value)
        await self._ledger.save(done)
        return done


def _fires_above(leg: LegKind, side: Side) -> bool:
    return (leg is LegKind.STOP_LOSS) == (side is Side.BUY)


def _triggered(order: PaperOrder, price: Decimal) -> bool:
    if order.trigger_price is None:
        return False
    return price >= order.trigger_price if order.trigger_above else price <= order.trigger_price


def _report(order: PaperOrder) -> OrderReport:
    return OrderReport(
        status=OrderStatus(order.status),
        exchange_order_id=order.order_id,
        client_order_id=order.client_order_id,
        executed_quantity=order.executed_quantity,
        average_price=order.average_price,
        fee_usd=order.fee_usd,
        evidence={"order_id": order.order_id, "status": order.status},
    )


def _replay(orders: Sequence[PaperOrder]) -> tuple[dict[tuple[str, Direction], Position], Decimal]:
    """Open positions and the net result so far, out of all fills."""
    held: dict[tuple[str, Direction], Position] = {}
    result = Decimal(0)
    for order in orders:
        if order.average_price is None:
            continue
        key = (order.symbol, order.direction)
        fill = {
            "quantity": order.executed_quantity,
            "price": order.average_price,
            "fee_usd": order.fee_usd,
            "at": order.created_at,
        }
        result -= order.fee_usd
        if order.side == Side.opening(order.direction).value:
            held[key] = increase(held.get(key), direction=order.direction, **fill)  # type: ignore[arg-type]
        elif key in held:
            reduction = reduce(held.pop(key), **fill)  # type: ignore[arg-type]
            result += reduction.gross_usd
            if reduction.position is not None:
                held[key] = reduction.position
    return held, result
