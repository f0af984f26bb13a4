"""Order lists (OCO) over HTTP, in the present form and the older one."""

from typing import Any

from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.spot import answers, lists
from copydesk.simulators.binance.spot.call import SpotCall, SpotRoutes
from copydesk.simulators.binance.spot.reading import (
    read_answer,
    read_client_id,
    read_side,
    read_stop,
    read_symbol,
    read_time_in_force,
    required_decimal,
)
from copydesk.simulators.binance.spot.records import LIMIT_TYPES, STOP_TYPES, ZERO, OrderList, OrderRequest
from copydesk.simulators.binance.spot.refusals import either_missing, no_such_list, refused

_STOP_LOSSES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
_TARGETS = frozenset({"LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
_TIMED = frozenset({"STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


def place_list(call: SpotCall) -> Any:
    """``above…`` and ``below…``: a sell takes its profit above, a buy below."""
    side = read_side(call.params)
    above, below = _read_leg(call.params, "above"), _read_leg(call.params, "below")
    target, loss = (above, below) if side == "SELL" else (below, above)
    if target.type not in _TARGETS or loss.type not in _STOP_LOSSES:
        raise refused(-1158)
    return _place(call, above, below)


def place_older(call: SpotCall) -> Any:
    """``price`` for the maker order, ``stop…`` for the stop."""
    params, side = call.params, read_side(call.params)
    limited = params.text("stopLimitPrice") is not None
    maker = _leg(params, "LIMIT_MAKER", "limitClientOrderId", price="price")
    stop_price, trailing_delta = read_stop(params, "stopPrice", "trailingDelta")
    stop = OrderRequest(
        symbol=maker.symbol,
        side=side,
        type="STOP_LOSS_LIMIT" if limited else "STOP_LOSS",
        quantity=maker.quantity,
        price=required_decimal(params, "stopLimitPrice") if limited else ZERO,
        stop_price=stop_price,
        trailing_delta=trailing_delta,
        time_in_force=read_time_in_force(params, "stopLimitTimeInForce") if limited else "GTC",
        client_id=read_client_id(params, "stopClientOrderId"),
    )
    return _place(call, maker, stop) if side == "SELL" else _place(call, stop, maker)


def cancel_list(call: SpotCall) -> Any:
    symbol = call.spot.pair(read_symbol(call.params)).symbol
    cancel_id = read_client_id(call.params, "newClientOrderId") or call.spot.invent_client_id()
    listed = _find(call, "listClientOrderId")
    if listed is None or listed.symbol != symbol:
        raise refused(-2011)
    lists.cancel(call.spot, call.wallet, listed, call.now_ms, cancel_id)
    reports = [answers.cancelled(call.wallet.orders[each], cancel_id, call.now_ms) for each in listed.order_ids]
    return {**answers.order_list(listed, call.wallet), "orderReports": reports}


def query_list(call: SpotCall) -> Any:
    listed = _find(call, "origClientOrderId")
    if listed is None or _is_hidden(call, listed):
        raise no_such_list()
    return answers.order_list(listed, call.wallet)


def open_lists(call: SpotCall) -> Any:
    return [answers.order_list(each, call.wallet) for each in _shown(call) if not each.is_done]


def all_lists(call: SpotCall) -> Any:
    first, limit = call.params.integer("fromId"), call.params.limit(500, 1_000)
    found = [each for each in _shown(call) if first is None or each.list_id >= first]
    chosen = found[-limit:] if first is None else found[:limit]
    return [answers.order_list(each, call.wallet) for each in chosen]


def _place(call: SpotCall, above: OrderRequest, below: OrderRequest) -> Any:
    kind = read_answer(call.params, "RESULT")
    client_id = read_client_id(call.params, "listClientOrderId")
    listed = lists.place(call.spot, call.wallet, (above, below), client_id, call.now_ms)
    orders = [call.wallet.orders[order_id] for order_id in listed.order_ids]
    reports = [answers.placed(order, call.wallet, kind, call.now_ms) for order in orders]
    return {**answers.order_list(listed, call.wallet), "orderReports": reports}


def _read_leg(params: Params, where: str) -> OrderRequest:
    kind = params.required(f"{where}Type")
    if kind not in _TARGETS | _STOP_LOSSES:
        raise refused(-1158)
    return _leg(
        params,
        kind,
        f"{where}ClientOrderId",
        price=f"{where}Price",
        stop_price=f"{where}StopPrice",
        trailing_delta=f"{where}TrailingDelta",
        time_in_force=f"{where}TimeInForce",
    )


def _leg(
    params: Params,
    kind: str,
    client_id: str,
    *,
    price: str,
    stop_price: str = "",
    trailing_delta: str = "",
    time_in_force: str = "",
) -> OrderRequest:
    """One order of the list; the names are those of the parameters that hold its own."""
    level, delta = read_stop(params, stop_price, trailing_delta) if kind in STOP_TYPES else (ZERO, 0)
    return OrderRequest(
        symbol=read_symbol(params),
        side=read_side(params),
        type=kind,
        quantity=required_decimal(params, "quantity"),
        price=required_decimal(params, price) if kind in LIMIT_TYPES else ZERO,
        stop_price=level,
        trailing_delta=delta,
        time_in_force=read_time_in_force(params, time_in_force) if kind in _TIMED else "GTC",
        client_id=read_client_id(params, client_id),
    )


def _shown(call: SpotCall) -> list[OrderList]:
    return [each for each in call.wallet.lists.values() if not _is_hidden(call, each)]


def _is_hidden(call: SpotCall, listed: OrderList) -> bool:
    """A list is denied as long as its orders are."""
    return any(call.wallet.orders[order_id].hidden_until_ms > call.now_ms for order_id in listed.order_ids)


def _find(call: SpotCall, client_id_name: str) -> OrderList | None:
    list_id, client_id = call.params.integer("orderListId"), call.params.text(client_id_name)
    if list_id is not None:
        return call.wallet.lists.get(list_id)
    if client_id is None:
        raise either_missing("orderListId", client_id_name)
    return lists.named(call.wallet, client_id)


_COUNTED_TWICE = (2, 2)
ROUTES: SpotRoutes = {
    ("POST", "/api/v3/orderList/oco"): Route(handle=place_list, orders=_COUNTED_TWICE),
    ("POST", "/api/v3/order/oco"): Route(handle=place_older, orders=_COUNTED_TWICE),
    ("DELETE", "/api/v3/orderList"): Route(handle=cancel_list),
    ("GET", "/api/v3/orderList"): Route(handle=query_list, weight=4),
    ("GET", "/api/v3/openOrderList"): Route(handle=open_lists, weight=6),
    ("GET", "/api/v3/allOrderList"): Route(handle=all_lists, weight=20),
}
