"""What makes time pass: steps of the market, what each price sets off, and what falls due in between."""

from decimal import Decimal

from copydesk.simulators.binance.clockwork import liquidation, timers
from copydesk.simulators.binance.exchange import algos, matching
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS


def advance(exchange: Exchange, now_ms: int) -> int:
    """Play every step that is due; answers how many."""
    count = 0
    for at_ms in exchange.market.steps(now_ms):
        count += 1
        timers.run(exchange, at_ms)
        for symbol in INSTRUMENTS:
            _set_off(exchange, symbol, at_ms)
        liquidation.watch(exchange, at_ms)
        _tell(exchange, at_ms)
    timers.run(exchange, now_ms)
    return count


def put_price(
    exchange: Exchange, symbol: str, price: Decimal, now_ms: int, *, hold: bool, mark: Decimal | None = None
) -> None:
    """Set the price; whatever it fills, triggers or liquidates has happened when this returns."""
    exchange.market.put(symbol, price, now_ms, hold=hold, mark=mark)
    _set_off(exchange, symbol, now_ms)
    liquidation.watch(exchange, now_ms)
    _tell(exchange, now_ms)


def _tell(exchange: Exchange, now_ms: int) -> None:
    for follow in exchange.after_step:
        follow(now_ms)


def _set_off(exchange: Exchange, symbol: str, now_ms: int) -> None:
    exchange.depth[symbol].renew()
    if exchange.resting[symbol]:
        matching.match(exchange, symbol, now_ms)
    if exchange.waiting[symbol]:
        algos.trigger(exchange, symbol, now_ms)
