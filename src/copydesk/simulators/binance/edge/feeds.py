"""Market streams by name: which exist, on which of the split hosts, how often each speaks (fact sheet §1.8)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from copydesk.simulators.binance.edge import market_events as says
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.market_routes import INTERVALS_MS, levels
from copydesk.simulators.market import Candle, Print

Event = dict[str, Any]
Build = Callable[[Exchange, str, int], Event]
Book = dict[str, dict[str, str]]
_KLINE_MS = 250
_ALL_BOOKS_MS = 5_000
_DEPTH_DEFAULT_MS = 250
_PRINTS_MAX = 1_000
_BOOK_LEVELS = 1_000  # as deep as the deepest snapshot: one and the other are the same book
_TAKERS = {"bids": "SELL", "asks": "BUY"}
_DEPTH = re.compile(r"(?:rpiD|d)epth(5|10|20)?(?:@(100|250|500)ms)?")
_KLINE = re.compile(r"(kline|continuousKline)_(\w+)")


class Feed(Protocol):
    """One stream somebody listens to; it remembers what it said last."""

    @property
    def host(self) -> str: ...

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        """What it has to say now, oldest first."""


def open_feed(exchange: Exchange, name: str) -> Feed | None:
    """None: no stream of that name has anything to say."""
    if name.startswith("!"):
        return _of_all(exchange, name)
    head, _, kind = name.partition("@")
    symbol = head.upper()
    if head != head.lower():
        return None
    if match := _KLINE.fullmatch(kind):
        return _candles(symbol, match[1], match[2])
    if symbol not in INSTRUMENTS:
        return None
    if match := _DEPTH.fullmatch(kind):
        every = int(match[2] or _DEPTH_DEFAULT_MS)
        return Partial(symbol, int(match[1]), every) if match[1] else Changes(exchange, symbol, every)
    return _of_one(exchange, symbol, kind)


@dataclass(slots=True)
class Periodic:
    """``joined``: all symbols in one list, else an event each."""

    host: str
    build: Build
    symbols: tuple[str, ...]
    every_ms: int
    joined: bool = False
    _slot: int = -1

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        slot = now_ms // self.every_ms
        if slot == self._slot:
            return []
        self._slot = slot
        events = [self.build(exchange, symbol, now_ms) for symbol in self.symbols]
        return [events] if self.joined else events


@dataclass(slots=True)
class BestPrices:
    """Real time: whenever the book may have changed."""

    symbol: str
    host: str = "public"
    _update: int = 0

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        update = exchange.depth[self.symbol].update
        if update == self._update:
            return []
        self._update = update
        return [says.book_ticker(exchange, self.symbol, now_ms)]


class Trades:
    """Real time: every print of the tape since the last look."""

    def __init__(self, exchange: Exchange, symbol: str, host: str, build: Callable[[str, Print, int], Event]) -> None:
        self.host = host
        self._symbol = symbol
        self._build = build
        self._last = exchange.market.tape(symbol).latest(1)[-1].trade_id

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        prints = exchange.market.tape(self._symbol).since(self._last + 1, _PRINTS_MAX)
        self._last += len(prints)
        return [self._build(self._symbol, each, now_ms) for each in prints]


@dataclass(slots=True)
class Candles:
    """The open candle as it grows; once it is over its last state with ``x`` true, then the next one."""

    symbol: str
    interval: str
    build: Callable[..., Event]
    host: str = "market"
    _slot: int = -1
    _start_ms: int | None = None

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        slot, length = now_ms // _KLINE_MS, INTERVALS_MS[self.interval]
        candle = exchange.market.chart(self.symbol).current(length)
        if slot == self._slot or candle is None:
            return []
        self._slot = slot
        over = [] if self._start_ms in {None, candle.start_ms} else self._over(exchange, length, candle.start_ms)
        self._start_ms = candle.start_ms
        told = [self.build(each, self.symbol, self.interval, length, now_ms, closed=True) for each in over]
        return [*told, self.build(candle, self.symbol, self.interval, length, now_ms, closed=False)]

    def _over(self, exchange: Exchange, length: int, end_ms: int) -> list[Candle]:
        """What has ended since the last event: usually one, more after a long pause of the whole process."""
        start_ms = self._start_ms or 0
        count = max(1, (end_ms - start_ms) // length)
        return exchange.market.chart(self.symbol).series(length, limit=count, start_ms=start_ms, end_ms=end_ms - 1)


@dataclass(slots=True)
class Partial:
    """The best levels of both sides, whole each time."""

    symbol: str
    count: int
    every_ms: int
    host: str = "public"
    _slot: int = -1
    _update: int = 0

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        slot, update = now_ms // self.every_ms, exchange.depth[self.symbol].update
        if slot == self._slot or update == self._update:
            return []
        before, self._slot, self._update = self._update or update - 1, slot, update
        rows = levels(exchange, self.symbol, self.count)
        return [says.depth_update(exchange, self.symbol, now_ms, before, rows["bids"], rows["asks"])]


class Changes:
    """The levels that differ since the event before; a level that is gone comes with quantity 0."""

    host = "public"

    def __init__(self, exchange: Exchange, symbol: str, every_ms: int) -> None:
        self._symbol = symbol
        self._every_ms = every_ms
        self._slot = -1
        self._update = exchange.depth[symbol].update
        self._book = _book(exchange, symbol)

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        slot, update = now_ms // self._every_ms, exchange.depth[self._symbol].update
        if slot == self._slot or update == self._update:
            return []
        before, self._slot, self._update = self._update, slot, update
        earlier, self._book = self._book, _book(exchange, self._symbol)
        eaten = {
            (side, plain(price)) for (side, price), at in exchange.depth[self._symbol].eaten.items() if at > before
        }
        bids, asks = (_difference(earlier, self._book, side, eaten) for side in ("bids", "asks"))
        return [says.depth_update(exchange, self._symbol, now_ms, before, bids, asks)]


class Forced:
    """The latest liquidation of each symbol within a second, where there was one."""

    host = "market"

    def __init__(self, exchange: Exchange, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._slot = -1
        self._told = dict(exchange.liquidated)

    def due(self, exchange: Exchange, now_ms: int) -> list[Any]:
        slot = now_ms // 1_000
        if slot == self._slot:
            return []
        self._slot = slot
        latest = {each: exchange.liquidated.get(each) for each in self._symbols}
        news = [order for symbol, order in latest.items() if order is not None and order is not self._told.get(symbol)]
        self._told.update({order.symbol: order for order in news})
        return [says.forced_order(order, now_ms) for order in news]


def _book(exchange: Exchange, symbol: str) -> Book:
    rows = levels(exchange, symbol, _BOOK_LEVELS)
    return {side: dict(rows[side]) for side in ("bids", "asks")}


def _difference(earlier: Book, now: Book, side: str, eaten: set[tuple[str, str]]) -> list[list[str]]:
    """A level that was eaten is told even when it has come back: somebody's snapshot may have seen it in between."""
    told = {price for taker, price in eaten if taker == _TAKERS[side]}
    before = dict.fromkeys((*earlier[side], *sorted(told)))  # in one order in every process
    changed = [[price, each] for price, each in now[side].items() if earlier[side].get(price) != each or price in told]
    return [*changed, *([price, "0"] for price in before if price not in now[side])]


