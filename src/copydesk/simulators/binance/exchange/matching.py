"""Orders against the modelled book: taking level by level, resting until the price comes, never trading with oneself."""

from decimal import Decimal

from copydesk.simulators.binance.exchange import rules
from copydesk.simulators.binance.exchange.account import ORDINARY, Account, Terms
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import BAND_DOWN, BAND_UP
from copydesk.simulators.binance.exchange.records import ZERO, Order

_ENDS_BY_ITSELF = frozenset({"IOC", "FOK"})


def enter(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    """A new or changed order meets the book: it takes what its price allows, then rests, expires or is done."""
    for level in exchange.depth[order.symbol].facing(order.side, exchange.quote(order.symbol)):
        if not _allows(exchange, order, level.price) or not _alone(exchange, account, order, level.price, now_ms):
            break
        quantity = min(order.remaining, level.quantity)
        exchange.depth[order.symbol].take(order.side, level, quantity)
        fill(exchange, account, order, quantity, level.price, now_ms)
        if not order.is_open:
            break
    if order.is_open and (order.type == "MARKET" or order.time_in_force in _ENDS_BY_ITSELF):
        end(exchange, account, order, "EXPIRED", now_ms)


def can_take(exchange: Exchange, order: Order, quantity: Decimal = ZERO) -> bool:
    """Whether the order's price reaches this much of the book, or anything at all; looks no deeper than it must."""
    found = ZERO
    for level in exchange.depth[order.symbol].facing(order.side, exchange.quote(order.symbol)):
        if not _allows(exchange, order, level.price):
            return False
        found += level.quantity
        if found >= quantity:
            return True
    return False


def match(exchange: Exchange, symbol: str, now_ms: int) -> None:
    """Fill what the last price has reached, at the order's own price, as maker, oldest first, as far as the step's volume goes."""
    last, depth = exchange.quote(symbol).last, exchange.depth[symbol]
    reached = [order for order in exchange.resting[symbol].values() if _is_reached(order, last)]
    for order in reached:
        account = exchange.accounts[order.account]
        if not order.is_open:
            continue
        if order.reduce_only and not _fits(account, order):
            end(exchange, account, order, "EXPIRED", now_ms)
            continue
        quantity = min(order.remaining, depth.passing(order.side))
        if quantity > 0:
            depth.give(order.side, quantity)
            fill(exchange, account, order, quantity, order.price, now_ms, maker=True)


def fill(
    exchange: Exchange,
    account: Account,
    order: Order,
    quantity: Decimal,
    price: Decimal,
    now_ms: int,
    *,
    maker: bool = False,
    terms: Terms = ORDINARY,
) -> None:
    if account.fee_burn and terms is ORDINARY:
        terms = Terms(bnb_price=exchange.mark("BNBUSDT"))
    done = account.settle(
        order,
        trade_id=exchange.take_trade_id(),
        quantity=quantity,
        price=price,
        maker=maker,
        at_ms=now_ms,
        terms=terms,
    )
    exchange.touch(account)
    exchange.notices.traded(account, order, done, now_ms)
    if not order.is_open:
        _forget(exchange, account, order, now_ms)


def end(exchange: Exchange, account: Account, order: Order, status: str, now_ms: int) -> None:
    order.status = status
    order.update_ms = now_ms
    exchange.touch(account)
    exchange.notices.order(order, "EXPIRED" if status == "EXPIRED_IN_MATCH" else status, now_ms)
    _forget(exchange, account, order, now_ms)


def _allows(exchange: Exchange, order: Order, price: Decimal) -> bool:
    """A limit's own price; a market order goes no further than the band around mark (``marketTakeBound``)."""
    if order.type != "MARKET":
        return price <= order.price if order.side == "BUY" else price >= order.price
    mark = exchange.mark(order.symbol)
    return price <= mark * BAND_UP if order.side == "BUY" else price >= mark * BAND_DOWN


def _alone(exchange: Exchange, account: Account, order: Order, price: Decimal, now_ms: int) -> bool:
    """Self-trade prevention: own resting orders that this price would meet expire, or the taking order does, or both."""
    own = account.book.open_of(order.symbol) if account.book.open_orders else []
    met = [each for each in own if each is not order and each.side != order.side and _is_reached(each, price)]
    if not met or order.prevention == "NONE":
        return True
    if order.prevention in {"EXPIRE_MAKER", "EXPIRE_BOTH"}:
        for each in met:
            end(exchange, account, each, "EXPIRED_IN_MATCH", now_ms)
    if order.prevention == "EXPIRE_MAKER":
        return True
    end(exchange, account, order, "EXPIRED_IN_MATCH", now_ms)
    return False


def _forget(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    """The order is final: no longer open, and the conditional order it came from is finished too."""
    exchange.resting[order.symbol].pop(order.order_id, None)
    account.book.open_orders.pop(order.order_id, None)
    algo = None if order.algo_id is None else account.book.algos[order.algo_id]
    if algo is not None and algo.status == "TRIGGERED":
        algo.status = "FINISHED"
        algo.update_ms = now_ms
        exchange.notices.algo(algo, now_ms)


def _is_reached(order: Order, price: Decimal) -> bool:
    return price <= order.price if order.side == "BUY" else price >= order.price


def _fits(account: Account, order: Order) -> bool:
    """Cut a resting reduce-only order to what is left of the position; False when nothing is."""
    most = rules.reducible(account, order.symbol, order.side, order.position_side)
    order.quantity = order.executed + min(order.remaining, most)
    return bool(order.remaining)
