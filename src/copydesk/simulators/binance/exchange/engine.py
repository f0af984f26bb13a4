"""What makes time pass: steps of the market, and what each price sets off."""

from decimal import Decimal

from copydesk.simulators.binance.exchange import algos, trading
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS


def advance(exchange: Exchange, now_ms: int) -> int:
    """Play every step that is due; answers how many."""
    count = 0
    for at_ms in exchange.market.steps(now_ms):
        count += 1
        for symbol in INSTRUMENTS:
            _set_off(exchange, symbol, at_ms)
        _tell(exchange, at_ms)
    return count


def put_price(exchange: Exchange, symbol: str, price: Decimal, now_ms: int, *, hold: bool) -> None:
    """Set the price; whatever it fills or triggers has happened when this returns."""
    exchange.market.put(symbol, price, now_ms, hold=hold)
    _set_off(exchange, symbol, now_ms)
    _tell(exchange, now_ms)


def _tell(exchange: Exchange, now_ms: int) -> None:
    for follow in exchange.after_step:
        follow(now_ms)


def _set_off(exchange: Exchange, symbol: str, now_ms: int) -> None:
    if exchange.resting[symbol]:
        trading.match(exchange, symbol, now_ms)
    if exchange.waiting[symbol]:
        algos.trigger(exchange, symbol, now_ms)
