"""Funding changes hands: longs pay shorts at a positive rate, on the notional at mark (fact sheet §2.4)."""

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import Paid
from copydesk.simulators.binance.exchange.position import Position, to_cents


def pay_funding(exchange: Exchange, symbol: str, at_ms: int) -> int:
    """Every position of this symbol pays or receives once; answers how many did."""
    count = 0
    for account in exchange.accounts.values():
        for position in list(account.held(symbol)):
            _pay(exchange, account, position, at_ms)
            count += 1
    exchange.funding.note(
        Paid(symbol=symbol, rate=exchange.funding.rates[symbol], at_ms=at_ms, mark=exchange.mark(symbol))
    )
    exchange.changes += 1
    return count


def _pay(exchange: Exchange, account: Account, position: Position, at_ms: int) -> None:
    """The event shows the balance alone for a cross position, the position too for an isolated one."""
    symbol = position.symbol
    amount = -to_cents(position.quantity * exchange.mark(symbol) * exchange.funding.rates[symbol])
    if not amount:
        return
    isolated = account.setting(symbol).isolated
    if isolated:
        position.isolated_wallet += amount
    exchange.pay(account, "FUNDING_FEE", amount, at_ms, symbol=symbol)
    shown = (position,) if isolated else ()
    exchange.notices.account(account, at_ms, "FUNDING_FEE", positions=shown, change=amount)
