"""The order book as it is shown: a tick a level, every level the same size, as far as ``LEVELS``. Orders fill endlessly deep."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.spot.symbols import PAIRS
from copydesk.simulators.binance.spot.venue import Spot

LEVELS = 500
LEVEL_QUANTITY = "100.00000000"
_GONE = "0.00000000"

Rows = list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    bid: Decimal
    ask: Decimal
    tick: Decimal


def read_book(spot: Spot, symbol: str) -> Book:
    quote = spot.quote(symbol)
    return Book(bid=quote.bid, ask=quote.ask, tick=PAIRS[symbol].tick)


def shown(book: Book, count: int) -> dict[str, Rows]:
    levels = range(min(count, LEVELS))
    bids = (book.bid - book.tick * level for level in levels)
    return {
        "bids": [[money(price), LEVEL_QUANTITY] for price in bids if price > 0],
        "asks": [[money(book.ask + book.tick * level), LEVEL_QUANTITY] for level in levels],
    }


def changed(before: Book, after: Book) -> tuple[Rows, Rows]:
    """Levels that went, with nothing, and levels that came: bids and asks."""
    then, now = shown(before, LEVELS), shown(after, LEVELS)
    return _changed(then["bids"], now["bids"]), _changed(then["asks"], now["asks"])


def _changed(then: Rows, now: Rows) -> Rows:
    before, after = {price for price, _ in then}, {price for price, _ in now}
    gone = [[price, _GONE] for price, _ in then if price not in after]
    return gone + [row for row in now if row[0] not in before]
