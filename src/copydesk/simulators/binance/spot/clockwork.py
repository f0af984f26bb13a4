"""What makes spot's time pass: each step of the market leaves a trade on the tape, renews the book and is matched."""

from decimal import Decimal

from copydesk.simulators.binance.spot import matching
from copydesk.simulators.binance.spot.symbols import PAIRS
from copydesk.simulators.binance.spot.venue import Spot


def follow(spot: Spot, at_ms: int) -> None:
    """The market has made a step."""
    for symbol, pair in PAIRS.items():
        quote = spot.quote(symbol)
        spot.tapes[symbol].note(quote.last, max(quote.volume, pair.step), at_ms)
        spot.depth[symbol].renew()
        if spot.resting[symbol]:
            matching.match(spot, symbol, at_ms)


def put_price(spot: Spot, line: str, price: Decimal, now_ms: int, *, hold: bool) -> None:
    """Set the price of a line the futures do not have; whatever it fills has happened when this returns."""
    spot.market.put(line, price, now_ms, hold=hold)
    follow(spot, now_ms)
