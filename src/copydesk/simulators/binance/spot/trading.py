"""Orders: taken, matched against the simulated book, triggered, cancelled. The book is one tick wide and endlessly deep."""

from decimal import ROUND_DOWN, Decimal

from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.spot import filters, stops
from copydesk.simulators.binance.spot.records import MOVES, ZERO, Fill, Order, OrderRequest
from copydesk.simulators.binance.spot.refusals import DUPLICATE, WOULD_TAKE, WOULD_TRIGGER, refused
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
    """The order exists from here on; a taking one is filled before this returns."""
    order.order_id = spot.take_order_id()
    order.client_order_id = order.client_order_id or spot.invent_client_id()
    spot.resting[order.symbol][order.order_id] = order
    wallet.keep(order)
    _note(spot, wallet, order, "NEW", now_ms)
    if order.is_working:
        _work(spot, wallet, order, now_ms)


def cancel(spot: Spot, wallet: Wallet, order: Order, now_ms: int, cancel_id: str) -> None:
    if not order.is_open:
        raise refused(-2011)
    _end(spot, wallet, order, "CANCELED", now_ms, cancel_id)


def match(spot: Spot, symbol: str, now_ms: int) -> None:
    """Trigger and fill what the last price has reached, oldest first; resting limits fill at their own price, as maker."""
    last = spot.last(symbol)
    for order in list(spot.resting[symbol].values()):
        wallet = spot.wallets[order.account]
        if not order.is_open:
            continue  # its order list ended with an order before it
        if order.is_working:
            if last <= order.price if order.is_buy else last >= order.price:
                _execute(spot, wallet, order, order.price, now_ms, maker=True)
        elif stops.is_due(order, last, now_ms):
            _trigger(spot, wallet, order, now_ms)


def make_order(spot: Spot, wallet: Wallet, request: OrderRequest, now_ms: int) -> Order:
    pair = spot.pair(request.symbol)
    quantity = request.quantity
    if request.quote_quantity:
        quantity = _whole_steps(pair, request.quote_quantity / spot.best(request.symbol, request.side))
        filters.check_quantity(pair, quantity, market=True)
    return Order(
        order_id=0,
        client_order_id=request.client_id or "",
        account=wallet.api_key,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        quantity=quantity,
        quote_quantity=request.quote_quantity,
        price=request.price,
        stop_price=request.stop_price,
        trailing_delta=request.trailing_delta,
        time_in_force=request.time_in_force,
        time_ms=now_ms,
        update_ms=now_ms,
        working_ms=-1 if request.is_stop else now_ms,
    )


def needed(spot: Spot, order: Order) -> Decimal:
    """What an order binds while it is open: the base it sells, or the most it may pay."""
    if not order.is_buy:
        return order.quantity
    if order.quote_quantity:
        return order.quote_quantity
    return order.quantity * (order.price or order.stop_price or spot.best(order.symbol, "BUY"))


def funding_asset(pair: Pair, side: str) -> str:
    return pair.quote if side == "BUY" else pair.base


def check_room(wallet: Wallet, request: OrderRequest) -> None:
    if request.client_id is not None and wallet.is_open_id(request.client_id):
        raise refused(-2010, DUPLICATE)
    waiting = wallet.open_of(request.symbol)
    if len(waiting) >= OPEN_ORDERS_MAX:
        raise refused(-2010, "Filter failure: MAX_NUM_ORDERS")
    if request.is_stop and sum(order.is_stop for order in waiting) >= OPEN_STOPS_MAX:
        raise refused(-2010, "Filter failure: MAX_NUM_ALGO_ORDERS")


def _check_prices(spot: Spot, order: Order) -> None:
    if order.is_stop and stops.would_trigger(order, spot.last(order.symbol)):
        raise refused(-2010, WOULD_TRIGGER)
    if order.type == "LIMIT_MAKER" and _takes(spot, order):
        raise refused(-2010, WOULD_TAKE)


def lock(spot: Spot, wallet: Wallet, order: Order, amount: Decimal) -> None:
    wallet.lock(funding_asset(spot.pair(order.symbol), order.side), amount)
    order.locked += amount


