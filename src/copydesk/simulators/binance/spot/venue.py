"""Everything spot holds, and nothing about how it is asked: pure, every method takes the time it needs."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

from copydesk.simulators.binance.exchange.text import invented
from copydesk.simulators.binance.spot.notices import Notices
from copydesk.simulators.binance.spot.records import Order
from copydesk.simulators.binance.spot.refusals import refused
from copydesk.simulators.binance.spot.symbols import PAIRS, Pair
from copydesk.simulators.binance.spot.wallet import Wallet
from copydesk.simulators.market import Depth, Level, Market, Quote, Tape

_AUTO_ID_LENGTH = 22


class Spot:
    def __init__(self, market: Market, *, seed: int = 1) -> None:
        self.market = market
        self.wallets: dict[str, Wallet] = {}
        self.notices = Notices()
        self.resting: dict[str, dict[int, Order]] = {symbol: {} for symbol in PAIRS}
        self.depth = {symbol: Depth(pair, seed=seed) for symbol, pair in PAIRS.items()}
        self.tapes: dict[str, Tape] = {symbol: Tape() for symbol in PAIRS}
        self.last_order_id = 6_000_000_000
        self.last_trade_id = 900_000_000
        self.last_list_id = 0
        self.changes = 0
        self._random = Random(f"{seed}:spot:ids")  # noqa: S311  # readable ids, not secrets

    def pair(self, symbol: str) -> Pair:
        found = PAIRS.get(symbol)
        if found is None:
            raise refused(-1121)
        return found

    def quote(self, symbol: str) -> Quote:
        return self.market.quote(PAIRS[symbol].line)

    def last(self, symbol: str) -> Decimal:
        return self.quote(symbol).last

    def facing(self, symbol: str, side: str) -> Iterator[Level]:
        """What an order on this side meets in the book, best first."""
        return self.depth[symbol].facing(side, self.quote(symbol))

    def best(self, symbol: str, side: str) -> Decimal:
        quote = self.quote(symbol)
        return quote.ask if side == "BUY" else quote.bid

    def wallet(self, api_key: str, now_ms: int) -> Wallet:
        """Every key has one, empty until something is put in."""
        found = self.wallets.get(api_key)
        if found is None:
            found = self.wallets[api_key] = Wallet(api_key=api_key, created_ms=now_ms, update_ms=now_ms)
        return found

    def adopt(self, wallet: Wallet) -> None:
        """Take in a wallet with all it brings, its open orders included."""
        self.wallets[wallet.api_key] = wallet
        for order in wallet.open_orders.values():
            self.resting[order.symbol][order.order_id] = order
        self.changes += 1

    def deposit(self, api_key: str, totals: dict[str, Decimal], now_ms: int) -> None:
        """Set what the wallet holds of each named asset."""
        wallet = self.wallet(api_key, now_ms)
        for asset, total in totals.items():
            change = wallet.set_total(asset, total)
            if change:
                self.notices.deposited(wallet, asset, change, now_ms)
        wallet.update_ms = now_ms
        self.changes += 1

    def take_order_id(self) -> int:
        self.last_order_id += 1
        return self.last_order_id

    def take_trade_id(self) -> int:
        self.last_trade_id += 1
        return self.last_trade_id

    def take_list_id(self) -> int:
        self.last_list_id += 1
        return self.last_list_id

    def invent_client_id(self) -> str:
        return invented(self._random, _AUTO_ID_LENGTH)
