"""Public market data over HTTP."""

from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any

from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import (
    BAND_DOWN,
    BAND_UP,
    INSTRUMENTS,
    LIQUIDATION_FEE,
    MAX_OPEN_ALGOS,
    MAX_OPEN_ORDERS,
    TRIGGER_PROTECT,
    Instrument,
)
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.market import MONTH_MS

_DAY_MS = 24 * 60 * 60 * 1_000
_ONBOARDED_MS = 1_569_398_400_000
_PERPETUAL_MS = 4_133_404_800_000
_MINUTES = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1_440, "3d": 4_320, "1w": 10_080,
}  # fmt: skip
INTERVALS_MS = {**{name: minutes * 60_000 for name, minutes in _MINUTES.items()}, "1M": MONTH_MS}
REQUEST_LIMITS = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2_400}]
ORDER_LIMITS = [
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1_200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
]


def ping(call: Call) -> Any:
    del call
    return {}


def server_time(call: Call) -> Any:
    return {"serverTime": call.now_ms}


def exchange_info(call: Call) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [*REQUEST_LIMITS, *ORDER_LIMITS],
        "exchangeFilters": [],
        "assets": [
            {"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"},
            {"asset": "BNB", "marginAvailable": True, "autoAssetExchange": "-10"},
        ],
        "symbols": [_symbol_info(instrument) for instrument in INSTRUMENTS.values()],
    }


def price_ticker(call: Call) -> Any:
    return one_or_all(call, lambda symbol: price_row(call.exchange, symbol))


def book_ticker(call: Call) -> Any:
    return one_or_all(call, lambda symbol: book_row(call.exchange, symbol))


def day_ticker(call: Call) -> Any:
    return one_or_all(call, lambda symbol: day_row(call.exchange, symbol, call.now_ms))


def depth(call: Call) -> Any:
    symbol = call.exchange.instrument(call.params.required("symbol")).symbol
    return {
        "lastUpdateId": call.exchange.depth[symbol].update,
        "E": call.now_ms,
        "T": call.exchange.quote(symbol).at_ms,
        **levels(call.exchange, symbol, call.params.limit(500, 1_000)),
    }


_NO_LEVEL = [["0", "0"]]


def price_row(exchange: Exchange, symbol: str) -> dict[str, Any]:
    quote = exchange.quote(symbol)
    return {"symbol": symbol, "price": plain(quote.last), "time": quote.at_ms}


def book_row(exchange: Exchange, symbol: str) -> dict[str, Any]:
    quote, book = exchange.quote(symbol), levels(exchange, symbol, 1)
    [[bid, bid_quantity], [ask, ask_quantity]] = (book["bids"] or _NO_LEVEL) + (book["asks"] or _NO_LEVEL)
    return {
        "symbol": symbol,
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
        "time": quote.at_ms,
        "lastUpdateId": exchange.depth[symbol].update,
    }


def day_row(exchange: Exchange, symbol: str, now_ms: int) -> dict[str, Any]:
    quote, day = exchange.quote(symbol), exchange.market.chart(symbol).day()
    if day is None:
        raise LookupError(f"{symbol} has no candles")
    change = quote.last - day.open
    middle = (day.high + day.low + day.close) / 3
    return {
        "symbol": symbol,
        "priceChange": plain(change),
        "priceChangePercent": f"{change * 100 / day.open:.3f}",
        "weightedAvgPrice": plain(middle),
        "lastPrice": plain(quote.last),
        "lastQty": plain(quote.volume),
        "openPrice": plain(day.open),
        "highPrice": plain(day.high),
        "lowPrice": plain(day.low),
        "volume": plain(day.volume),
        "quoteVolume": plain(day.volume * middle),
        "openTime": now_ms - _DAY_MS,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": day.trades,
        "count": day.trades,
    }


def levels(exchange: Exchange, symbol: str, count: int) -> dict[str, list[list[str]]]:
    """Both sides of the book as it stands: what orders have taken in this step is gone."""
    quote = exchange.quote(symbol)
    sides = {"bids": "SELL", "asks": "BUY"}
    return {
        name: [
            [plain(level.price), plain(level.quantity)]
            for level in islice(exchange.depth[symbol].facing(side, quote), count)
        ]
        for name, side in sides.items()
    }


def one_or_all(call: Call, row: Callable[[str], Any]) -> Any:
    symbol = call.params.text("symbol")
    if symbol is not None:
        return row(call.exchange.instrument(symbol).symbol)
    return [row(each) for each in INSTRUMENTS]


def _symbol_info(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_MS,
        "onboardDate": _ONBOARDED_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": instrument.price_precision,
        "quantityPrecision": instrument.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["Layer-1"],
        "triggerProtect": f"{TRIGGER_PROTECT:.4f}",
        "settlePlan": 0,
        "liquidationFee": f"{LIQUIDATION_FEE:.6f}",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(instrument),
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, step, least = _text(instrument.tick), _text(instrument.step), _text(instrument.quantity_min)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": _text(instrument.price_max), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": least, "maxQty": _text(instrument.quantity_max), "stepSize": step},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": least,
            "maxQty": _text(instrument.market_quantity_max),
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": MAX_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": MAX_OPEN_ALGOS},
        {"filterType": "MIN_NOTIONAL", "notional": _text(instrument.notional_min)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{BAND_UP:.4f}",
            "multiplierDown": f"{BAND_DOWN:.4f}",
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]


def _text(value: Decimal) -> str:
    return f"{value:f}"


def costs(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if "symbol" in params else every


def _depth_weight(params: Params) -> int:
    limit = params.limit(500, 1_000)
    return next(cost for most, cost in ((50, 2), (100, 5), (500, 10), (1_000, 20)) if limit <= most)


ROUTES: Routes = {
    ("GET", "/fapi/v1/ping"): Route(handle=ping, guard="public"),
    ("GET", "/fapi/v1/time"): Route(handle=server_time, guard="public"),
    ("GET", "/fapi/v1/exchangeInfo"): Route(handle=exchange_info, guard="public"),
    ("GET", "/fapi/v1/ticker/price"): Route(handle=price_ticker, weight=costs(1, 2), guard="public"),
    ("GET", "/fapi/v2/ticker/price"): Route(handle=price_ticker, weight=costs(1, 2), guard="public"),
    ("GET", "/fapi/v1/ticker/bookTicker"): Route(handle=book_ticker, weight=costs(2, 5), guard="public"),
    ("GET", "/fapi/v1/ticker/24hr"): Route(handle=day_ticker, weight=costs(1, 40), guard="public"),
    ("GET", "/fapi/v1/depth"): Route(handle=depth, weight=_depth_weight, guard="public"),
}
