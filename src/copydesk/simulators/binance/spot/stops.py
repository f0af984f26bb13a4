"""When a stop is due: by its stop price, or by coming back from the best price since (trailing, in basis points)."""

from decimal import Decimal

from copydesk.simulators.binance.spot.records import ZERO, Order

_BASIS = 10_000


def would_trigger(order: Order, last: Decimal) -> bool:
    """Already beyond its stop price when placed. A trailing stop only begins to follow there, so it may."""
    return not order.trailing_delta and _reached(order, last)


def is_due(order: Order, last: Decimal, now_ms: int) -> bool:
    """Moves a trailing stop's best price along as a side effect."""
    return _is_trail_due(order, last, now_ms) if order.trailing_delta else _reached(order, last)


def _reached(order: Order, last: Decimal) -> bool:
    rising = order.is_buy == order.type.startswith("STOP")
    return last >= order.stop_price if rising else last <= order.stop_price


def _is_trail_due(order: Order, last: Decimal, now_ms: int) -> bool:
    if order.extreme == ZERO:
        if order.stop_price and not _reached(order, last):
            return False
        order.extreme, order.trailing_ms = last, now_ms
    if order.is_buy:
        order.extreme = min(order.extreme, last)
        return last * _BASIS >= order.extreme * (_BASIS + order.trailing_delta)
    order.extreme = max(order.extreme, last)
    return last * _BASIS <= order.extreme * (_BASIS - order.trailing_delta)
