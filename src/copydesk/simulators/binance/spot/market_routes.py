"""Public spot market data over HTTP."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.text import money
from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.rest.market_routes import INTERVALS_MS
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.spot.book import best_quantity, read_book
from copydesk.simulators.binance.spot.call import SpotCall, SpotRoutes
from copydesk.simulators.binance.spot.listing import pair_row, rate_limits
from copydesk.simulators.binance.spot.reading import read_symbol, read_symbols
from copydesk.simulators.binance.spot.refusals import refused
from copydesk.simulators.binance.spot.symbols import PAIRS
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.market import PRINTS_KEPT, Candle, Print

DAY_MS = 24 * 60 * 60 * 1_000
_MINUTE_MS = 60_000
_AVERAGE_MINUTES = 5
_MINI = (
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", "openTime", "closeTime",
    "firstId", "lastId", "count",
)  # fmt: skip


def ping(call: SpotCall) -> Any:
    del call
    return {}


def server_time(call: SpotCall) -> Any:
    return {"serverTime": call.now_ms}


def exchange_info(call: SpotCall) -> Any:
    """All pairs, one, a list, or those with one of some permissions; every pair here has SPOT alone."""
    wanted, permissions = _wanted(call), call.params.text("permissions")
    if permissions is not None:
        if wanted is not None:
            raise refused(-1128)
        wanted = list(PAIRS) if "SPOT" in permissions.strip("[]").replace('"', "").split(",") else []
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "rateLimits": rate_limits(),
        "exchangeFilters": [],
        "symbols": [pair_row(PAIRS[symbol]) for symbol in (PAIRS if wanted is None else wanted)],
    }


def no_coin_margined(call: SpotCall) -> Any:
    """This venue lists no coin-margined futures; clients that ask for all kinds of market must be told so, not fail."""
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def depth(call: SpotCall) -> Any:
    symbol = _symbol(call)
    return {
        "lastUpdateId": update_id(call.spot, symbol),
        **read_book(call.spot, symbol).rows(call.params.limit(100, 5_000)),
    }


def trades(call: SpotCall) -> Any:
    """The newest, or those from ``fromId`` on (historicalTrades)."""
    first, limit = call.params.integer("fromId"), call.params.limit(500, PRINTS_KEPT)
    tape = call.spot.tapes[_symbol(call)]
    chosen = tape.latest(limit) if first is None else tape.since(first, limit)
    return [
        {
            "id": trade.trade_id,
            "price": money(trade.price),
            "qty": money(trade.quantity),
            "quoteQty": money(trade.price * trade.quantity),
            "time": trade.at_ms,
            "isBuyerMaker": trade.buyer_maker,
            "isBestMatch": True,
        }
        for trade in chosen
    ]


def agg_trades(call: SpotCall) -> Any:
    """Every trade stands alone here, so aggregate and trade have the same number."""
    params = call.params
    first, start, end = params.integer("fromId"), params.integer("startTime"), params.integer("endTime")
    limit = params.limit(500, PRINTS_KEPT)
    kept = [
        trade
        for trade in call.spot.tapes[_symbol(call)].latest(PRINTS_KEPT)
        if (first is None or trade.trade_id >= first)
        and (start is None or trade.at_ms >= start)
        and (end is None or trade.at_ms <= end)
    ]
    chosen = kept[-limit:] if first is None and start is None else kept[:limit]
    return [agg_row(trade) for trade in chosen]


def klines(call: SpotCall) -> Any:
    symbol = _symbol(call)
    interval = INTERVALS_MS.get(call.params.required("interval"))
    if interval is None:
        raise refused(-1120)
    candles = call.spot.market.chart(PAIRS[symbol].line).series(
        interval,
        limit=call.params.limit(500, 1_000),
        start_ms=call.params.integer("startTime"),
        end_ms=call.params.integer("endTime"),
    )
    return [_kline(candle, interval) for candle in candles]


def average_price(call: SpotCall) -> Any:
    return average_row(call.spot, _symbol(call), call.now_ms)


def day_ticker(call: SpotCall) -> Any:
    kind = call.params.text("type") or "FULL"
    if kind not in {"FULL", "MINI"}:
        raise refused(-1130, "type")
    rows = _one_or_many(call, lambda symbol: day_row(call.spot, symbol, call.now_ms))
    return rows if kind == "FULL" else _each(rows, lambda row: {name: row[name] for name in _MINI})


def price_ticker(call: SpotCall) -> Any:
    return _one_or_many(call, lambda symbol: {"symbol": symbol, "price": money(call.spot.last(symbol))})


def book_ticker(call: SpotCall) -> Any:
    return _one_or_many(call, lambda symbol: _book_row(call.spot, symbol))


def update_id(spot: Spot, symbol: str) -> int:
    """Numbers the book: one update a step, counted with the trades."""
    last = spot.tapes[symbol].last
    return 1 if last is None else 1 + last.trade_id


def average_row(spot: Spot, symbol: str, now_ms: int) -> dict[str, Any]:
    chart = spot.market.chart(PAIRS[symbol].line)
    candles = chart.series(_MINUTE_MS, limit=_AVERAGE_MINUTES, start_ms=None, end_ms=None)
    volume = sum((candle.volume for candle in candles), Decimal(0))
    worth = sum((candle.volume * candle.close for candle in candles), Decimal(0))
    price = worth / volume if volume else spot.last(symbol)
    return {"mins": _AVERAGE_MINUTES, "price": money(price), "closeTime": now_ms}


def day_row(spot: Spot, symbol: str, now_ms: int) -> dict[str, Any]:
    pair, quote = PAIRS[symbol], spot.quote(symbol)
    day, last = spot.market.chart(pair.line).day(), spot.tapes[symbol].last
    if day is None:
        raise LookupError(f"{symbol} has no candles")
    change, worth = quote.last - day.open, day.volume * (day.high + day.low) / 2
    number = 1 if last is None else last.trade_id
    return {
        "symbol": symbol,
        "priceChange": money(change),
        "priceChangePercent": f"{change / day.open * 100:.3f}",
        "weightedAvgPrice": money((day.high + day.low) / 2),
        "prevClosePrice": money(day.open),
        "lastPrice": money(quote.last),
        "lastQty": money(pair.step if last is None else last.quantity),
        "bidPrice": money(quote.bid),
        "bidQty": best_quantity(spot, symbol, "SELL"),
        "askPrice": money(quote.ask),
        "askQty": best_quantity(spot, symbol, "BUY"),
        "openPrice": money(day.open),
        "highPrice": money(day.high),
        "lowPrice": money(day.low),
        "volume": money(day.volume),
        "quoteVolume": money(worth),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": number,
        "count": number,
    }


def agg_row(trade: Print) -> dict[str, Any]:
    return {
        "a": trade.trade_id,
        "p": money(trade.price),
        "q": money(trade.quantity),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.at_ms,
        "m": trade.buyer_maker,
        "M": True,
    }


def _book_row(spot: Spot, symbol: str) -> dict[str, Any]:
    quote = spot.quote(symbol)
    return {
        "symbol": symbol,
        "bidPrice": money(quote.bid),
        "bidQty": best_quantity(spot, symbol, "SELL"),
        "askPrice": money(quote.ask),
        "askQty": best_quantity(spot, symbol, "BUY"),
    }


def _kline(candle: Candle, interval_ms: int) -> list[Any]:
    worth = candle.volume * (candle.high + candle.low) / 2
    return [
        candle.start_ms,
        money(candle.open),
        money(candle.high),
        money(candle.low),
        money(candle.close),
        money(candle.volume),
        candle.start_ms + interval_ms - 1,
        money(worth),
        candle.trades,
        money(candle.volume / 2),
        money(worth / 2),
        "0",
    ]


def _symbol(call: SpotCall) -> str:
    return call.spot.pair(read_symbol(call.params)).symbol


def _wanted(call: SpotCall) -> list[str] | None:
    symbols = read_symbols(call.params)
    return None if symbols is None else [call.spot.pair(symbol).symbol for symbol in symbols]


def _one_or_many(call: SpotCall, row: Callable[[str], Any]) -> Any:
    """One object for ``symbol``, a list for ``symbols`` or for none."""
    wanted = _wanted(call)
    rows = [row(symbol) for symbol in (PAIRS if wanted is None else wanted)]
    return rows[0] if "symbol" in call.params else rows


def _each(rows: Any, change: Callable[[Any], Any]) -> Any:
    return [change(row) for row in rows] if isinstance(rows, list) else change(rows)


def _costs(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if "symbol" in params else every


def _day_weight(params: Params) -> int:
    if "symbol" in params:
        return 2
    named = len(read_symbols(params) or ())
    return next(cost for most, cost in ((20, 2), (100, 40)) if named <= most) if named else 80


def _depth_weight(params: Params) -> int:
    limit = params.limit(100, 5_000)
    return next(cost for most, cost in ((100, 5), (500, 25), (1_000, 50), (5_000, 250)) if limit <= most)


ROUTES: SpotRoutes = {
    ("GET", "/api/v3/ping"): Route(handle=ping, guard="public"),
    ("GET", "/api/v3/time"): Route(handle=server_time, guard="public"),
    ("GET", "/api/v3/exchangeInfo"): Route(handle=exchange_info, weight=20, guard="public"),
    ("GET", "/dapi/v1/exchangeInfo"): Route(handle=no_coin_margined, guard="public"),
    ("GET", "/api/v3/depth"): Route(handle=depth, weight=_depth_weight, guard="public"),
    ("GET", "/api/v3/trades"): Route(handle=trades, weight=25, guard="public"),
    ("GET", "/api/v3/historicalTrades"): Route(handle=trades, weight=25, guard="public"),
    ("GET", "/api/v3/aggTrades"): Route(handle=agg_trades, weight=4, guard="public"),
    ("GET", "/api/v3/klines"): Route(handle=klines, weight=2, guard="public"),
    ("GET", "/api/v3/uiKlines"): Route(handle=klines, weight=2, guard="public"),
    ("GET", "/api/v3/avgPrice"): Route(handle=average_price, weight=2, guard="public"),
    ("GET", "/api/v3/ticker/24hr"): Route(handle=day_ticker, weight=_day_weight, guard="public"),
    ("GET", "/api/v3/ticker/price"): Route(handle=price_ticker, weight=_costs(2, 4), guard="public"),
    ("GET", "/api/v3/ticker/bookTicker"): Route(handle=book_ticker, weight=_costs(2, 4), guard="public"),
}
