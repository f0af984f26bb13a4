"""Everything the venue holds, and nothing about how it is asked: pure, every method takes the time it needs."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.agenda import Agenda
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.funding import Funding
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS, Instrument
from copydesk.simulators.binance.exchange.notices import Notices
from copydesk.simulators.binance.exchange.records import Algo, Income, Order
from copydesk.simulators.binance.exchange.text import invented
from copydesk.simulators.market import Depth, Market, Quote

_AUTO_ID_LENGTH = 22


class Exchange:
    def __init__(self, market: Market, *, seed: int = 1) -> None:
        self.market = market
        self.accounts: dict[str, Account] = {}
        self.notices = Notices(self.mark)
        self.resting: dict[str, dict[int, Order]] = {symbol: {} for symbol in INSTRUMENTS}
        self.waiting: dict[str, dict[int, Algo]] = {symbol: {} for symbol in INSTRUMENTS}
        self.liquidated: dict[str, Order] = {}  # the latest order of each symbol that sold somebody out
        self.last_order_id = 4_000_000_000
        self.last_algo_id = 1_000_000_000
        self.last_trade_id = 700_000_000
        self.last_income_id = 0
        self.last_amendment_id = 0
        self.changes = 0
        self.after_step: list[Callable[[int], None]] = []
        self.unchecked: dict[str, Account] = {}  # changed since their margin was last looked at
        self.calm: dict[str, tuple[Decimal, Decimal]] = {}  # marks between which nobody's margin gets thin
        self.depth = {symbol: Depth(instrument, seed=seed) for symbol, instrument in INSTRUMENTS.items()}
        self.agenda = Agenda()
        self.funding = Funding(self.agenda, now_ms=market.quote(next(iter(INSTRUMENTS))).at_ms)
        self._random = Random(f"{seed}:ids")  # noqa: S311  # readable ids, not secrets

    def instrument(self, symbol: str) -> Instrument:
        found = INSTRUMENTS.get(symbol)
        if found is None:
            raise refused(-1121)
        return found

    def quote(self, symbol: str) -> Quote:
        return self.market.quote(symbol)

    def mark(self, symbol: str) -> Decimal:
        return self.market.quote(symbol).mark

    def take_order_id(self) -> int:
        self.last_order_id += 1
        return self.last_order_id

    def take_algo_id(self) -> int:
        self.last_algo_id += 1
        return self.last_algo_id

    def take_trade_id(self) -> int:
        self.last_trade_id += 1
        return self.last_trade_id

    def take_amendment_id(self) -> int:
        self.last_amendment_id += 1
        return self.last_amendment_id

    def touch(self, account: Account) -> None:
        """Something about this account is no longer what it was."""
        self.changes += 1
        self.unchecked[account.api_key] = account

    def pay(
        self, account: Account, kind: str, amount: Decimal, at_ms: int, *, symbol: str = "", info: str = ""
    ) -> None:
        """Wallet and income record change together; a negative amount is paid by the account."""
        self.last_income_id += 1
        account.wallet += amount
        account.incomes.append(
            Income(
                tran_id=9_000_000_000 + self.last_income_id,
                kind=kind,
                amount=amount,
                time_ms=at_ms,
                symbol=symbol,
                info=info or kind,
            )
        )
        self.touch(account)

    def deposit(self, account: Account, balance: Decimal, at_ms: int) -> None:
        """Set the wallet to this balance by a transfer, if it differs."""
        amount = balance - account.wallet
        if amount:
            self.pay(account, "TRANSFER", amount, at_ms)
            self.notices.account(account, at_ms, "DEPOSIT" if amount > 0 else "WITHDRAW", change=amount)

    def invent_client_id(self) -> str:
        return invented(self._random, _AUTO_ID_LENGTH)

    def adopt(self, account: Account) -> None:
        """Take in an account with all it brings, its open orders included."""
        self.accounts[account.api_key] = account
        for order in account.book.open_orders.values():
            self.resting[order.symbol][order.order_id] = order
            if order.good_till_ms:
                self.agenda.add(order.good_till_ms, "good_till", account=account.api_key, reference=order.order_id)
        for algo in account.book.open_algos.values():
            self.waiting[algo.symbol][algo.algo_id] = algo
            if algo.good_till_ms:
                self.agenda.add(algo.good_till_ms, "algo_till", account=account.api_key, reference=algo.algo_id)
        for symbol, at_ms in account.countdowns.items():
            self.agenda.add(at_ms, "countdown", account=account.api_key, symbol=symbol)
        self.touch(account)
