"""A resting limit order gets another price or quantity (PUT /fapi/v1/order): same id, last in its queue again."""

from decimal import Decimal

from copydesk.simulators.binance.exchange import filters, matching, rules, trading
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import MAX_AMENDMENTS
from copydesk.simulators.binance.exchange.records import Amendment, Order
from copydesk.simulators.binance.exchange.requests import AmendRequest


def amend(exchange: Exchange, account: Account, order: Order, request: AmendRequest, now_ms: int) -> Order:
    """Raises RefusedError; then the order stays as it is. It may also be cancelled by its change, as the venue does."""
    _check_possible(order, request)
    price = trading.matched_price(exchange, order.symbol, order.side, request.price_match) or request.price
    quantity = request.quantity
    _check_filters(exchange, order, request, price)
    if (price, quantity) == (order.price, order.quantity):
        raise refused(-5027)
    if quantity <= order.executed or (order.time_in_force == "GTX" and _would_take(exchange, order, price)):
        matching.end(exchange, account, order, "CANCELED", now_ms)
        return order
    if order.reduce_only:
        where = (order.symbol, order.side, order.position_side)
        left = rules.cut_to_position(account, *where, quantity - order.executed)
        quantity = order.executed + left
    else:
        _check_room(exchange, account, order, quantity, price)
    _change(exchange, account, order, quantity, price, request, now_ms)
    matching.enter(exchange, account, order, now_ms)
    return order


def _check_possible(order: Order, request: AmendRequest) -> None:
    """Whatever is still open is a limit order: a market order never waits."""
    if not order.is_open:
        raise refused(-2013)
    if request.side != order.side:
        raise refused(-1117)
    if request.reduce_only and not order.reduce_only:
        raise refused(-5047)
    if len(order.amendments) >= MAX_AMENDMENTS:
        raise refused(-5026)


def _check_filters(exchange: Exchange, order: Order, request: AmendRequest, price: Decimal) -> None:
    instrument = exchange.instrument(order.symbol)
    filters.check_quantity(instrument, request.quantity, market=False)
    filters.check_price(instrument, price)
    filters.check_band(order.side, price, exchange.mark(order.symbol))
    if not request.reduce_only:
        filters.check_notional(instrument, request.quantity * price)


def _check_room(exchange: Exchange, account: Account, order: Order, quantity: Decimal, price: Decimal) -> None:
    """The changed order is judged as if the old one were not there."""
    before = order.quantity, order.price
    account.book.open_orders.pop(order.order_id)
    order.quantity, order.price = quantity, price
    try:
        rules.check_room(exchange, account, exchange.instrument(order.symbol), order, price)
    finally:
        order.quantity, order.price = before
        account.book.open_orders[order.order_id] = order


def _would_take(exchange: Exchange, order: Order, price: Decimal) -> bool:
    best = trading.best_price(exchange.quote(order.symbol), order.side)
    return price >= best if order.side == "BUY" else price <= best


def _change(
    exchange: Exchange,
    account: Account,
    order: Order,
    quantity: Decimal,
    price: Decimal,
    request: AmendRequest,
    now_ms: int,
) -> None:
    amendment = Amendment(
        amendment_id=exchange.take_amendment_id(),
        time_ms=now_ms,
        price_before=order.price,
        price=price,
        quantity_before=order.quantity,
        quantity=quantity,
        modify_id=request.modify_id,
    )
    order.amendments.append(amendment)
    order.price, order.quantity, order.update_ms = price, quantity, now_ms
    order.price_match = request.price_match
    queue = exchange.resting[order.symbol]
    queue[order.order_id] = queue.pop(order.order_id)
    exchange.touch(account)
    exchange.notices.order(order, "AMENDMENT", now_ms)
