"""Orders against the modelled book: taking level by level, resting until the price comes, triggered by it."""

from decimal import Decimal

from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.spot import stops
from copydesk.simulators.binance.spot.records import MOVES, ZERO, Fill, Order
from copydesk.simulators.binance.spot.symbols import PAIRS, Pair
from copydesk.simulators.binance.spot.venue import Spot
from copydesk.simulators.binance.spot.wallet import Wallet


def match(spot: Spot, symbol: str, now_ms: int) -> None:
    """What the last price has reached, oldest first: resting orders fill at their own price, as far as the step's volume goes."""
    last, depth = spot.last(symbol), spot.depth[symbol]
    for order in list(spot.resting[symbol].values()):
        wallet = spot.wallets[order.account]
        if not order.is_open:
            continue  # its order list ended with an order before it
        if not order.is_working:
            if stops.is_due(order, last, now_ms):
                _trigger(spot, wallet, order, now_ms)
        elif allows(order, last):
            quantity = min(order.remaining, depth.passing(order.side))
            if quantity > 0:
                depth.give(order.side, quantity)
                _fill(spot, wallet, order, quantity, order.price, now_ms, maker=True)


def work(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    """An order meets the book: it takes what its price allows, then rests, expires or is done."""
    if order.time_in_force != "FOK" or _fills_whole(spot, order):
        for level in spot.facing(order.symbol, order.side):
            if not allows(order, level.price):
                break
            quantity = min(order.remaining, level.quantity)
            spot.depth[order.symbol].take(order.side, level, quantity)
            _fill(spot, wallet, order, quantity, level.price, now_ms, maker=False)
            if not order.is_open:
                break
    if order.is_open and (not order.is_limit or order.time_in_force != "GTC"):
        end(spot, wallet, order, "EXPIRED", now_ms)


def allows(order: Order, price: Decimal) -> bool:
    """Whether the order's own price reaches this one; a market order takes any."""
    if not order.is_limit:
        return True
    return price <= order.price if order.is_buy else price >= order.price


def needed(spot: Spot, order: Order) -> Decimal:
    """What an order binds while it is open: the base it sells, or the most it may pay."""
    if not order.is_buy:
        return order.remaining
    if order.quote_quantity:
        return order.quote_quantity
    if order.price or not order.is_working:
        return order.quantity * (order.price or order.stop_price or spot.best(order.symbol, "BUY"))
    return _cost(spot, order)


def lock(spot: Spot, wallet: Wallet, order: Order, amount: Decimal) -> None:
    """Raises RefusedError -2010 when the wallet has not that much free."""
    wallet.lock(funding_asset(spot.pair(order.symbol), order.side), amount)
    order.locked += amount


def end(spot: Spot, wallet: Wallet, order: Order, status: str, now_ms: int, cancel_id: str | None = None) -> None:
    """Cancelled or expired, with whatever hangs together with it."""
    _move(spot, wallet, order, status, now_ms)
    spot.notices.order(order, status, now_ms, cancel_id=cancel_id)
    _tell_balances(spot, wallet, order, now_ms)
    _end_siblings(spot, wallet, order, status, now_ms, cancel_id)


def note(spot: Spot, wallet: Wallet, order: Order, execution: str, now_ms: int) -> None:
    wallet.update_ms = now_ms
    spot.changes += 1
    spot.notices.order(order, execution, now_ms)
    _tell_balances(spot, wallet, order, now_ms)


def funding_asset(pair: Pair, side: str) -> str:
    return pair.quote if side == "BUY" else pair.base


def _trigger(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    """Its list's other order goes first: what that one bound is needed here."""
    _end_siblings(spot, wallet, order, "EXPIRED", now_ms)
    order.working_ms = order.update_ms = now_ms
    try:
        lock(spot, wallet, order, max(ZERO, needed(spot, order) - order.locked))
    except RefusedError:
        end(spot, wallet, order, "EXPIRED", now_ms)
        return
    note(spot, wallet, order, "NEW", now_ms)
    work(spot, wallet, order, now_ms)


def _fill(
    spot: Spot, wallet: Wallet, order: Order, quantity: Decimal, price: Decimal, now_ms: int, *, maker: bool
) -> None:
    pair, value = spot.pair(order.symbol), quantity * price
    base, quote = (pair.base, quantity), (pair.quote, value)
    paid, received = (quote, base) if order.is_buy else (base, quote)
    _take_over(spot, wallet, order)
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
    wallet.keep_fill(fill)
    _end_siblings(spot, wallet, order, "EXPIRED", now_ms)
    _move(spot, wallet, order, "FILLED" if not order.remaining else "PARTIALLY_FILLED", now_ms)
    spot.notices.order(order, "TRADE", now_ms, fill)
    _tell_balances(spot, wallet, order, now_ms)


def _take_over(spot: Spot, wallet: Wallet, order: Order) -> None:
    """The first of a list to fill keeps bound what it needs itself of what they bound together; the rest is free again."""
    orders = wallet.lists.get(order.list_id)
    if orders is None or orders.is_done:
        return
    for each in (wallet.orders[order_id] for order_id in orders.order_ids if order_id != order.order_id):
        order.locked += each.locked
        each.locked = ZERO
    surplus = max(ZERO, order.locked - needed(spot, order))
    wallet.release(funding_asset(PAIRS[order.symbol], order.side), surplus)
    order.locked -= surplus


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
            end(spot, wallet, other, status, now_ms, cancel_id)
    spot.notices.order_list(wallet, orders, now_ms)


def _move(spot: Spot, wallet: Wallet, order: Order, status: str, now_ms: int) -> None:
    """When the order is final, whatever it still bound is free again."""
    if status not in MOVES[order.status]:
        raise ValueError(f"order {order.order_id}: {order.status} never becomes {status}")
    order.status = status
    order.update_ms = wallet.update_ms = now_ms
    spot.changes += 1
    if order.is_open:
        return
    wallet.release(funding_asset(PAIRS[order.symbol], order.side), order.locked)
    order.locked = ZERO
    spot.resting[order.symbol].pop(order.order_id, None)
    wallet.open_orders.pop(order.order_id, None)


def _tell_balances(spot: Spot, wallet: Wallet, order: Order, now_ms: int) -> None:
    pair = spot.pair(order.symbol)
    spot.notices.balances(wallet, (pair.base, pair.quote), now_ms)


def _fills_whole(spot: Spot, order: Order) -> bool:
    found = spot.facing(order.symbol, order.side)
    return sum((level.quantity for level in found if allows(order, level.price)), ZERO) >= order.quantity


def _cost(spot: Spot, order: Order) -> Decimal:
    """What a market order pays for as much as the book has."""
    cost, left = ZERO, order.remaining
    for level in spot.facing(order.symbol, order.side):
        part = min(left, level.quantity)
        cost += part * level.price
        left -= part
        if not left:
            break
    return cost
