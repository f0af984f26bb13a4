"""One cancels the other: two orders of one side and quantity, one above the price and one below, that share what they bind."""

from collections.abc import Sequence
from decimal import Decimal

from copydesk.simulators.binance.spot import matching, stops, trading
from copydesk.simulators.binance.spot.records import Order, OrderList, OrderRequest
from copydesk.simulators.binance.spot.refusals import DUPLICATE, WRONG_PRICES, refused
from copydesk.simulators.binance.spot.symbols import OPEN_LISTS_MAX
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet


def place(spot: Spot, wallet: Wallet, legs: Sequence[OrderRequest], client_id: str | None, now_ms: int) -> OrderList:
    """``legs``: above, then below. Raises RefusedError; then neither exists and nothing has changed."""
    for leg in legs:
        trading.check(spot, leg)
    _check_lists(wallet, legs, client_id)
    for leg in legs:
        trading.check_room(wallet, leg)
    orders = [trading.make_order(spot, wallet, leg, now_ms) for leg in legs]
    last = spot.last(orders[0].symbol)
    if any(not _is_placed_well(order, last, above=order is orders[0]) for order in orders):
        raise refused(-2010, WRONG_PRICES)
    matching.lock(spot, wallet, orders[0], max(matching.needed(spot, order) for order in orders))
    listed = OrderList(
        list_id=spot.take_list_id(),
        client_list_id=client_id or spot.invent_client_id(),
        account=wallet.api_key,
        symbol=orders[0].symbol,
        order_ids=[],
        time_ms=now_ms,
    )
    wallet.lists[listed.list_id] = listed
    for order in orders:
        order.list_id = listed.list_id
        trading.enter(spot, wallet, order, now_ms)
        listed.order_ids.append(order.order_id)
    spot.notices.order_list(wallet, listed, now_ms)
    return listed


def cancel(spot: Spot, wallet: Wallet, listed: OrderList, now_ms: int, cancel_id: str) -> None:
    """Raises RefusedError -2011 when it is over already; else both orders are cancelled."""
    waiting = [wallet.orders[order_id] for order_id in listed.order_ids if wallet.orders[order_id].is_open]
    if not waiting:
        raise refused(-2011)
    trading.cancel(spot, wallet, waiting[0], now_ms, cancel_id)


def named(wallet: Wallet, client_list_id: str) -> OrderList | None:
    """The newest list of this name."""
    return next((each for each in reversed(wallet.lists.values()) if each.client_list_id == client_list_id), None)


def _check_lists(wallet: Wallet, legs: Sequence[OrderRequest], client_id: str | None) -> None:
    waiting = [each for each in wallet.lists.values() if not each.is_done]
    names = [leg.client_id for leg in legs if leg.client_id is not None]
    if len(set(names)) < len(names) or client_id in {each.client_list_id for each in waiting}:
        raise refused(-2010, DUPLICATE)
    if sum(each.symbol == legs[0].symbol for each in waiting) >= OPEN_LISTS_MAX:
        raise refused(-2010, "Filter failure: MAX_NUM_ORDER_LISTS")


def _is_placed_well(order: Order, last: Decimal, *, above: bool) -> bool:
    """A maker leg and a stop price lie on their leg's side of the last price; a trailing stop needs no price."""
    price = order.stop_price if order.is_stop else order.price
    if not price:
        return True
    return not stops.would_trigger(order, last) if order.is_stop else (price > last) == above and price != last
