"""Market streams: which names exist, how often each speaks, and what it says (fact sheet §1.8 and §2.5)."""

from collections.abc import Callable
from typing import Any

from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import next_funding_ms
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.text import money, plain
from copydesk.simulators.binance.rest.market_routes import INTERVALS_MS, day_row, levels
from copydesk.simulators.market import Candle, candle_end

Event = dict[str, Any]
Build = Callable[[Exchange, str, int], Any]
_UM = 1  # ``st``: 1 is USDⓈ-M, 2 is COIN-M
_EVERY_2_S, _EVERY_3_S, _EVERY_1_S = 8, 12, 4


def events_due(exchange: Exchange, name: str, step: int, at_ms: int) -> Any:
    """What this stream says at this step, or None."""
    found = _find(name)
    if found is None:
        return None
    symbol, build, every = found
    return None if step % every else build(exchange, symbol, at_ms)


def _find(name: str) -> tuple[str, Build, int] | None:
    if name.startswith("!"):
        return _find_all(name)
    head, _, kind = name.partition("@")
    symbol = head.upper()
    if symbol not in INSTRUMENTS:
        return None
    if kind.startswith("kline_") and kind.removeprefix("kline_") in INTERVALS_MS:
        interval = kind.removeprefix("kline_")
        return symbol, lambda exchange, each, at_ms: _kline(exchange, each, interval, at_ms), 1
    if kind.startswith("depth"):
        return symbol, _depth, 1
    build = _KINDS.get(kind)
    return None if build is None else (symbol, *build)


def _find_all(name: str) -> tuple[str, Build, int] | None:
    one = _KINDS.get(name.removeprefix("!").replace("@arr", ""))
    if one is None:
        return None
    build, every = one
    return "", lambda exchange, _symbol, at_ms: [build(exchange, each, at_ms) for each in INSTRUMENTS], every


def _kline(exchange: Exchange, symbol: str, interval: str, at_ms: int) -> Event | None:
    length = INTERVALS_MS[interval]
    candle = exchange.market.chart(symbol).current(length)
    if candle is None:
        return None
    return {"e": "kline", "E": at_ms, "s": symbol, "k": _candle(candle, symbol, interval, length), "st": _UM}


def _candle(candle: Candle, symbol: str, interval: str, length: int) -> Event:
    quote_volume = candle.volume * (candle.high + candle.low) / 2
    return {
        "t": candle.start_ms,
        "T": candle_end(candle.start_ms, length) - 1,
        "s": symbol,
        "i": interval,
        "f": 1,
        "L": candle.trades,
        "o": plain(candle.open),
        "c": plain(candle.close),
        "h": plain(candle.high),
        "l": plain(candle.low),
        "v": plain(candle.volume),
        "n": candle.trades,
        "x": False,
        "q": plain(quote_volume),
        "V": plain(candle.volume / 2),
        "Q": plain(quote_volume / 2),
        "B": "0",
    }


def _mini_ticker(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    row = day_row(exchange, symbol, at_ms)
    return {
        "e": "24hrMiniTicker",
        "E": at_ms,
        "s": symbol,
        "c": row["lastPrice"],
        "o": row["openPrice"],
        "h": row["highPrice"],
        "l": row["lowPrice"],
        "v": row["volume"],
        "q": row["quoteVolume"],
        "st": _UM,
    }


def _ticker(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    row = day_row(exchange, symbol, at_ms)
    return {
        **_mini_ticker(exchange, symbol, at_ms),
        "e": "24hrTicker",
        "p": row["priceChange"],
        "P": row["priceChangePercent"],
        "w": row["weightedAvgPrice"],
        "Q": row["lastQty"],
        "O": row["openTime"],
        "C": row["closeTime"],
        "F": row["firstId"],
        "L": row["lastId"],
        "n": row["count"],
    }


def _book(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    quote = exchange.quote(symbol)
    return {
        "e": "bookTicker",
        "u": at_ms,
        "E": at_ms,
        "T": at_ms,
        "s": symbol,
        "b": plain(quote.bid),
        "B": "100",
        "a": plain(quote.ask),
        "A": "100",
        "st": _UM,
    }


def _depth(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    rows = levels(exchange, symbol, 20)
    header = {"e": "depthUpdate", "E": at_ms, "T": at_ms, "s": symbol, "U": at_ms, "u": at_ms, "pu": at_ms - 250}
    return {**header, "b": rows["bids"], "a": rows["asks"], "st": _UM}


def _mark(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    quote = exchange.quote(symbol)
    return {
        "e": "markPriceUpdate",
        "E": at_ms,
        "s": symbol,
        "p": money(quote.mark),
        "i": money(quote.index),
        "P": money(quote.index),
        "r": money(exchange.funding.rates[symbol]),
        "T": next_funding_ms(symbol, at_ms),
        "st": _UM,
    }


def _trade(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    quote = exchange.quote(symbol)
    return {
        "e": "trade",
        "E": at_ms,
        "T": at_ms,
        "s": symbol,
        "t": at_ms,
        "p": plain(quote.last),
        "q": plain(quote.volume),
        "X": "MARKET",
        "m": False,
        "st": _UM,
    }


def _agg_trade(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    return {**_trade(exchange, symbol, at_ms), "e": "aggTrade", "a": at_ms, "f": at_ms, "l": at_ms}


_KINDS: dict[str, tuple[Build, int]] = {
    "miniTicker": (_mini_ticker, _EVERY_2_S),
    "ticker": (_ticker, _EVERY_2_S),
    "bookTicker": (_book, 1),
    "markPrice": (_mark, _EVERY_3_S),
    "markPrice@1s": (_mark, _EVERY_1_S),
    "trade": (_trade, 1),
    "aggTrade": (_agg_trade, 1),
}
