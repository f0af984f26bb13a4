"""Orders: judged, taken, cancelled. What they meet in the book is in ``matching``."""

from decimal import ROUND_DOWN, Decimal

from copydesk.simulators.binance.spot import filters, matching, stops
from copydesk.simulators.binance.spot.matching import lock, needed
from copydesk.simulators.binance.spot.records import ZERO, Order, OrderRequest
from copydesk.simulators.binance.spot.refusals import DUPLICATE, NO_LIQUIDITY, WOULD_TAKE, WOULD_TRIGGER, refused
from copydesk.simulators.binance.spot.symbols import OPEN_ORDERS_MAX, OPEN_STOPS_MAX, Pair
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet


def check(spot: Spot, request: OrderRequest) -> None:
    """What is judged before the matching engine sees an order; all that ``order/test`` looks at. Raises RefusedError."""
    filters.check(spot.pair(request.symbol), request, spot.last(request.symbol))


def place(spot: Spot, wallet: Wallet, request: OrderRequest, now_ms: int) -> Order:
    """Raises RefusedError; then the order does not exist and nothing has changed."""
    check(spot, request)
    check_room(wallet, request)
    order = make_order(spot, wallet, request, now_ms)
    _check_prices(spot, order)
    lock(spot, wallet, order, needed(spot, order))
    enter(spot, wallet, order, now_ms)
    return order


def enter(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    """The order exists from here on; what it can take is filled before this returns."""
    order.order_id = spot.take_order_id()
    order.client_order_id = order.client_order_id or spot.invent_client_id()
    spot.resting[order.symbol][order.order_id] = order
    wallet.keep(order)
    matching.note(spot, wallet, order, "NEW", now_ms)
    if order.is_working:
        matching.work(spot, wallet, order, now_ms)


def cancel(spot: Spot, wallet: Wallet, order: Order, now_ms: int, cancel_id: str) -> None:
    if not order.is_open:
        raise refused(-2011)
    matching.end(spot, wallet, order, "CANCELED", now_ms, cancel_id)


def check_room(wallet: Wallet, request: OrderRequest) -> None:
    if request.client_id is not None and wallet.is_open_id(request.client_id):
        raise refused(-2010, DUPLICATE)
    waiting = wallet.open_of(request.symbol)
    if len(waiting) >= OPEN_ORDERS_MAX:
        raise refused(-2010, "Filter failure: MAX_NUM_ORDERS")
    if request.is_stop and sum(order.is_stop for order in waiting) >= OPEN_STOPS_MAX:
        raise refused(-2010, "Filter failure: MAX_NUM_ALGO_ORDERS")


def make_order(spot: Spot, wallet: Wallet, request: OrderRequest, now_ms: int) -> Order:
    return Order(
        order_id=0,
        client_order_id=request.client_id or "",
        account=wallet.api_key,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        quantity=_quantity_for(spot, request) if request.quote_quantity else request.quantity,
        quote_quantity=request.quote_quantity,
        price=request.price,
        stop_price=request.stop_price,
        trailing_delta=request.trailing_delta,
        time_in_force=request.time_in_force,
        time_ms=now_ms,
        update_ms=now_ms,
        working_ms=-1 if request.is_stop else now_ms,
    )


def _quantity_for(spot: Spot, request: OrderRequest) -> Decimal:
    """How much of the book this amount of money reaches, in whole steps."""
    pair, money, quantity = spot.pair(request.symbol), request.quote_quantity, ZERO
    for level in spot.facing(request.symbol, request.side):
        part = min(level.quantity, _whole_steps(pair, money / level.price))
        quantity += part
        money -= part * level.price
        if part < level.quantity:
            break
    if not quantity:
        raise refused(-2010, NO_LIQUIDITY)
    return quantity


def _check_prices(spot: Spot, order: Order) -> None:
    if order.is_stop and stops.would_trigger(order, spot.last(order.symbol)):
        raise refused(-2010, WOULD_TRIGGER)
    if order.type == "LIMIT_MAKER" and matching.allows(order, spot.best(order.symbol, order.side)):
        raise refused(-2010, WOULD_TAKE)


def _whole_steps(pair: Pair, quantity: Decimal) -> Decimal:
    return (quantity / pair.step).to_integral_value(ROUND_DOWN) * pair.step
