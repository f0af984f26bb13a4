"""Everything the venue holds, and nothing about how it is asked: pure, every method takes the time it needs."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS, Instrument
from copydesk.simulators.binance.exchange.notices import Notices
from copydesk.simulators.binance.exchange.records import Algo, Order
from copydesk.simulators.market import Market, Quote

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_AUTO_ID_LENGTH = 22


class Exchange:
    def __init__(self, market: Market, *, seed: int = 1) -> None:
        self.market = market
        self.accounts: dict[str, Account] = {}
        self.notices = Notices(self.mark)
        self.resting: dict[str, dict[int, Order]] = {symbol: {} for symbol in INSTRUMENTS}
        self.waiting: dict[str, dict[int, Algo]] = {symbol: {} for symbol in INSTRUMENTS}
        self.last_order_id = 4_000_000_000
        self.last_algo_id = 1_000_000_000
        self.last_trade_id = 700_000_000
        self.changes = 0
        self.after_step: list[Callable[[int], None]] = []
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

    def invent_client_id(self) -> str:
        return "".join(self._random.choices(_ID_LETTERS, k=_AUTO_ID_LENGTH))

    def adopt(self, account: Account) -> None:
        """Take in an account with all it brings, its open orders included."""
        self.accounts[account.api_key] = account
        for order in account.book.open_orders.values():
            self.resting[order.symbol][order.order_id] = order
        for algo in account.book.open_algos.values():
            self.waiting[algo.symbol][algo.algo_id] = algo
        self.changes += 1
