"""Conditional orders (the Algo Order API, fact sheet §1.4): kept, watched, triggered into normal orders."""

from collections.abc import Mapping
from decimal import Decimal

from copydesk.simulators.binance.exchange import filters, rules, trading
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError, refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import MAX_OPEN_ALGOS, TRIGGER_PROTECT, Instrument
from copydesk.simulators.binance.exchange.records import ZERO, Algo
from copydesk.simulators.binance.exchange.requests import AlgoRequest
from copydesk.simulators.market import Quote

MOVES: Mapping[str, frozenset[str]] = {
    "NEW": frozenset({"TRIGGERING", "CANCELED", "EXPIRED"}),
    "TRIGGERING": frozenset({"TRIGGERED", "EXPIRED", "REJECTED"}),
    "TRIGGERED": frozenset({"FINISHED"}),
    "FINISHED": frozenset(),
    "CANCELED": frozenset(),
    "EXPIRED": frozenset(),
    "REJECTED": frozenset(),
}
_NOTHING_TO_REDUCE = -2022


def place(exchange: Exchange, account: Account, request: AlgoRequest, now_ms: int) -> Algo:
    """Raises RefusedError. A reduce-only order without a position is taken: it is judged when it triggers."""
    instrument = exchange.instrument(request.symbol)
    rules.check_mode(account, request.position_side, request.reduce_only)
    rules.check_good_till(request.time_in_force, request.good_till_ms, now_ms)
    _check_close_position(account, request)
    _check_filters(instrument, request)
    _check_notional(account, instrument, request, exchange.quote(request.symbol))
    if request.client_id is not None and account.book.is_open_algo_id(request.client_id):
        raise refused(-4116)
    if len(account.book.open_algos_of(request.symbol)) >= MAX_OPEN_ALGOS:
        raise refused(-4045)
    algo = _algo(account, request, now_ms)
    if _is_beyond(algo, exchange.quote(request.symbol)) or _is_due(algo, exchange.quote(request.symbol)):
        raise refused(-2021)
    algo.algo_id = exchange.take_algo_id()
    algo.client_algo_id = algo.client_algo_id or exchange.invent_client_id()
    exchange.waiting[algo.symbol][algo.algo_id] = algo
    account.book.keep_algo(algo)
    if algo.good_till_ms:
        exchange.agenda.add(algo.good_till_ms, "algo_till", account=account.api_key, reference=algo.algo_id)
    exchange.touch(account)
    exchange.notices.algo(algo, now_ms)
    return algo


def cancel(exchange: Exchange, account: Account, algo: Algo, now_ms: int) -> None:
    if algo.status != "NEW":
        raise refused(-2011)
    _move(exchange, account, algo, "CANCELED", now_ms)


def expire(exchange: Exchange, account: Account, algo: Algo, now_ms: int) -> None:
    """Its good-till date has come."""
    if algo.status == "NEW":
        _move(exchange, account, algo, "EXPIRED", now_ms)


def trigger(exchange: Exchange, symbol: str, now_ms: int) -> None:
    """Fire every conditional order whose price has come; oldest first."""
    quote = exchange.quote(symbol)
    due = [algo for algo in exchange.waiting[symbol].values() if _is_due(algo, quote)]
    for algo in due:
        if algo.status == "NEW":
            _fire(exchange, exchange.accounts[algo.account], algo, now_ms)


def _fire(exchange: Exchange, account: Account, algo: Algo, now_ms: int) -> None:
    algo.trigger_ms = now_ms
    _move(exchange, account, algo, "TRIGGERING", now_ms)
    try:
        order = trading.place_triggered(exchange, account, algo, now_ms)
    except RefusedError as refusal:
        algo.reason = refusal.text
        _move(exchange, account, algo, "EXPIRED" if refusal.code == _NOTHING_TO_REDUCE else "REJECTED", now_ms)
        return
    algo.order_id = order.order_id
    _move(exchange, account, algo, "TRIGGERED", now_ms)
    if not order.is_open:
        _move(exchange, account, algo, "FINISHED", now_ms)


