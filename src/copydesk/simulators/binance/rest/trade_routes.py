"""What changed hands in the market, over HTTP: one print a step, so an aggregate trade is one print too."""

from collections.abc import Sequence
from typing import Any

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.market import Print

_HOUR_MS = 60 * 60 * 1_000


def recent_trades(call: Call) -> Any:
    return [_trade(each) for each in _newest(call)]


def historical_trades(call: Call) -> Any:
    first = call.params.integer("fromId")
    found = _newest(call) if first is None else _tape(call).since(first, call.params.limit(100, 500))
    return [_trade(each) for each in found]


def aggregate_trades(call: Call) -> Any:
    """From an id on, or between two times at most an hour apart, else the newest."""
    params = call.params
    first, start, end = params.integer("fromId"), params.integer("startTime"), params.integer("endTime")
    limit = params.limit(500, 1_000)
    if start is not None and end is not None and not 0 <= end - start < _HOUR_MS:
        raise refused(-1128)
    if first is not None:
        return [_aggregate(each) for each in _tape(call).since(first, limit)]
    found = [
        each
        for each in _tape(call).since(0, 1_000)
        if (start is None or each.at_ms >= start) and (end is None or each.at_ms <= end)
    ]
    return [_aggregate(each) for each in (found[-limit:] if start is None else found[:limit])]


def _tape(call: Call) -> Any:
    return call.exchange.market.tape(call.exchange.instrument(call.params.required("symbol")).symbol)


def _newest(call: Call) -> Sequence[Print]:
    found: Sequence[Print] = _tape(call).latest(call.params.limit(500, 1_000))
    return found


def _trade(each: Print) -> dict[str, Any]:
    return {
        "id": each.trade_id,
        "price": plain(each.price),
        "qty": plain(each.quantity),
        "quoteQty": plain(each.price * each.quantity),
        "time": each.at_ms,
        "isBuyerMaker": each.buyer_maker,
        "isRPITrade": False,
    }


def _aggregate(each: Print) -> dict[str, Any]:
    return {
        "a": each.trade_id,
        "p": plain(each.price),
        "q": plain(each.quantity),
        "nq": plain(each.quantity),
        "f": each.trade_id,
        "l": each.trade_id,
        "T": each.at_ms,
        "m": each.buyer_maker,
    }


ROUTES: Routes = {
    ("GET", "/fapi/v1/trades"): Route(handle=recent_trades, weight=5, guard="public"),
    ("GET", "/fapi/v1/historicalTrades"): Route(handle=historical_trades, weight=200, guard="key"),
    ("GET", "/fapi/v1/aggTrades"): Route(handle=aggregate_trades, weight=20, guard="public"),
}
