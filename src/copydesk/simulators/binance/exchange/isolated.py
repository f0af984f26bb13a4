"""Margin of one isolated position, put in or taken out by hand (POST /fapi/v1/positionMargin)."""

from decimal import Decimal

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.position import Position, to_cents
from copydesk.simulators.binance.exchange.records import ZERO, MarginChange

ADD, REDUCE = 1, 2


def change_margin(
    exchange: Exchange, account: Account, position: Position, kind: int, amount: Decimal, now_ms: int
) -> None:
    """Raises RefusedError: cross position, nothing held, or more than there is to give."""
    if not account.setting(position.symbol).isolated:
        raise refused(-4049)
    if not position.quantity:
        raise refused(-4054)
    if amount <= 0:
        raise refused(-4055)
    amount = to_cents(amount)
    if kind == ADD and amount > account.available(exchange.mark):
        raise refused(-4050)
    if kind == REDUCE and amount > removable(exchange, account, position):
        raise refused(-4051)
    change = amount if kind == ADD else -amount
    position.isolated_wallet += change
    account.margin_changes.append(
        MarginChange(symbol=position.symbol, position_side=position.side, kind=kind, amount=amount, time_ms=now_ms)
    )
    exchange.touch(account)
    exchange.notices.account(account, now_ms, "MARGIN_TRANSFER", positions=(position,), change=-change)


def removable(exchange: Exchange, account: Account, position: Position) -> Decimal:
    """What stands above the initial margin, losses counted."""
    mark = exchange.mark(position.symbol)
    needed = abs(position.quantity) * mark / account.setting(position.symbol).leverage
    return position.isolated_wallet + min(ZERO, position.unrealized(mark)) - needed
