"""Orders, conditional orders and fills over HTTP."""

from typing import Any

from copydesk.simulators.binance.exchange import algos, trading
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.records import Algo, Order
from copydesk.simulators.binance.rest import answers
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.paging import page
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.rest.reading import read_algo, read_order

_DAY_MS = 24 * 60 * 60 * 1_000
_UNFILLED_KEPT_MS = 3 * _DAY_MS
_KEPT_MS = 90 * _DAY_MS


def place_order(call: Call) -> Any:
    request = read_order(call.params)
    order = trading.place(call.exchange, call.account, request, call.now_ms)
    return answers.order_answer(order) if request.answer == "RESULT" else answers.ack_answer(order)


def query_order(call: Call) -> Any:
    order = find_order(call)
    if order is None or not _is_told(order, call.now_ms):
        raise refused(-2013)
    return answers.order_query(order)


def cancel_order(call: Call) -> Any:
    order = find_order(call)
    if order is None:
        raise refused(-2011)
    trading.cancel(call.exchange, call.account, order, call.now_ms)
    return answers.order_answer(order)


def open_order(call: Call) -> Any:
    order = find_order(call)
    if order is None or not order.is_open or order.hidden_until_ms > call.now_ms:
        raise refused(-2013)
    return answers.order_query(order)


def open_orders(call: Call) -> Any:
    orders = call.account.book.open_of(_symbol_if_any(call))
    return [answers.order_query(order) for order in orders if order.hidden_until_ms <= call.now_ms]


def all_orders(call: Call) -> Any:
    symbol = _symbol(call)
    orders = (order for order in call.account.book.orders.values() if order.symbol == symbol)
    seen = [order for order in orders if _is_told(order, call.now_ms)]
    chosen = page(call.params, seen, "orderId", lambda order: order.order_id)
    return [answers.order_query(order) for order in chosen]


def cancel_all(call: Call) -> Any:
    for order in call.account.book.open_of(_symbol(call)):
        trading.cancel(call.exchange, call.account, order, call.now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def user_trades(call: Call) -> Any:
    symbol, order_id = _symbol(call), call.params.integer("orderId")
    book = call.account.book
    fills = book.fills if order_id is None else book.fills_of(order_id)
    of_symbol = [fill for fill in fills if fill.symbol == symbol]
    return [answers.trade_answer(fill) for fill in page(call.params, of_symbol, "fromId", lambda fill: fill.trade_id)]


def place_algo(call: Call) -> Any:
    request = read_algo(call.params)
    return answers.algo_answer(algos.place(call.exchange, call.account, request, call.now_ms))


def query_algo(call: Call) -> Any:
    algo = _find_algo(call)
    if algo is None or algo.hidden_until_ms > call.now_ms:
        raise refused(-2013)
    return answers.algo_query(algo, call.account)


def cancel_algo(call: Call) -> Any:
    algo = _find_algo(call)
    if algo is None:
        raise refused(-2011)
    algos.cancel(call.exchange, call.account, algo, call.now_ms)
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_algo_id, "code": "200", "msg": "success"}


def open_algos(call: Call) -> Any:
    found = call.account.book.open_algos_of(_symbol_if_any(call))
    algo_id = call.params.integer("algoId")
    return [
        answers.algo_query(algo, call.account)
        for algo in found
        if algo.hidden_until_ms <= call.now_ms and algo_id in {None, algo.algo_id}
    ]


def all_algos(call: Call) -> Any:
    symbol = _symbol(call)
    found = [algo for algo in call.account.book.algos.values() if algo.symbol == symbol]
    chosen = page(call.params, found, "algoId", lambda algo: algo.algo_id)
    return [answers.algo_query(algo, call.account) for algo in chosen]


def cancel_all_algos(call: Call) -> Any:
    for algo in call.account.book.open_algos_of(_symbol(call)):
        algos.cancel(call.exchange, call.account, algo, call.now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def _symbol(call: Call) -> str:
    return call.exchange.instrument(call.params.required("symbol")).symbol


def _symbol_if_any(call: Call) -> str | None:
    symbol = call.params.text("symbol")
    return None if symbol is None else call.exchange.instrument(symbol).symbol


def find_order(call: Call) -> Order | None:
    """By ``orderId``, which wins, or ``origClientOrderId``."""
    symbol, order_id = _symbol(call), call.params.integer("orderId")
    if order_id is not None:
        order = call.account.book.orders.get(order_id)
    else:
        order = call.account.book.order_named(call.params.required("origClientOrderId"))
    return order if order is not None and order.symbol == symbol else None


def _is_told(order: Order, now_ms: int) -> bool:
    """Unfilled orders that ended are forgotten after three days, every order after ninety."""
    if order.hidden_until_ms > now_ms:
        return False
    age_ms = now_ms - order.time_ms
    unfilled = not order.executed and order.status in {"CANCELED", "EXPIRED"}
    return age_ms < _UNFILLED_KEPT_MS if unfilled else age_ms < _KEPT_MS or order.is_open


def _find_algo(call: Call) -> Algo | None:
    algo_id = call.params.integer("algoId")
    if algo_id is not None:
        return call.account.book.algos.get(algo_id)
    return call.account.book.algo_named(call.params.required("clientAlgoId"))


def _all_costs_40(params: Params) -> int:
    return 1 if "symbol" in params else 40


ORDER_COUNTS = (1, 1)
ROUTES: Routes = {
    ("POST", "/fapi/v1/order"): Route(handle=place_order, weight=0, orders=ORDER_COUNTS),
    ("GET", "/fapi/v1/order"): Route(handle=query_order),
    ("DELETE", "/fapi/v1/order"): Route(handle=cancel_order),
    ("GET", "/fapi/v1/openOrder"): Route(handle=open_order),
    ("GET", "/fapi/v1/openOrders"): Route(handle=open_orders, weight=_all_costs_40),
    ("GET", "/fapi/v1/allOrders"): Route(handle=all_orders, weight=5),
    ("DELETE", "/fapi/v1/allOpenOrders"): Route(handle=cancel_all),
    ("GET", "/fapi/v1/userTrades"): Route(handle=user_trades, weight=5),
    ("POST", "/fapi/v1/algoOrder"): Route(handle=place_algo, weight=0, orders=ORDER_COUNTS),
    ("GET", "/fapi/v1/algoOrder"): Route(handle=query_algo),
    ("DELETE", "/fapi/v1/algoOrder"): Route(handle=cancel_algo),
    ("GET", "/fapi/v1/openAlgoOrders"): Route(handle=open_algos, weight=_all_costs_40),
    ("GET", "/fapi/v1/allAlgoOrders"): Route(handle=all_algos, weight=5),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Route(handle=cancel_all_algos),
}
