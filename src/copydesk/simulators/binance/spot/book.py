"""The order book as it is shown: the levels an order would meet, and how it differs from the book told before."""

from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.spot.venue import Spot

_GONE = "0.00000000"

Rows = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Quantity by price, best first."""

    bids: Mapping[str, str]
    asks: Mapping[str, str]

    def rows(self, count: int) -> dict[str, Rows]:
        return {
            "bids": [list(row) for row in list(self.bids.items())[:count]],
            "asks": [list(row) for row in list(self.asks.items())[:count]],
        }


def read_book(spot: Spot, symbol: str) -> Book:
    """A buyer meets the asks, a seller the bids."""
    return Book(bids=_side(spot, symbol, "SELL"), asks=_side(spot, symbol, "BUY"))


def best_quantity(spot: Spot, symbol: str, side: str) -> str:
    """What is left at the best price an order on this side meets."""
    best = next(spot.facing(symbol, side), None)
    return _GONE if best is None else money(best.quantity)


def told_anew(before: Book, after: Book) -> tuple[Rows, Rows]:
    """Bids and asks: levels that went, with nothing, then all there are, because orders may have eaten from any."""
    return _anew(before.bids, after.bids), _anew(before.asks, after.asks)


def _side(spot: Spot, symbol: str, side: str) -> dict[str, str]:
    return {money(level.price): money(level.quantity) for level in spot.facing(symbol, side)}


def _anew(before: Mapping[str, str], after: Mapping[str, str]) -> Rows:
    gone = [[price, _GONE] for price in before if price not in after]
    return gone + [list(row) for row in after.items()]
