"""Normal orders: judged, taken into the book, cancelled."""

from collections.abc import Mapping
from decimal import Decimal

from copydesk.simulators.binance.exchange import filters, matching, rules
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import MAX_OPEN_ORDERS, Instrument
from copydesk.simulators.binance.exchange.records import Algo, Order
from copydesk.simulators.binance.exchange.requests import OrderRequest
from copydesk.simulators.market import Quote

_RANKS: Mapping[str, int] = {"": 1, "5": 5, "10": 10, "20": 20}


def place(exchange: Exchange, account: Account, request: OrderRequest, now_ms: int) -> Order:
    """Raises RefusedError; then the order does not exist and nothing has changed."""
    order = judge(exchange, account, request, now_ms)
    return _admit(exchange, account, order, now_ms)


def judge(exchange: Exchange, account: Account, request: OrderRequest, now_ms: int) -> Order:
    """The order as it would be taken; it is not in any book yet. Raises RefusedError."""
    instrument = exchange.instrument(request.symbol)
    rules.check_mode(account, request.position_side, request.reduce_only)
    rules.check_good_till(request.time_in_force, request.good_till_ms, now_ms)
    quote = exchange.quote(request.symbol)
    limit = matched_price(exchange, request.symbol, request.side, request.price_match) or request.price
    _check_filters(instrument, request, limit, quote)
    reducing = rules.is_reducing(account, request.side, request.position_side, request.reduce_only)
    quantity = _reduced(account, request) if reducing else request.quantity
    price = best_price(quote, request.side) if request.is_market else limit
    if not reducing:
        filters.check_notional(instrument, quantity * price)
    if request.client_id is not None and account.book.is_open_id(request.client_id):
        raise refused(-4116)
    order = _order(account, request, quantity, limit, now_ms, reducing=reducing)
    _check_market(exchange, account, instrument, order)
    return order


def place_triggered(exchange: Exchange, account: Account, algo: Algo, now_ms: int) -> Order:
    """The normal order a conditional one becomes; it carries the conditional order's client id."""
    limit = matched_price(exchange, algo.symbol, algo.side, algo.price_match) or algo.price
    request = OrderRequest(
        symbol=algo.symbol,
        side=algo.side,
        position_side=algo.position_side,
        type="LIMIT" if limit else "MARKET",
        quantity=algo.quantity,
        price=limit,
        time_in_force=algo.time_in_force,
        client_id=algo.client_algo_id,
        prevention=algo.prevention,
        price_match=algo.price_match,
        good_till_ms=algo.good_till_ms,
    )
    wants = algo.reduce_only or algo.close_position
    reducing = rules.is_reducing(account, algo.side, algo.position_side, wants)
    quantity = algo.quantity
    if algo.close_position:
        quantity = rules.reducible(account, algo.symbol, algo.side, algo.position_side)
    if reducing:
        quantity = rules.cut_to_position(account, algo.symbol, algo.side, algo.position_side, quantity)
    order = _order(account, request, quantity, limit, now_ms, reducing=reducing)
    order.algo_id = algo.algo_id
    order.orig_type = algo.type
    order.stop_price = algo.trigger_price
    order.working_type = algo.working_type
    order.close_position = algo.close_position
    order.price_protect = algo.price_protect
    _check_market(exchange, account, exchange.instrument(order.symbol), order)
    return _admit(exchange, account, order, now_ms)


def cancel(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    if not order.is_open:
        raise refused(-2011)
    matching.end(exchange, account, order, "CANCELED", now_ms)


def best_price(quote: Quote, side: str) -> Decimal:
    return quote.ask if side == "BUY" else quote.bid


def matched_price(exchange: Exchange, symbol: str, side: str, wish: str) -> Decimal | None:
    """``OPPONENT_5``: the fifth price of the other side; ``QUEUE``: the best of the own side. None without a wish."""
    if wish == "NONE":
        return None
    base, _, rank = wish.partition("_")
    faced = side if base == "OPPONENT" else {"BUY": "SELL", "SELL": "BUY"}[side]
    levels = list(exchange.depth[symbol].facing(faced, exchange.quote(symbol)))
    if len(levels) < _RANKS[rank]:
        raise refused(-5041)
    return levels[_RANKS[rank] - 1].price


def _check_filters(instrument: Instrument, request: OrderRequest, limit: Decimal, quote: Quote) -> None:
    filters.check_quantity(instrument, request.quantity, market=request.is_market)
    if not request.is_market:
        filters.check_price(instrument, limit)
        filters.check_band(request.side, limit, quote.mark)


def _reduced(account: Account, request: OrderRequest) -> Decimal:
    """What is left of a reducing order; a limit order beside others that take the whole position already is refused."""
    where = (request.symbol, request.side, request.position_side)
    quantity = rules.cut_to_position(account, *where, request.quantity)
    if not request.is_market and account.book.reducing_quantity(*where) >= rules.reducible(account, *where):
        raise refused(-4118)
    return quantity


def _order(
    account: Account, request: OrderRequest, quantity: Decimal, price: Decimal, now_ms: int, *, reducing: bool
) -> Order:
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
        price=price,
        time_in_force=request.time_in_force,
        reduce_only=reducing,
        time_ms=now_ms,
        update_ms=now_ms,
        prevention=request.prevention,
        price_match=request.price_match,
        good_till_ms=request.good_till_ms if request.time_in_force == "GTD" else 0,
    )


def _check_market(exchange: Exchange, account: Account, instrument: Instrument, order: Order) -> None:
    """What depends on the account's room and on the book as it stands now."""
    quote = exchange.quote(order.symbol)
    market = order.type == "MARKET"
    best = best_price(quote, order.side)
    if not market and len(account.book.open_of(order.symbol)) >= MAX_OPEN_ORDERS:
        raise refused(-2025)
    if market:
        filters.check_best(order.side, best, quote.mark)
    if not order.reduce_only:
        rules.check_room(exchange, account, instrument, order, best if market else order.price)
    if market and not matching.can_take(exchange, order):
        raise refused(-2020)
    if order.time_in_force == "FOK" and not matching.can_take(exchange, order, order.quantity):
        raise refused(-5021)
    if order.time_in_force == "GTX" and matching.can_take(exchange, order):
        raise refused(-5022)


def _admit(exchange: Exchange, account: Account, order: Order, now_ms: int) -> Order:
    order.order_id = exchange.take_order_id()
    order.client_order_id = order.client_order_id or exchange.invent_client_id()
    exchange.resting[order.symbol][order.order_id] = order
    account.book.keep(order)
    if order.good_till_ms:
        exchange.agenda.add(order.good_till_ms, "good_till", account=account.api_key, reference=order.order_id)
    exchange.touch(account)
    exchange.notices.order(order, "NEW", now_ms)
    matching.enter(exchange, account, order, now_ms)
    return order