def _candles(symbol: str, kind: str, interval: str) -> Feed | None:
    if kind == "continuousKline":
        symbol, _, contract = symbol.partition("_")
        if contract != "PERPETUAL":
            return None
    if symbol not in INSTRUMENTS or interval not in INTERVALS_MS:
        return None
    return Candles(symbol, interval, says.kline if kind == "kline" else says.continuous_kline)


def _of_one(exchange: Exchange, symbol: str, kind: str) -> Feed | None:
    match kind:
        case "bookTicker":
            return BestPrices(symbol)
        case "trade":
            return Trades(exchange, symbol, "public", says.trade)
        case "aggTrade":
            return Trades(exchange, symbol, "market", says.aggregate_trade)
        case "forceOrder":
            return Forced(exchange, (symbol,))
        case _ if kind in _PERIODS:
            build, every_ms = _PERIODS[kind]
            return Periodic("market", build, (symbol,), every_ms)
        case _:
            return None


def _of_all(exchange: Exchange, name: str) -> Feed | None:
    every = tuple(INSTRUMENTS)
    if name == "!bookTicker":
        return Periodic("public", says.book_ticker, every, _ALL_BOOKS_MS)
    if name == "!forceOrder@arr":
        return Forced(exchange, every)
    if name not in _ALL_PERIODS:
        return None
    build, every_ms = _ALL_PERIODS[name]
    return Periodic("market", build, every, every_ms, joined=True)


_PERIODS: dict[str, tuple[Build, int]] = {
    "miniTicker": (says.mini_ticker, 2_000),
    "ticker": (says.ticker, 2_000),
    "markPrice": (says.mark_price, 3_000),
    "markPrice@1s": (says.mark_price, 1_000),
}
_ALL_PERIODS: dict[str, tuple[Build, int]] = {
    "!miniTicker@arr": (says.mini_ticker, 1_000),
    "!ticker@arr": (says.ticker, 1_000),
    "!markPrice@arr": (says.mark_price, 3_000),
    "!markPrice@arr@1s": (says.mark_price, 1_000),
}