def _work(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    if _takes(spot, order):
        _execute(spot, wallet, order, spot.best(order.symbol, order.side), now_ms, maker=False)
    elif order.time_in_force != "GTC":
        _end(spot, wallet, order, "EXPIRED", now_ms)


def _trigger(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    """Its list's other order goes first: what that one bound is needed here."""
    _end_siblings(spot, wallet, order, "EXPIRED", now_ms)
    order.working_ms = order.update_ms = now_ms
    wanted = order.quantity if not order.is_buy else order.quantity * (order.price or spot.best(order.symbol, "BUY"))
    try:
        lock(spot, wallet, order, max(ZERO, wanted - order.locked))
    except RefusedError:
        _end(spot, wallet, order, "EXPIRED", now_ms)
        return
    _note(spot, wallet, order, "NEW", now_ms)
    _work(spot, wallet, order, now_ms)


def _execute(spot: Spot, wallet: Wallet, order: Order, price: Decimal, now_ms: int, *, maker: bool) -> None:
    pair, quantity = spot.pair(order.symbol), order.remaining
    value = quantity * price
    base, quote = (pair.base, quantity), (pair.quote, value)
    paid, received = (quote, base) if order.is_buy else (base, quote)
    fee = wallet.exchange(paid=paid, received=received)
    order.locked -= paid[1]
    order.executed += quantity
    order.quote += value
    fill = Fill(
        trade_id=spot.take_trade_id(),
        order_id=order.order_id,
        list_id=order.list_id,
        account=wallet.api_key,
        symbol=order.symbol,
        side=order.side,
        quantity=quantity,
        price=price,
        fee=fee,
        fee_asset=received[0],
        maker=maker,
        time_ms=now_ms,
    )
    wallet.fills.append(fill)
    _end_siblings(spot, wallet, order, "EXPIRED", now_ms)
    _close(spot, wallet, order, "FILLED", now_ms)
    spot.notices.order(order, "TRADE", now_ms, fill)
    _tell_balances(spot, wallet, order, now_ms)


def _end(spot: Spot, wallet: Wallet, order: Order, status: str, now_ms: int, cancel_id: str | None = None) -> None:
    """Cancelled or expired, with whatever hangs together with it."""
    _close(spot, wallet, order, status, now_ms)
    spot.notices.order(order, status, now_ms, cancel_id=cancel_id)
    _tell_balances(spot, wallet, order, now_ms)
    _end_siblings(spot, wallet, order, status, now_ms, cancel_id)


def _end_siblings(
    spot: Spot, wallet: Wallet, order: Order, status: str, now_ms: int, cancel_id: str | None = None
) -> None:
    orders = wallet.lists.get(order.list_id)
    if orders is None or orders.is_done:
        return
    orders.is_done = True
    for order_id in orders.order_ids:
        other = wallet.orders[order_id]
        if order_id != order.order_id and other.is_open:
            _end(spot, wallet, other, status, now_ms, cancel_id)
    spot.notices.order_list(wallet, orders, now_ms)


def _close(spot: Spot, wallet: Wallet, order: Order, status: str, now_ms: int) -> None:
    """The order is final: whatever it still bound is free again."""
    if status not in MOVES[order.status]:
        raise ValueError(f"order {order.order_id}: {order.status} never becomes {status}")
    order.status = status
    order.update_ms = wallet.update_ms = now_ms
    wallet.release(funding_asset(spot.pair(order.symbol), order.side), order.locked)
    order.locked = ZERO
    spot.resting[order.symbol].pop(order.order_id, None)
    wallet.open_orders.pop(order.order_id, None)
    spot.changes += 1


def _note(spot: Spot, wallet: Wallet, order: Order, execution: str, now_ms: int) -> None:
    wallet.update_ms = now_ms
    spot.changes += 1
    spot.notices.order(order, execution, now_ms)
    _tell_balances(spot, wallet, order, now_ms)


def _tell_balances(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    pair = spot.pair(order.symbol)
    spot.notices.balances(wallet, (pair.base, pair.quote), now_ms)


def _takes(spot: Spot, order: Order) -> bool:
    if not order.is_limit:
        return True
    best = spot.best(order.symbol, order.side)
    return order.price >= best if order.is_buy else order.price <= best


def _whole_steps(pair: Pair, quantity: Decimal) -> Decimal:
    return (quantity / pair.step).to_integral_value(ROUND_DOWN) * pair.step