def _move(exchange: Exchange, account: Account, algo: Algo, status: str, now_ms: int) -> None:
    if status not in MOVES[algo.status]:
        raise ValueError(f"algo {algo.algo_id}: {algo.status} never becomes {status}")
    algo.status = status
    algo.update_ms = now_ms
    if not algo.is_open:
        exchange.waiting[algo.symbol].pop(algo.algo_id, None)
        account.book.open_algos.pop(algo.algo_id, None)
    exchange.touch(account)
    exchange.notices.algo(algo, now_ms)


def _check_close_position(account: Account, request: AlgoRequest) -> None:
    if not request.close_position:
        return
    if request.type not in {"STOP_MARKET", "TAKE_PROFIT_MARKET"}:
        raise refused(-1106, "closePosition")
    if account.hedge and not rules.is_reducing(account, request.side, request.position_side, None):
        raise refused(-1106, "closePosition")


def _check_filters(instrument: Instrument, request: AlgoRequest) -> None:
    if not request.close_position:
        filters.check_quantity(instrument, request.quantity, market=not request.is_limit)
    if request.is_limit and request.price_match == "NONE":
        filters.check_price(instrument, request.price)
    if request.type != "TRAILING_STOP_MARKET":
        filters.check_price(instrument, request.trigger_price)
    elif request.activate_price:
        filters.check_price(instrument, request.activate_price)


def _check_notional(account: Account, instrument: Instrument, request: AlgoRequest, quote: Quote) -> None:
    wants = request.reduce_only or request.close_position
    if rules.is_reducing(account, request.side, request.position_side, wants):
        return
    price = request.price or request.trigger_price or quote.last
    filters.check_notional(instrument, request.quantity * price)


def _algo(account: Account, request: AlgoRequest, now_ms: int) -> Algo:
    return Algo(
        algo_id=0,
        client_algo_id=request.client_id or "",
        account=account.api_key,
        symbol=request.symbol,
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        working_type=request.working_type,
        reduce_only=bool(request.reduce_only),
        close_position=request.close_position,
        price_protect=request.price_protect,
        activate_price=request.activate_price,
        callback_rate=request.callback_rate,
        time_ms=now_ms,
        update_ms=now_ms,
        prevention=request.prevention,
        price_match=request.price_match,
        good_till_ms=request.good_till_ms if request.time_in_force == "GTD" else 0,
    )


def _is_beyond(algo: Algo, quote: Quote) -> bool:
    """A trailing stop's activation price must still be ahead: above the price for SELL, below it for BUY."""
    if not algo.activate_price:
        return False
    price = quote.mark if algo.working_type == "MARK_PRICE" else quote.last
    return algo.activate_price <= price if algo.side == "SELL" else algo.activate_price >= price


def _is_due(algo: Algo, quote: Quote) -> bool:
    if algo.price_protect and abs(quote.mark - quote.last) > quote.mark * TRIGGER_PROTECT:
        return False
    price = quote.mark if algo.working_type == "MARK_PRICE" else quote.last
    if algo.type == "TRAILING_STOP_MARKET":
        return _is_trail_due(algo, price)
    rising = (algo.side == "BUY") == algo.type.startswith("STOP")
    return price >= algo.trigger_price if rising else price <= algo.trigger_price


def _is_trail_due(algo: Algo, price: Decimal) -> bool:
    """Follow the best price since activation; due when the price comes back by the callback rate."""
    selling = algo.side == "SELL"
    if algo.extreme == ZERO:
        if algo.activate_price and (price < algo.activate_price if selling else price > algo.activate_price):
            return False
        algo.extreme = price
    algo.extreme = max(algo.extreme, price) if selling else min(algo.extreme, price)
    back = algo.extreme * algo.callback_rate / 100
    return price <= algo.extreme - back if selling else price >= algo.extreme + back
