"""Normal orders: taken, matched against the simulated book, cancelled. The book is one tick wide and endlessly deep."""

from decimal import Decimal

from copydesk.simulators.binance.exchange import filters, rules
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import MAX_OPEN_ORDERS, Instrument
from copydesk.simulators.binance.exchange.records import Algo, Order
from copydesk.simulators.binance.exchange.requests import OrderRequest
from copydesk.simulators.market import Quote


def place(exchange: Exchange, account: Account, request: OrderRequest, now_ms: int) -> Order:
    """Raises RefusedError; then the order does not exist and nothing has changed."""
    instrument = exchange.instrument(request.symbol)
    rules.check_mode(account, request.position_side, request.reduce_only)
    quote = exchange.quote(request.symbol)
    _check_filters(instrument, request, quote)
    reducing = rules.is_reducing(account, request.side, request.position_side, request.reduce_only)
    quantity = _reduced(account, request) if reducing else request.quantity
    price = best_price(quote, request.side) if request.is_market else request.price
    if not reducing:
        filters.check_notional(instrument, quantity * price)
    if request.client_id is not None and account.book.is_open_id(request.client_id):
        raise refused(-4116)
    order = _order(account, request, quantity, now_ms, reducing=reducing)
    return _admit(exchange, account, order, now_ms)


def place_triggered(exchange: Exchange, account: Account, algo: Algo, now_ms: int) -> Order:
    """The normal order a conditional one becomes; it carries the conditional order's client id."""
    request = OrderRequest(
        symbol=algo.symbol,
        side=algo.side,
        position_side=algo.position_side,
        type="LIMIT" if algo.price else "MARKET",
        quantity=algo.quantity,
        price=algo.price,
        time_in_force=algo.time_in_force,
        client_id=algo.client_algo_id,
    )
    wants = algo.reduce_only or algo.close_position
    reducing = rules.is_reducing(account, algo.side, algo.position_side, wants)
    quantity = algo.quantity
    if algo.close_position:
        quantity = rules.reducible(account, algo.symbol, algo.side, algo.position_side)
    if reducing:
        quantity = rules.cut_to_position(account, algo.symbol, algo.side, algo.position_side, quantity)
    order = _order(account, request, quantity, now_ms, reducing=reducing)
    order.algo_id = algo.algo_id
    order.orig_type = algo.type
    order.stop_price = algo.trigger_price
    order.working_type = algo.working_type
    order.close_position = algo.close_position
    order.price_protect = algo.price_protect
    return _admit(exchange, account, order, now_ms)


def cancel(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    if not order.is_open:
        raise refused(-2011)
    _end(exchange, account, order, "CANCELED", now_ms)


def match(exchange: Exchange, symbol: str, now_ms: int) -> None:
    """Fill what the last price has reached, at the order's own price, as maker."""
    last = exchange.quote(symbol).last
    reached = [order for order in exchange.resting[symbol].values() if _is_reached(order, last)]
    for order in reached:
        account = exchange.accounts[order.account]
        if order.reduce_only and not _fits(account, order):
            _end(exchange, account, order, "EXPIRED", now_ms)
        else:
            _execute(exchange, account, order, order.price, now_ms, maker=True)


def best_price(quote: Quote, side: str) -> Decimal:
    return quote.ask if side == "BUY" else quote.bid


def _check_filters(instrument: Instrument, request: OrderRequest, quote: Quote) -> None:
    filters.check_quantity(instrument, request.quantity, market=request.is_market)
    if not request.is_market:
        filters.check_price(instrument, request.price)
        filters.check_band(request.side, request.price, quote.mark)


def _reduced(account: Account, request: OrderRequest) -> Decimal:
    return rules.cut_to_position(account, request.symbol, request.side, request.position_side, request.quantity)


def _order(account: Account, request: OrderRequest, quantity: Decimal, now_ms: int, *, reducing: bool) -> Order:
    return Order(
        order_id=0,
        client_order_id=request.client_id or "",
        account=account.api_key,
        symbol=request.symbol,
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        orig_type=request.type,
        quantity=quantity,
        price=request.price,
        time_in_force=request.time_in_force,
        reduce_only=reducing,
        time_ms=now_ms,
        update_ms=now_ms,
    )


def _admit(exchange: Exchange, account: Account, order: Order, now_ms: int) -> Order:
    instrument = exchange.instrument(order.symbol)
    quote = exchange.quote(order.symbol)
    market = order.type == "MARKET"
    best = best_price(quote, order.side)
    taking = market or (order.price >= best if order.side == "BUY" else order.price <= best)
    if not market and len(account.book.open_of(order.symbol)) >= MAX_OPEN_ORDERS:
        raise refused(-2025)
    if not order.reduce_only:
        rules.check_room(exchange, account, instrument, order, best if market else order.price)
    if order.time_in_force == "FOK" and not taking:
        raise refused(-5021)
    if order.time_in_force == "GTX" and taking:
        raise refused(-5022)
    order.order_id = exchange.take_order_id()
    order.client_order_id = order.client_order_id or exchange.invent_client_id()
    exchange.resting[order.symbol][order.order_id] = order
    account.book.keep(order)
    exchange.changes += 1
    exchange.notices.order(order, "NEW", now_ms)
    if taking:
        _execute(exchange, account, order, best, now_ms, maker=False)
    elif order.time_in_force == "IOC":
        _end(exchange, account, order, "EXPIRED", now_ms)
    return order


def _execute(exchange: Exchange, account: Account, order: Order, price: Decimal, now_ms: int, *, maker: bool) -> None:
    fill = account.settle(
        order,
        trade_id=exchange.take_trade_id(),
        quantity=order.remaining,
        price=price,
        maker=maker,
        at_ms=now_ms,
    )
    exchange.changes += 1
    exchange.notices.traded(account, order, fill, now_ms)
    _forget(exchange, account, order, now_ms)


def _end(exchange: Exchange, account: Account, order: Order, status: str, now_ms: int) -> None:
    order.status = status
    order.update_ms = now_ms
    exchange.changes += 1
    exchange.notices.order(order, status, now_ms)
    _forget(exchange, account, order, now_ms)


def _forget(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    """The order is final: no longer open, and the conditional order it came from is finished too."""
    exchange.resting[order.symbol].pop(order.order_id, None)
    account.book.open_orders.pop(order.order_id, None)
    algo = None if order.algo_id is None else account.book.algos[order.algo_id]
    if algo is not None and algo.status == "TRIGGERED":
        algo.status = "FINISHED"
        algo.update_ms = now_ms
        exchange.notices.algo(algo, now_ms)


def _is_reached(order: Order, last: Decimal) -> bool:
    return last <= order.price if order.side == "BUY" else last >= order.price


def _fits(account: Account, order: Order) -> bool:
    """Cut a resting reduce-only order to what is left of the position; False when nothing is."""
    most = rules.reducible(account, order.symbol, order.side, order.position_side)
    order.quantity = order.executed + min(order.remaining, most)
    return bool(order.remaining)
