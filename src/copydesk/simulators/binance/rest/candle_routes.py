"""Candles over HTTP: of the last price, by contract, of mark, of index and of the premium between them."""

from typing import Any

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.market_routes import INTERVALS_MS
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.market import Candle, candle_end

_CONTRACTS = frozenset({"PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER"})


def klines(call: Call) -> Any:
    return _candles(call, _symbol(call), "last")


def continuous_klines(call: Call) -> Any:
    """Only perpetual contracts are listed here: the quarterly ones have no candles."""
    pair, contract = _pair(call), call.params.required("contractType")
    if contract not in _CONTRACTS:
        raise refused(-1130, "contractType")
    return _candles(call, pair, "last") if contract == "PERPETUAL" else []


def mark_klines(call: Call) -> Any:
    return _candles(call, _symbol(call), "mark")


def index_klines(call: Call) -> Any:
    return _candles(call, _pair(call), "index")


def premium_klines(call: Call) -> Any:
    return _candles(call, _symbol(call), "premium")


def _symbol(call: Call) -> str:
    return call.exchange.instrument(call.params.required("symbol")).symbol


def _pair(call: Call) -> str:
    pair = call.params.required("pair")
    if pair not in INSTRUMENTS:
        raise refused(-4144)
    return pair


def _candles(call: Call, symbol: str, kind: str) -> Any:
    interval = INTERVALS_MS.get(call.params.required("interval"))
    if interval is None:
        raise refused(-1120)
    candles = call.exchange.market.chart(symbol, kind).series(
        interval,
        limit=call.params.limit(500, 1_500),
        start_ms=call.params.integer("startTime"),
        end_ms=call.params.integer("endTime"),
    )
    return [_row(candle, interval, traded=kind == "last") for candle in candles]


def _row(candle: Candle, interval_ms: int, *, traded: bool) -> list[Any]:
    """Twelve columns; what was not traded but measured has no volumes."""
    volume = candle.volume if traded else candle.volume * 0
    middle = (candle.high + candle.low) / 2
    return [
        candle.start_ms,
        plain(candle.open),
        plain(candle.high),
        plain(candle.low),
        plain(candle.close),
        plain(volume),
        candle_end(candle.start_ms, interval_ms) - 1,
        plain(volume * middle),
        candle.trades,
        plain(volume / 2),
        plain(volume * middle / 2),
        "0",
    ]


def _weight(params: Params) -> int:
    limit = params.limit(500, 1_500)
    return next(cost for most, cost in ((99, 1), (499, 2), (1_000, 5), (1_500, 10)) if limit <= most)


ROUTES: Routes = {
    ("GET", "/fapi/v1/klines"): Route(handle=klines, weight=_weight, guard="public"),
    ("GET", "/fapi/v1/continuousKlines"): Route(handle=continuous_klines, weight=_weight, guard="public"),
    ("GET", "/fapi/v1/markPriceKlines"): Route(handle=mark_klines, weight=_weight, guard="public"),
    ("GET", "/fapi/v1/indexPriceKlines"): Route(handle=index_klines, weight=_weight, guard="public"),
    ("GET", "/fapi/v1/premiumIndexKlines"): Route(handle=premium_klines, weight=_weight, guard="public"),
}
