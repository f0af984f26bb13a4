"""Orders changed after they were placed, several at once, and counted down to their end."""

from typing import Any

from copydesk.simulators.binance.clockwork import timers
from copydesk.simulators.binance.exchange import amending, trading
from copydesk.simulators.binance.exchange.errors import RefusedError, refused
from copydesk.simulators.binance.exchange.records import Order
from copydesk.simulators.binance.rest import answers
from copydesk.simulators.binance.rest.batch import read_list, read_orders
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.order_routes import ORDER_COUNTS, find_order, place_order
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.rest.reading import read_amendment, read_order

_CANCELLED_AT_ONCE_MAX = 10


def test_order(call: Call) -> Any:
    """Everything is judged, nothing is taken."""
    order = trading.judge(call.exchange, call.account, read_order(call.params), call.now_ms)
    return answers.order_answer(order)


def amend_order(call: Call) -> Any:
    order = find_order(call)
    if order is None:
        raise refused(-2013)
    request = read_amendment(call.params)
    amending.amend(call.exchange, call.account, order, request, call.now_ms)
    return answers.amended_answer(order, request.modify_id)


def place_batch(call: Call) -> Any:
    return [_one(call, params, place_order) for params in read_orders(call.params)]


def amend_batch(call: Call) -> Any:
    return [_one(call, params, amend_order) for params in read_orders(call.params)]


def cancel_batch(call: Call) -> Any:
    """By ``orderIdList``, which wins, or ``origClientOrderIdList``; ten at most."""
    symbol = call.exchange.instrument(call.params.required("symbol")).symbol
    name = "orderIdList" if "orderIdList" in call.params else "origClientOrderIdList"
    wanted = read_list(call.params, name)
    if not 0 < len(wanted) <= _CANCELLED_AT_ONCE_MAX:
        raise refused(-1130, name)
    key = "orderId" if name == "orderIdList" else "origClientOrderId"
    asked = (Params.of({"symbol": symbol, key: value}) for value in wanted)
    return [_one(call, params, _cancel) for params in asked]


def cancel_countdown(call: Call) -> Any:
    symbol = call.exchange.instrument(call.params.required("symbol")).symbol
    length_ms = call.params.required_integer("countdownTime")
    if length_ms < 0:
        raise refused(-1102, "countdownTime")
    timers.start_countdown(call.exchange, call.account, symbol, length_ms, call.now_ms)
    return {"symbol": symbol, "countdownTime": str(length_ms)}


def amendments(call: Call) -> Any:
    order, params = find_order(call), call.params
    if order is None:
        raise refused(-2013)
    start, end = params.integer("startTime") or 0, params.integer("endTime")
    numbers = [
        number
        for number, each in enumerate(order.amendments)
        if each.time_ms >= start and (end is None or each.time_ms <= end)
    ]
    return [answers.amendment_answer(order, number) for number in reversed(numbers[-params.limit(50, 100) :])]


def forced_orders(call: Call) -> Any:
    """``autoCloseType``: LIQUIDATION or ADL; without it both. The last seven days unless a start is named."""
    params = call.params
    kind = params.choice("autoCloseType", frozenset({"LIQUIDATION", "ADL"}), "")
    symbol, end = params.text("symbol"), params.integer("endTime") or call.now_ms
    start = params.integer("startTime") or end - 7 * 24 * 60 * 60 * 1_000
    chosen = [order for order in call.account.book.orders.values() if _is_forced(order, kind, symbol)]
    within = [order for order in chosen if start <= order.time_ms <= end]
    return [answers.forced_answer(order) for order in within[-params.limit(50, 100) :]]


def _is_forced(order: Order, kind: str, symbol: str | None) -> bool:
    return order.forced in {"LIQUIDATION", "ADL"} and kind in {"", order.forced} and symbol in {None, order.symbol}


def _cancel(call: Call) -> Any:
    order = find_order(call)
    if order is None:
        raise refused(-2011)
    trading.cancel(call.exchange, call.account, order, call.now_ms)
    return answers.order_answer(order)


def _one(call: Call, params: Params, deed: Any) -> Any:
    """One order of a batch: its answer or its refusal, whatever becomes of the others."""
    try:
        return deed(call.about(params))
    except RefusedError as refusal:
        return {"code": refusal.code, "msg": refusal.text}


def _costs(params: Params) -> int:
    return 20 if "symbol" in params else 50


_BATCH_COUNTS = (5, 1)
ROUTES: Routes = {
    ("POST", "/fapi/v1/order/test"): Route(handle=test_order),
    ("PUT", "/fapi/v1/order"): Route(handle=amend_order, weight=0, orders=ORDER_COUNTS),
    ("POST", "/fapi/v1/batchOrders"): Route(handle=place_batch, weight=5, orders=_BATCH_COUNTS),
    ("PUT", "/fapi/v1/batchOrders"): Route(handle=amend_batch, weight=5, orders=_BATCH_COUNTS),
    ("DELETE", "/fapi/v1/batchOrders"): Route(handle=cancel_batch),
    ("POST", "/fapi/v1/countdownCancelAll"): Route(handle=cancel_countdown, weight=10),
    ("GET", "/fapi/v1/orderAmendment"): Route(handle=amendments),
    ("GET", "/fapi/v1/forceOrders"): Route(handle=forced_orders, weight=_costs),
}
