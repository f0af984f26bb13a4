"""Margin watched at every step: called when it gets thin, liquidated when it no longer carries the position (fact sheet §2.4).

Looking at every account four times a second would be most of the venue's work. So each look leaves a band of mark prices
within which nothing can happen to anyone; accounts are looked at again when they changed or a price leaves its band.
"""

from decimal import Decimal

from copydesk.simulators.binance.clockwork import forced
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.records import ZERO

CALL_RATIO = Decimal("0.8")  # maintenance margin to margin balance; where the venue calls is not published
_STEEPEST = Decimal("1.5")  # a position's margin never moves faster than this times its notional
_BAND_MAX = Decimal("0.5")


def watch(exchange: Exchange, now_ms: int) -> None:
    left = {symbol for symbol, band in exchange.calm.items() if not _is_within(exchange, symbol, band)}
    wanted, exchange.unchecked = exchange.unchecked, {}
    if left:
        wanted |= {
            key: account
            for key, account in exchange.accounts.items()
            if any(not _is_within(exchange, symbol, account.calm[symbol]) for symbol in left & account.calm.keys())
        }
    for account in wanted.values():
        _look(exchange, account, now_ms)
    if left:
        exchange.calm.clear()
    for account in (exchange.accounts if left else wanted).values():
        for symbol, band in account.calm.items():
            exchange.calm[symbol] = _narrower(band, exchange.calm.get(symbol))


def maintenance(exchange: Exchange, position: Position) -> Decimal:
    notional = abs(position.quantity) * exchange.mark(position.symbol)
    return exchange.instrument(position.symbol).maintenance(notional)


def _is_within(exchange: Exchange, symbol: str, band: tuple[Decimal, Decimal]) -> bool:
    return band[0] < exchange.mark(symbol) < band[1]


def _narrower(one: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal] | None) -> tuple[Decimal, Decimal]:
    return one if other is None else (max(one[0], other[0]), min(one[1], other[1]))


def _look(exchange: Exchange, account: Account, now_ms: int) -> None:
    """Liquidate what can not be carried, call what is close to it, and remember how far prices may move until the next look."""
    account.calm.clear()
    pools = _pools(account)
    if not pools:
        account.called = False
        return
    thin: list[Position] = []
    for pool in pools:
        balance, needed = _standing(exchange, account, pool)
        if balance <= needed:
            forced.liquidate(exchange, account, pool[0], now_ms)
            continue
        called = balance * CALL_RATIO <= needed
        if called:
            thin += pool
        _calm(exchange, account, pool, balance - needed if called else balance * CALL_RATIO - needed)
    if thin and not account.called:
        exchange.notices.margin_call(account, [(each, maintenance(exchange, each)) for each in thin], now_ms)
    account.called = bool(thin)


def _pools(account: Account) -> list[list[Position]]:
    """Positions that stand or fall together: the cross ones as one, each isolated one alone."""
    held = list(account.held())
    cross = [each for each in held if not account.setting(each.symbol).isolated]
    alone = [[each] for each in held if account.setting(each.symbol).isolated]
    return [cross, *alone] if cross else alone


def _standing(exchange: Exchange, account: Account, pool: list[Position]) -> tuple[Decimal, Decimal]:
    """Margin balance and the maintenance margin it must exceed."""
    isolated = account.setting(pool[0].symbol).isolated
    balance = pool[0].isolated_wallet if isolated else account.cross_wallet()
    balance += sum((each.unrealized(exchange.mark(each.symbol)) for each in pool), ZERO)
    return balance, sum((maintenance(exchange, each) for each in pool), ZERO)


def _calm(exchange: Exchange, account: Account, pool: list[Position], slack: Decimal) -> None:
    notional = sum((abs(each.quantity) * exchange.mark(each.symbol) for each in pool), ZERO)
    share = min(_BAND_MAX, slack / (notional * _STEEPEST))
    for position in pool:
        mark = exchange.mark(position.symbol)
        band = (mark * (1 - share), mark * (1 + share))
        account.calm[position.symbol] = _narrower(band, account.calm.get(position.symbol))
