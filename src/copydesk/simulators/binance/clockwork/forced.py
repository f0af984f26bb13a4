"""Positions the venue closes by orders of its own: liquidation, auto-deleveraging, settlement of a delisted contract."""

from decimal import Decimal

from copydesk.simulators.binance.exchange import matching, trading
from copydesk.simulators.binance.exchange.account import ORDINARY, Account, Terms
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.instruments import LIQUIDATION_FEE
from copydesk.simulators.binance.exchange.position import Position, to_cents
from copydesk.simulators.binance.exchange.records import ZERO, Order

_FREE = Terms(rate=ZERO)


def liquidate(exchange: Exchange, account: Account, position: Position, now_ms: int) -> None:
    """Sell out an isolated position, or this and every other cross position; what is lost beyond the margin is insured."""
    if account.setting(position.symbol).isolated:
        _liquidate(exchange, account, [position], position.isolated_wallet, now_ms)
    else:
        cross = [each for each in account.held() if not account.setting(each.symbol).isolated]
        _liquidate(exchange, account, cross, account.cross_wallet(), now_ms)


def deleverage(exchange: Exchange, account: Account, position: Position, quantity: Decimal, now_ms: int) -> None:
    """Close this much at mark, without a fee, as the counterparty of somebody's bankruptcy."""
    order = _order(exchange, account, position, quantity, "ADL", "adl_autoclose", now_ms)
    _fill_at_mark(exchange, account, order, now_ms)


def settle(exchange: Exchange, symbol: str, now_ms: int) -> int:
    """Cancel the symbol's orders and close its positions at the index price, without a fee; answers how many."""
    price = exchange.quote(symbol).index
    count = 0
    for account in exchange.accounts.values():
        _clear(exchange, account, {symbol}, now_ms)
        for position in list(account.held(symbol)):
            client_id = f"settlement_autoclose-{now_ms}"
            order = _order(exchange, account, position, abs(position.quantity), "SETTLEMENT", client_id, now_ms)
            matching.fill(exchange, account, order, order.remaining, price, now_ms, terms=_FREE)
            count += 1
    return count


def _liquidate(exchange: Exchange, account: Account, positions: list[Position], margin: Decimal, now_ms: int) -> None:
    _clear(exchange, account, {position.symbol for position in positions}, now_ms)
    before, notional = account.wallet, ZERO
    for position in positions:
        notional += abs(position.quantity) * exchange.mark(position.symbol)
        _sell_out(exchange, account, position, now_ms)
    left = margin + account.wallet - before
    fee = min(left, to_cents(notional * LIQUIDATION_FEE))  # negative: the insurance fund pays the rest
    if fee:
        exchange.pay(account, "INSURANCE_CLEAR", -fee, now_ms, symbol=positions[0].symbol)
        exchange.notices.account(account, now_ms, "INSURANCE_CLEAR", change=-fee)


def _sell_out(exchange: Exchange, account: Account, position: Position, now_ms: int) -> None:
    """Through the book at any price; what the book can not bear goes to the insurance fund at mark."""
    client_id = f"autoclose-{now_ms}{exchange.last_order_id % 1_000_000:06}"
    order = _order(exchange, account, position, abs(position.quantity), "LIQUIDATION", client_id, now_ms)
    exchange.liquidated[order.symbol] = order
    depth = exchange.depth[order.symbol]
    for level in depth.facing(order.side, exchange.quote(order.symbol)):
        quantity = min(order.remaining, level.quantity)
        depth.take(order.side, level, quantity)
        matching.fill(exchange, account, order, quantity, level.price, now_ms, terms=ORDINARY)
        if not order.is_open:
            return
    _fill_at_mark(exchange, account, order, now_ms)


def _order(
    exchange: Exchange,
    account: Account,
    position: Position,
    quantity: Decimal,
    forced: str,
    client_id: str,
    now_ms: int,
) -> Order:
    order = Order(
        order_id=exchange.take_order_id(),
        client_order_id=client_id,
        account=account.api_key,
        symbol=position.symbol,
        side="SELL" if position.quantity > 0 else "BUY",
        position_side=position.side,
        type="LIMIT",
        orig_type="LIMIT",
        quantity=quantity,
        price=exchange.mark(position.symbol),
        time_in_force="IOC" if forced == "LIQUIDATION" else "GTC",
        time_ms=now_ms,
        update_ms=now_ms,
        forced=forced,
    )
    exchange.resting[order.symbol][order.order_id] = order
    account.book.keep(order)
    exchange.notices.order(order, "NEW", now_ms)
    return order


def _fill_at_mark(exchange: Exchange, account: Account, order: Order, now_ms: int) -> None:
    price = exchange.mark(order.symbol)
    terms = _FREE if order.forced == "ADL" else ORDINARY
    matching.fill(exchange, account, order, order.remaining, price, now_ms, terms=terms)


def _clear(exchange: Exchange, account: Account, symbols: set[str], now_ms: int) -> None:
    """Open orders go first: they bind margin and could open anew."""
    for order in list(account.book.open_orders.values()):
        if order.symbol in symbols:
            trading.cancel(exchange, account, order, now_ms)
