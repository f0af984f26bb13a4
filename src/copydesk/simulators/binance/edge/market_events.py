"""What each market stream says about one symbol, field by field (fact sheet §1.8, §2.5; fields as the venue's SDK lists them)."""

from typing import Any

from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import next_funding_ms
from copydesk.simulators.binance.exchange.records import Order
from copydesk.simulators.binance.exchange.text import money, plain
from copydesk.simulators.binance.rest.market_routes import book_row, day_row
from copydesk.simulators.market import Candle, Print, candle_end

Event = dict[str, Any]
_UM = 1  # ``st``: 1 is USDⓈ-M, 2 is COIN-M


def kline(candle: Candle, symbol: str, interval: str, length: int, at_ms: int, *, closed: bool) -> Event:
    body = {"t": candle.start_ms, "T": candle_end(candle.start_ms, length) - 1, "s": symbol, "i": interval}
    return {"e": "kline", "E": at_ms, "s": symbol, "k": {**body, **_candle(candle, closed=closed)}, "st": _UM}


def continuous_kline(candle: Candle, symbol: str, interval: str, length: int, at_ms: int, *, closed: bool) -> Event:
    body = {
        "t": candle.start_ms,
        "T": candle_end(candle.start_ms, length) - 1,
        "i": interval,
        **_candle(candle, closed=closed),
    }
    return {"e": "continuous_kline", "E": at_ms, "ps": symbol, "ct": "PERPETUAL", "k": body, "st": _UM}


def mini_ticker(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    return {"e": "24hrMiniTicker", "E": at_ms, "s": symbol, **_day(day_row(exchange, symbol, at_ms)), **_pair(symbol)}


def ticker(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    row = day_row(exchange, symbol, at_ms)
    return {
        "e": "24hrTicker",
        "E": at_ms,
        "s": symbol,
        **_day(row),
        "p": row["priceChange"],
        "P": row["priceChangePercent"],
        "w": row["weightedAvgPrice"],
        "Q": row["lastQty"],
        "O": row["openTime"],
        "C": row["closeTime"],
        "F": row["firstId"],
        "L": row["lastId"],
        "n": row["count"],
        **_pair(symbol),
    }


def book_ticker(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    row = book_row(exchange, symbol)
    return {
        "e": "bookTicker",
        "u": row["lastUpdateId"],
        "E": at_ms,
        "T": row["time"],
        "s": symbol,
        "b": row["bidPrice"],
        "B": row["bidQty"],
        "a": row["askPrice"],
        "A": row["askQty"],
        **_pair(symbol),
    }


def depth_update(
    exchange: Exchange, symbol: str, at_ms: int, before: int, bids: list[list[str]], asks: list[list[str]]
) -> Event:
    """``before``: the last update of the event before this one."""
    last = exchange.depth[symbol].update
    header = {"e": "depthUpdate", "E": at_ms, "T": at_ms, "s": symbol, "U": before + 1, "u": last, "pu": before}
    return {**header, "b": bids, "a": asks, **_pair(symbol)}


def mark_price(exchange: Exchange, symbol: str, at_ms: int) -> Event:
    quote = exchange.quote(symbol)
    return {
        "e": "markPriceUpdate",
        "E": at_ms,
        "s": symbol,
        "p": money(quote.mark),
        "ap": money(quote.mark),
        "i": money(quote.index),
        "P": money(quote.index),
        "r": money(exchange.funding.rates[symbol]),
        "T": next_funding_ms(symbol, at_ms),
        "st": _UM,
    }


def trade(symbol: str, each: Print, at_ms: int) -> Event:
    return {
        "e": "trade",
        "E": at_ms,
        "T": each.at_ms,
        "s": symbol,
        "t": each.trade_id,
        "p": plain(each.price),
        "q": plain(each.quantity),
        "X": "MARKET",
        "m": each.buyer_maker,
        "st": _UM,
    }


def aggregate_trade(symbol: str, each: Print, at_ms: int) -> Event:
    """The market leaves one print a step, so an aggregate trade is one trade."""
    quantity = plain(each.quantity)
    return {
        "e": "aggTrade",
        "E": at_ms,
        "a": each.trade_id,
        "s": symbol,
        "p": plain(each.price),
        "q": quantity,
        "nq": quantity,
        "f": each.trade_id,
        "l": each.trade_id,
        "T": each.at_ms,
        "m": each.buyer_maker,
        "st": _UM,
    }


def forced_order(order: Order, at_ms: int) -> Event:
    body = {
        "s": order.symbol,
        "S": order.side,
        "o": "LIMIT",
        "f": "IOC",
        "q": plain(order.quantity),
        "p": plain(order.price or order.average),
        "ap": plain(order.average),
        "X": order.status,
        "l": plain(order.executed),
        "z": plain(order.executed),
        "T": order.update_ms,
    }
    return {"e": "forceOrder", "E": at_ms, "o": body, **_pair(order.symbol)}


def _pair(symbol: str) -> Event:
    return {"ps": symbol, "st": _UM}


def _day(row: Event) -> Event:
    return {
        "c": row["lastPrice"],
        "o": row["openPrice"],
        "h": row["highPrice"],
        "l": row["lowPrice"],
        "v": row["volume"],
        "q": row["quoteVolume"],
    }


def _candle(candle: Candle, *, closed: bool) -> Event:
    quote_volume = candle.volume * (candle.high + candle.low) / 2
    return {
        "f": 1,
        "L": candle.trades,
        "o": plain(candle.open),
        "c": plain(candle.close),
        "h": plain(candle.high),
        "l": plain(candle.low),
        "v": plain(candle.volume),
        "n": candle.trades,
        "x": closed,
        "q": plain(quote_volume),
        "V": plain(candle.volume / 2),
        "Q": plain(quote_volume / 2),
        "B": "0",
    }
