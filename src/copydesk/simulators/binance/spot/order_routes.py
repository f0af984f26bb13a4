"""Spot orders and fills over HTTP."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.rest.paging import page
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.spot import answers, trading
from copydesk.simulators.binance.spot.call import SpotCall, SpotRoutes
from copydesk.simulators.binance.spot.reading import read_client_id, read_order, read_symbol
from copydesk.simulators.binance.spot.records import Fill, Order
from copydesk.simulators.binance.spot.refusals import either_missing, not_canceled, refused
from copydesk.simulators.binance.spot.wallet import FEE_RATE

_Row = TypeVar("_Row", Order, Fill)
_DAY_MS = 24 * 60 * 60 * 1_000
_ARCHIVED_AFTER_MS = 90 * _DAY_MS
_RESTRICTIONS = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}


def place_order(call: SpotCall) -> Any:
    request = read_order(call.params)
    order = trading.place(call.spot, call.wallet, request, call.now_ms)
    return answers.placed(order, call.wallet, request.answer, call.now_ms)


def test_order(call: SpotCall) -> Any:
    """Judged as the real one up to the matching engine; nothing is placed, the wallet is not asked."""
    trading.check(call.spot, read_order(call.params))
    if not call.params.flag("computeCommissionRates"):
        return {}
    rates = {"maker": str(FEE_RATE), "taker": str(FEE_RATE)}
    nothing = {"maker": "0", "taker": "0"}
    discount = {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0"}
    return {
        "standardCommissionForOrder": rates,
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": discount,
    }


def query_order(call: SpotCall) -> Any:
    order = _find(call)
    if order is None or order.hidden_until_ms > call.now_ms:
        raise refused(-2013)
    never_traded = not order.is_open and not order.executed
    if never_traded and call.now_ms - order.update_ms > _ARCHIVED_AFTER_MS:
        raise refused(-2026)
    return answers.queried(order)


def cancel_order(call: SpotCall) -> Any:
    return _cancel(call, "orderId", "origClientOrderId", "newClientOrderId")


def replace_order(call: SpotCall) -> Any:
    """Cancel, then place. What failed of the two stands in ``data``; the HTTP status tells whether it was both."""
    mode = call.params.required("cancelReplaceMode")
    if mode not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
        raise refused(-1130, "cancelReplaceMode")
    request = read_order(call.params)
    cancelled = _attempt(lambda: _cancel(call, "cancelOrderId", "cancelOrigClientOrderId", "cancelNewClientOrderId"))
    if _failed(cancelled) and mode == "STOP_ON_FAILURE":
        raise _replace_refused(-2022, cancelled, None)
    placed = _attempt(
        lambda: answers.placed(
            trading.place(call.spot, call.wallet, request, call.now_ms), call.wallet, request.answer, call.now_ms
        )
    )
    failures = [_failed(cancelled), _failed(placed)]
    if any(failures):
        raise _replace_refused(-2022 if all(failures) else -2021, cancelled, placed)
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": cancelled,
        "newOrderResponse": placed,
    }


def open_orders(call: SpotCall) -> Any:
    orders = call.wallet.open_of(_symbol_if_any(call))
    return [answers.queried(order) for order in orders if order.hidden_until_ms <= call.now_ms]


def cancel_all(call: SpotCall) -> Any:
    """-2011 when there is nothing to cancel."""
    waiting = call.wallet.open_of(_symbol(call))
    if not waiting:
        raise refused(-2011)
    return [_cancel_one(call, order, call.spot.invent_client_id()) for order in waiting if order.is_open]


def all_orders(call: SpotCall) -> Any:
    symbol = _symbol(call)
    mine = (order for order in call.wallet.orders.values() if order.symbol == symbol)
    seen = [order for order in mine if order.hidden_until_ms <= call.now_ms]
    return [answers.queried(order) for order in _page(call, seen, "orderId", lambda order: order.order_id)]


def my_trades(call: SpotCall) -> Any:
    symbol, order_id = _symbol(call), call.params.integer("orderId")
    fills = call.wallet.fills if order_id is None else call.wallet.fills_of(order_id)
    of_symbol = [fill for fill in fills if fill.symbol == symbol]
    return [answers.trade(fill) for fill in _page(call, of_symbol, "fromId", lambda fill: fill.trade_id)]


def _symbol(call: SpotCall) -> str:
    return call.spot.pair(read_symbol(call.params)).symbol


def _symbol_if_any(call: SpotCall) -> str | None:
    return None if call.params.text("symbol") is None else _symbol(call)


def _find(call: SpotCall, id_name: str = "orderId", client_id_name: str = "origClientOrderId") -> Order | None:
    """By the venue's id, which wins, or the client's."""
    symbol, order_id = _symbol(call), call.params.integer(id_name)
    client_id = call.params.text(client_id_name)
    if order_id is None and client_id is None:
        raise either_missing(client_id_name, id_name)
    order = call.wallet.orders.get(order_id) if order_id is not None else call.wallet.named(client_id or "")
    return order if order is not None and order.symbol == symbol else None


def _cancel(call: SpotCall, id_name: str, client_id_name: str, cancel_id_name: str) -> Any:
    cancel_id = read_client_id(call.params, cancel_id_name) or call.spot.invent_client_id()
    restriction = call.params.text("cancelRestrictions")
    if restriction is not None and restriction not in _RESTRICTIONS:
        raise refused(-1130, "cancelRestrictions")
    order = _find(call, id_name, client_id_name)
    if order is None:
        raise refused(-2011)
    if restriction is not None and order.is_open and order.status != _RESTRICTIONS[restriction]:
        raise not_canceled()
    return _cancel_one(call, order, cancel_id)


def _cancel_one(call: SpotCall, order: Order, cancel_id: str) -> Any:
    trading.cancel(call.spot, call.wallet, order, call.now_ms, cancel_id)
    return answers.cancelled(order, cancel_id, call.now_ms)


def _attempt(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except RefusedError as refusal:
        return refusal


def _failed(outcome: Any) -> bool:
    return isinstance(outcome, RefusedError)


def _replace_refused(code: int, cancelled: Any, placed: Any) -> RefusedError:
    refusal = refused(code)
    refusal.data = {
        "cancelResult": "FAILURE" if _failed(cancelled) else "SUCCESS",
        "newOrderResult": "NOT_ATTEMPTED" if placed is None else "FAILURE" if _failed(placed) else "SUCCESS",
        "cancelResponse": _told(cancelled),
        "newOrderResponse": _told(placed),
    }
    return refusal


def _told(outcome: Any) -> Any:
    return {"code": outcome.code, "msg": outcome.text} if isinstance(outcome, RefusedError) else outcome


def _page(call: SpotCall, rows: Iterable[_Row], from_name: str, key: Callable[[_Row], int]) -> list[_Row]:
    """Of at most one day, where both ends are named."""
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None and end - start > _DAY_MS:
        raise refused(-1127, 24)
    return page(call.params, rows, from_name, key)


def _open_orders_weight(params: Params) -> int:
    return 6 if "symbol" in params else 80


def _trades_weight(params: Params) -> int:
    return 5 if "orderId" in params else 20


def _test_weight(params: Params) -> int:
    return 20 if params.flag("computeCommissionRates") else 1


_COUNTED = (1, 1)
ROUTES: SpotRoutes = {
    ("POST", "/api/v3/order"): Route(handle=place_order, orders=_COUNTED),
    ("POST", "/api/v3/order/test"): Route(handle=test_order, weight=_test_weight),
    ("GET", "/api/v3/order"): Route(handle=query_order, weight=4),
    ("DELETE", "/api/v3/order"): Route(handle=cancel_order),
    ("POST", "/api/v3/order/cancelReplace"): Route(handle=replace_order, orders=_COUNTED),
    ("GET", "/api/v3/openOrders"): Route(handle=open_orders, weight=_open_orders_weight),
    ("DELETE", "/api/v3/openOrders"): Route(handle=cancel_all),
    ("GET", "/api/v3/allOrders"): Route(handle=all_orders, weight=20),
    ("GET", "/api/v3/myTrades"): Route(handle=my_trades, weight=_trades_weight),
}
