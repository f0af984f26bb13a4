"""What the venue asks before it takes an order: mode, reduce-only, brackets, margin (order of checks: fact sheet §5.2)."""

from decimal import Decimal

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import Instrument
from copydesk.simulators.binance.exchange.records import ZERO, Order

GOOD_TILL_MIN_MS = 600_000
GOOD_TILL_MAX_MS = 253_402_300_799_000


def check_mode(account: Account, position_side: str, reduce_only: bool | None) -> None:
    if account.hedge == (position_side == "BOTH"):
        raise refused(-4061)
    if account.hedge and reduce_only is not None:
        raise refused(-1106, "reduceOnly")


def check_good_till(time_in_force: str, good_till_ms: int, now_ms: int) -> None:
    if time_in_force == "GTD" and not now_ms + GOOD_TILL_MIN_MS < good_till_ms < GOOD_TILL_MAX_MS:
        raise refused(-5040)


def is_reducing(account: Account, side: str, position_side: str, reduce_only: bool | None) -> bool:
    """Reduce-only by word (one-way) or by nature: selling LONG, buying SHORT."""
    if account.hedge:
        return (position_side == "LONG") == (side == "SELL")
    return bool(reduce_only)


def reducible(account: Account, symbol: str, side: str, position_side: str) -> Decimal:
    """How much an order on this side could take off the position."""
    quantity = account.position(symbol, position_side).quantity
    against = quantity if side == "SELL" else -quantity
    return max(against, ZERO)


def cut_to_position(account: Account, symbol: str, side: str, position_side: str, quantity: Decimal) -> Decimal:
    """Reduce-only never turns a position: what is beyond it is cut off; nothing to reduce is refused."""
    most = reducible(account, symbol, side, position_side)
    if not most:
        raise refused(-2022)
    return min(quantity, most)


def check_room(exchange: Exchange, account: Account, instrument: Instrument, order: Order, price: Decimal) -> None:
    """Position cap of the bracket (-2027) and margin (-2019) for the part of the order that opens."""
    position = account.position(order.symbol, order.position_side)
    closing = min(reducible(account, order.symbol, order.side, order.position_side), order.quantity)
    opening = order.quantity - closing
    if not opening:
        return
    leverage = account.setting(order.symbol).leverage
    kept = ZERO if closing else abs(position.quantity)
    worth = (kept + opening) * price + account.book.waiting_notional(order.symbol, order.side)
    if worth > instrument.notional_cap(leverage):
        raise refused(-2027)
    released = account.position_margin(position, exchange.mark(order.symbol)) if closing else ZERO
    needed = opening * price / leverage + order.quantity * price * account.taker_rate
    if needed > account.available(exchange.mark) + released:
        raise refused(-2019)
