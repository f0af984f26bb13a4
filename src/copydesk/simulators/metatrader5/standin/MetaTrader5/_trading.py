"""Buy, Sell and Close: the three functions that the real package writes in Python over the others."""

from typing import Any

from ._constants import (
    ORDER_TYPE_BUY,
    ORDER_TYPE_SELL,
    TRADE_ACTION_DEAL,
    TRADE_RETCODE_DONE,
    TRADE_RETCODE_PRICE_OFF,
    TRADE_RETCODE_REQUOTE,
)
from ._core import order_send, positions_get, symbol_info_tick

_TRIES = 10
_DEVIATION = 10
_AGAIN = (TRADE_RETCODE_REQUOTE, TRADE_RETCODE_PRICE_OFF)


def raw_order(
    order_type: int, symbol: str, volume: float, price: float, comment: str | None = None, ticket: int | None = None
) -> Any:
    """A deal without ``type_filling``, which is FOK."""
    order: dict[str, Any] = {
        "action": TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": volume,
        "type": order_type,
        "price": price,
        "deviation": _DEVIATION,
    }
    if comment is not None:
        order["comment"] = comment
    if ticket is not None:
        order["position"] = ticket
    return order_send(order)


def Buy(  # noqa: N802  # the real package's name
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> Any:
    """An OrderSendResult, or None; without a price up to ten tries at the current one."""
    return _deal(ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(  # noqa: N802  # the real package's name
    symbol: str, volume: float, price: float | None = None, *, comment: str | None = None, ticket: int | None = None
) -> Any:
    """An OrderSendResult, or None; without a price up to ten tries at the current one."""
    return _deal(ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(symbol: str, *, comment: str | None = None, ticket: int | None = None) -> Any:  # noqa: N802  # as above
    """True when all is closed, "Partially", False when nothing was, None when a call failed."""
    positions = positions_get(ticket=ticket) if ticket is not None else positions_get(symbol=symbol)
    if positions is None:
        return None
    done = 0
    for position in positions:
        opposite = ORDER_TYPE_SELL if position.type == ORDER_TYPE_BUY else ORDER_TYPE_BUY
        result = _deal(opposite, symbol, position.volume, None, comment, position.ticket)
        if result is None:
            return None
        done += result.retcode == TRADE_RETCODE_DONE
    if not done:
        return False
    return True if done == len(positions) else "Partially"


def _deal(
    order_type: int, symbol: str, volume: float, price: float | None, comment: str | None, ticket: int | None
) -> Any:
    if price is not None:
        return raw_order(order_type, symbol, volume, price, comment, ticket)
    result = None
    for _ in range(_TRIES):
        tick = symbol_info_tick(symbol)
        if tick is None:
            return None
        current = tick.ask if order_type == ORDER_TYPE_BUY else tick.bid
        result = raw_order(order_type, symbol, volume, current, comment, ticket)
        if result is None or result.retcode not in _AGAIN:
            return result
    return result
