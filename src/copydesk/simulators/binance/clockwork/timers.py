"""What falls due at its time: good-till dates, countdowns that cancel everything, funding."""

from collections.abc import Callable, Mapping

from copydesk.simulators.binance.clockwork.payments import pay_funding
from copydesk.simulators.binance.exchange import algos, matching, trading
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.agenda import Due
from copydesk.simulators.binance.exchange.exchange import Exchange


def run(exchange: Exchange, now_ms: int) -> None:
    """Everything due by now, in the order of time, each with its own time."""
    while (due := exchange.agenda.pop(now_ms)) is not None:
        _DEEDS[due.kind](exchange, due)


def start_countdown(exchange: Exchange, account: Account, symbol: str, length_ms: int, now_ms: int) -> None:
    """All orders of the symbol are cancelled then, unless this is called again; 0 stops the countdown."""
    account.countdowns.pop(symbol, None)
    if length_ms:
        account.countdowns[symbol] = now_ms + length_ms
        exchange.agenda.add(now_ms + length_ms, "countdown", account=account.api_key, symbol=symbol)
    exchange.touch(account)


def _good_till(exchange: Exchange, due: Due) -> None:
    account = exchange.accounts[due.account]
    order = account.book.orders[due.reference]
    if order.is_open:
        matching.end(exchange, account, order, "EXPIRED", due.at_ms)


def _algo_till(exchange: Exchange, due: Due) -> None:
    account = exchange.accounts[due.account]
    algos.expire(exchange, account, account.book.algos[due.reference], due.at_ms)


def _countdown(exchange: Exchange, due: Due) -> None:
    account = exchange.accounts[due.account]
    if account.countdowns.get(due.symbol) != due.at_ms:
        return
    del account.countdowns[due.symbol]
    for order in account.book.open_of(due.symbol):
        trading.cancel(exchange, account, order, due.at_ms)


def _funding(exchange: Exchange, due: Due) -> None:
    pay_funding(exchange, due.symbol, due.at_ms)
    exchange.funding.plan(due.symbol, due.at_ms)


_DEEDS: Mapping[str, Callable[[Exchange, Due], None]] = {
    "good_till": _good_till,
    "algo_till": _algo_till,
    "countdown": _countdown,
    "funding": _funding,
}
