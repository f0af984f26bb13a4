"""Requests about orders that wait: placed, moved, removed, and turned round for whoever copies the other way. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.instrument import round_to_tick
from copydesk.domain.signal import OrderKind
from copydesk.terminal.codec import ORDER_TYPES, Order, OrderRequest, Symbol, Tick
from copydesk.terminal.copier.commands import Command, Skipped, Wishes
from copydesk.terminal.copier.markets import Market
from copydesk.terminal.copier.requests import (
    BUY,
    DEAL,
    MODIFY,
    NONE,
    PENDING,
    REMOVE,
    RETURN,
    SELL,
    comment_of,
    fillings,
    levels,
    placeable,
)
from copydesk.terminal.server_time import STEP_MSC

GTC, SPECIFIED = 0, 2
SPECIFIED_FLAG = 4
ZONES = timedelta(hours=14)
"""No server's clock is farther from UTC."""

REVERSED: Mapping[OrderKind, OrderKind] = {
    OrderKind.BUY_LIMIT: OrderKind.SELL_STOP,
    OrderKind.SELL_STOP: OrderKind.BUY_LIMIT,
    OrderKind.SELL_LIMIT: OrderKind.BUY_STOP,
    OrderKind.BUY_STOP: OrderKind.SELL_LIMIT,
}
"""At the price at which the master buys, one who copies the other way sells."""


def own_kind(kind: OrderKind, *, reverse: bool) -> OrderKind | Skipped:
    """How the order waits here."""
    if not reverse:
        return kind
    turned = REVERSED.get(kind)
    return turned or Skipped(rule="reverse", reason=f"a {kind} order cannot be turned round: no order waits so")


def placing(
    command: Command, wishes: Wishes, market: Market, lots: Decimal, kind: OrderKind, now: datetime
) -> OrderRequest:
    """With levels of its own, which count from its own price."""
    request = OrderRequest(
        action=PENDING,
        symbol=market.symbol.name,
        type=ORDER_TYPES.index(kind.value),
        volume=lots,
        type_filling=RETURN,
        comment=comment_of(command.master_ticket),
    )
    return _with_terms(request, command, wishes, market, is_buy=kind.name.startswith("BUY"), now=now)


def moving(command: Command, wishes: Wishes, order: Order, market: Market, now: datetime) -> OrderRequest:
    """Where the master has a position already, only levels follow: the order stays where it waits."""
    is_buy = ORDER_TYPES[order.type].startswith("BUY")
    request = OrderRequest(
        action=MODIFY,
        symbol=order.symbol,
        order=order.ticket,
        price=order.price,
        stoplimit=order.stoplimit,
        type_time=order.type_time,
        expiration=order.expiration,
    )
    if command.waits is not None:
        return _with_terms(request, command, wishes, market, is_buy=is_buy, now=now)
    sl, tp = _own_levels(command, wishes, market.symbol, order.stoplimit or order.price, is_buy=is_buy)
    return replace(request, sl=sl, tp=tp)


def removing(symbol: str, order: int) -> OrderRequest:
    return OrderRequest(action=REMOVE, symbol=symbol, order=order)


def as_if_now(request: OrderRequest, market: Market) -> OrderRequest:
    """The same lots at the market: what margin they take is asked so, an order that waits takes none yet."""
    is_buy = ORDER_TYPES[request.type].startswith("BUY")
    return OrderRequest(
        action=DEAL,
        symbol=request.symbol,
        type=BUY if is_buy else SELL,
        volume=request.volume,
        price=market.tick.ask if is_buy else market.tick.bid,
        type_filling=fillings(market.symbol)[0],
        comment=request.comment,
    )


def order_fillings(symbol: Symbol) -> Sequence[int]:
    """What waits is generally taken with RETURN; where it is refused with 10030, the one alternative."""
    return RETURN, fillings(symbol)[0]


def _with_terms(
    request: OrderRequest, command: Command, wishes: Wishes, market: Market, *, is_buy: bool, now: datetime
) -> OrderRequest:
    step = market.symbol.trade_tick_size or market.symbol.point
    price, limit = (round_to_tick(one or NONE, step) for one in (command.price, command.stoplimit))
    sl, tp = _own_levels(command, wishes, market.symbol, limit or price, is_buy=is_buy)
    type_time, expiration = _lifetime(command, market.symbol, market.tick, now)
    return replace(request, price=price, stoplimit=limit, sl=sl, tp=tp, type_time=type_time, expiration=expiration)


def _own_levels(
    command: Command, wishes: Wishes, symbol: Symbol, price: Decimal, *, is_buy: bool
) -> tuple[Decimal, Decimal]:
    there = Tick(time_msc=0, bid=price, ask=price, last=price)
    return placeable(levels(command, wishes, price, is_buy=is_buy), symbol, there, is_buy=is_buy)


def _lifetime(command: Command, symbol: Symbol, tick: Tick, now: datetime) -> tuple[int, int]:
    """By this server's clock, as its newest tick shows it. Without an end of its own the order ends when the desk says so."""
    if command.expiration is None or not symbol.expiration_mode & SPECIFIED_FLAG:
        return GTC, 0
    offset = timedelta(milliseconds=round((tick.time_msc - now.timestamp() * 1_000) / STEP_MSC) * STEP_MSC)
    if abs(offset) > ZONES:
        return GTC, 0
    return SPECIFIED, int((command.expiration + offset).timestamp())
