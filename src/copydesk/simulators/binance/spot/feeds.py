"""Spot market streams: which names exist, how often each speaks, and what it says (the venue's web-socket-streams.md)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.rest.market_routes import INTERVALS_MS
from copydesk.simulators.binance.spot.book import Book, best_quantity, read_book, told_anew
from copydesk.simulators.binance.spot.market_routes import agg_row, average_row, day_row, update_id
from copydesk.simulators.binance.spot.symbols import PAIRS
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.market import PRINTS_KEPT, Candle, Print

Event = dict[str, Any]
_STEPS_A_SECOND = 4
_PARTIAL_DEPTHS = frozenset({5, 10, 20})


class Feeds:
    """Remembers what was told last, so that trades, book updates and candle ends are each told once, in order."""

    def __init__(self, spot: Spot) -> None:
        self._spot = spot
        self._step = 0
        self._heard: set[str] = set()
        self._told_id = {symbol: update_id(spot, symbol) for symbol in PAIRS}
        self._told_book: dict[str, Book] = {}
        self._told_candle: dict[str, int] = {}
        self._kinds: dict[str, Callable[[str, int], list[Event]]] = {
            "trade": self._trades,
            "aggTrade": self._agg_trades,
            "bookTicker": self._best,
            "depth": self._depth,
            "depth@100ms": self._depth,
            "miniTicker": self._mini_ticker,
            "ticker": self._ticker,
            "avgPrice": self._average,
        }

    def follow(self, names: Collection[str]) -> None:
        """These are listened to from now on. A book that nobody follows is not kept: it costs more than all else."""
        heard = {_symbol(name) for name in names} & PAIRS.keys()
        for symbol in heard - self._heard:
            self._told_id[symbol] = update_id(self._spot, symbol)
        self._heard = heard
        books = {_symbol(name) for name in names if "@depth" in name} & PAIRS.keys()
        for symbol in books - self._told_book.keys():
            self._told_book[symbol] = read_book(self._spot, symbol)
        for symbol in self._told_book.keys() - books:
            del self._told_book[symbol]

    def events(self, names: Collection[str], steps: int, now_ms: int) -> Iterator[tuple[str, Any]]:
        """Once after each batch of market steps, with every name that somebody listens to."""
        self._step += steps
        for name in names:
            for event in self._told(name, now_ms):
                yield name, event
        for symbol in PAIRS:
            self._told_id[symbol] = update_id(self._spot, symbol)
        for symbol in self._told_book:
            self._told_book[symbol] = read_book(self._spot, symbol)

    def _told(self, name: str, now_ms: int) -> list[Any]:
        if name in {"!ticker@arr", "!miniTicker@arr"}:
            build = self._kinds[name[1:].removesuffix("@arr")]
            rows = [event for symbol in PAIRS for event in build(symbol, now_ms)]
            return [rows] if rows else []
        symbol, kind = _symbol(name), name.partition("@")[2]
        if symbol not in PAIRS:
            return []
        if kind.startswith("kline_"):
            return self._kline(symbol, kind.removeprefix("kline_"), now_ms)
        levels = kind.removeprefix("depth").removesuffix("@100ms")
        if kind.startswith("depth") and levels.isdigit():
            return self._partial_depth(symbol, int(levels))
        return self._kinds[kind](symbol, now_ms) if kind in self._kinds else []

    def _new_trades(self, symbol: str) -> Sequence[Print]:
        return self._spot.tapes[symbol].since(self._told_id[symbol], PRINTS_KEPT)

    def _trades(self, symbol: str, now_ms: int) -> list[Event]:
        return [
            {
                "e": "trade",
                "E": now_ms,
                "s": symbol,
                "t": trade.trade_id,
                "p": money(trade.price),
                "q": money(trade.quantity),
                "T": trade.at_ms,
                "m": trade.buyer_maker,
                "M": True,
            }
            for trade in self._new_trades(symbol)
        ]

    def _agg_trades(self, symbol: str, now_ms: int) -> list[Event]:
        head = {"e": "aggTrade", "E": now_ms, "s": symbol}
        return [{**head, **agg_row(trade)} for trade in self._new_trades(symbol)]

    def _best(self, symbol: str, _now_ms: int) -> list[Event]:
        quote = self._spot.quote(symbol)
        return [
            {
                "u": update_id(self._spot, symbol),
                "s": symbol,
                "b": money(quote.bid),
                "B": best_quantity(self._spot, symbol, "SELL"),
                "a": money(quote.ask),
                "A": best_quantity(self._spot, symbol, "BUY"),
            }
        ]

    def _depth(self, symbol: str, now_ms: int) -> list[Event]:
        """The levels since the last one; ``U`` follows on its ``u``."""
        first, last = self._told_id[symbol] + 1, update_id(self._spot, symbol)
        if last < first:
            return []
        bids, asks = told_anew(self._told_book[symbol], read_book(self._spot, symbol))
        return [{"e": "depthUpdate", "E": now_ms, "s": symbol, "U": first, "u": last, "b": bids, "a": asks}]

    def _partial_depth(self, symbol: str, levels: int) -> list[Event]:
        if levels not in _PARTIAL_DEPTHS:
            return []
        return [{"lastUpdateId": update_id(self._spot, symbol), **read_book(self._spot, symbol).rows(levels)}]

    def _mini_ticker(self, symbol: str, now_ms: int) -> list[Event]:
        if self._step % _STEPS_A_SECOND:
            return []
        row = day_row(self._spot, symbol, now_ms)
        return [
            {
                "e": "24hrMiniTicker",
                "E": now_ms,
                "s": symbol,
                "c": row["lastPrice"],
                "o": row["openPrice"],
                "h": row["highPrice"],
                "l": row["lowPrice"],
                "v": row["volume"],
                "q": row["quoteVolume"],
            }
        ]

    def _ticker(self, symbol: str, now_ms: int) -> list[Event]:
        if self._step % _STEPS_A_SECOND:
            return []
        row = day_row(self._spot, symbol, now_ms)
        names = {
            "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice",
            "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty",
            "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
            "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
        }  # fmt: skip
        told = {letter: row[name] for letter, name in names.items()}
        return [{"e": "24hrTicker", "E": now_ms, "s": symbol, **told}]

    def _average(self, symbol: str, now_ms: int) -> list[Event]:
        if self._step % _STEPS_A_SECOND:
            return []
        row = average_row(self._spot, symbol, now_ms)
        return [{"e": "avgPrice", "E": now_ms, "s": symbol, "i": "5m", "w": row["price"], "T": now_ms}]

    def _kline(self, symbol: str, interval: str, now_ms: int) -> list[Event]:
        """The candle as it stands, after the end of the one before it."""
        length = INTERVALS_MS.get(interval)
        if length is None:
            return []
        chart, key = self._spot.market.chart(PAIRS[symbol].line), f"{symbol}@{interval}"
        candle = chart.current(length)
        if candle is None:
            return []
        rows = [(candle, False)]
        if self._told_candle.get(key, candle.start_ms) != candle.start_ms:
            before = chart.series(length, limit=1, start_ms=None, end_ms=candle.start_ms - 1)
            rows = [(ended, True) for ended in before] + rows
        self._told_candle[key] = candle.start_ms
        return [
            {"e": "kline", "E": now_ms, "s": symbol, "k": _candle(candle, symbol, interval, length, ended=final)}
            for candle, final in rows
        ]


def _symbol(name: str) -> str:
    return name.partition("@")[0].upper()


def _candle(candle: Candle, symbol: str, interval: str, length: int, *, ended: bool) -> Event:
    worth = candle.volume * (candle.high + candle.low) / 2
    return {
        "t": candle.start_ms,
        "T": candle.start_ms + length - 1,
        "s": symbol,
        "i": interval,
        "f": 1,
        "L": candle.trades,
        "o": money(candle.open),
        "c": money(candle.close),
        "h": money(candle.high),
        "l": money(candle.low),
        "v": money(candle.volume),
        "n": candle.trades,
        "x": ended,
        "q": money(worth),
        "V": money(candle.volume / 2),
        "Q": money(worth / 2),
        "B": "0",
    }
