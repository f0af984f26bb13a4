"""What happened to an account, over HTTP: income, margin moved, its place in the queue for deleveraging."""

from collections.abc import Iterator
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.records import Fill, Income
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest import answers
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.market_routes import ORDER_LIMITS
from copydesk.simulators.binance.rest.params import Params

_WEEK_MS = 7 * 24 * 60 * 60 * 1_000
_MONTH_MS = 30 * 24 * 60 * 60 * 1_000


def income(call: Call) -> Any:
    """Oldest first: realised profit and commission of each fill, funding, transfers, insurance; the last seven days unless asked."""
    params = call.params
    symbol, kind, limit = params.text("symbol"), params.text("incomeType"), params.limit(100, 1_000)
    start, end = params.integer("startTime"), params.integer("endTime")
    first = start if start is not None else call.now_ms - _WEEK_MS
    rows = [
        row
        for row in _income_of(call.account)
        if symbol in {None, row["symbol"]}
        and kind in {None, row["incomeType"]}
        and row["time"] >= first
        and (end is None or row["time"] <= end)
    ]
    rows.sort(key=lambda row: (row["time"], row["tranId"]))
    return rows[-limit:] if start is None else rows[:limit]


def margin_history(call: Call) -> Any:
    params = call.params
    symbol = call.exchange.instrument(params.required("symbol")).symbol
    kind, start, end = params.integer("type"), params.integer("startTime"), params.integer("endTime")
    first = start if start is not None else call.now_ms - _MONTH_MS
    chosen = [
        {
            "symbol": each.symbol,
            "type": each.kind,
            "deltaType": "USER_ADJUST",
            "amount": plain(each.amount),
            "asset": "USDT",
            "time": each.time_ms,
            "positionSide": each.position_side,
        }
        for each in call.account.margin_changes
        if each.symbol == symbol
        and kind in {None, each.kind}
        and each.time_ms >= first
        and (end is None or each.time_ms <= end)
    ]
    return chosen[-params.limit(500, 1_000) :]


def adl_quantiles(call: Call) -> Any:
    symbol = call.params.text("symbol")
    wanted = None if symbol is None else call.exchange.instrument(symbol).symbol
    held = sorted({position.symbol for position in call.account.held(wanted)})
    return [{"symbol": each, "adlQuantile": _quantiles(call, each)} for each in held]


def trading_status(call: Call) -> Any:
    """No account here ever breaks the venue's quantitative rules."""
    return {"indicators": {}, "updateTime": call.now_ms}


def order_limits(call: Call) -> Any:
    del call
    return ORDER_LIMITS


def _income_of(account: Account) -> Iterator[dict[str, Any]]:
    for fill in account.book.fills:
        yield from _fill_rows(fill)
    for each in account.incomes:
        yield _income_row(each)


def _fill_rows(fill: Fill) -> Iterator[dict[str, Any]]:
    common = {"symbol": fill.symbol, "info": "", "time": fill.time_ms, "tradeId": str(fill.trade_id)}
    if fill.realized:
        profit = {"incomeType": "REALIZED_PNL", "income": plain(fill.realized), "asset": "USDT"}
        yield {**common, **profit, "tranId": fill.trade_id * 10}
    if fill.fee:
        fee = {"incomeType": "COMMISSION", "income": plain(-fill.fee), "asset": fill.fee_asset}
        yield {**common, **fee, "tranId": fill.trade_id * 10 + 1}


def _income_row(each: Income) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "incomeType": each.kind,
        "income": plain(each.amount),
        "asset": each.asset,
        "info": each.info,
        "time": each.time_ms,
        "tranId": each.tran_id,
        "tradeId": "",
    }


def _quantiles(call: Call, symbol: str) -> dict[str, int]:
    """In hedge mode with crossed margin, HEDGE stands for BOTH and long and short share one value."""
    account, mark = call.account, call.exchange.mark(symbol)
    found = {each.side: answers.adl_quantile(account, each, mark) for each in account.held(symbol)}
    values = {side: found.get(side, 0) for side in ("LONG", "SHORT", "BOTH")}
    if not account.hedge or account.setting(symbol).isolated:
        return values
    shared = max(values.values())
    both = len(found) > 1
    return {"LONG": shared if both else values["LONG"], "SHORT": shared if both else values["SHORT"], "HEDGE": 0}


def _costs(params: Params) -> int:
    return 1 if "symbol" in params else 10


ROUTES: Routes = {
    ("GET", "/fapi/v1/income"): Route(handle=income, weight=30),
    ("GET", "/fapi/v1/positionMargin/history"): Route(handle=margin_history),
    ("GET", "/fapi/v1/adlQuantile"): Route(handle=adl_quantiles, weight=5),
    ("GET", "/fapi/v1/apiTradingStatus"): Route(handle=trading_status, weight=_costs),
    ("GET", "/fapi/v1/rateLimit/order"): Route(handle=order_limits),
}
