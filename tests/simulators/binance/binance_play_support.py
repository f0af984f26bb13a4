"""The venue without a network, played by lists of deeds: what a test does can be recorded and done again."""

from decimal import Decimal
from random import Random

from copydesk.simulators.binance.clockwork import engine, forced
from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.exchange.ledger import read_ledger
from copydesk.simulators.binance.rest.call import Call
from copydesk.simulators.binance.rest.listen_keys import ListenKeys
from copydesk.simulators.binance.rest.params import Params
from copydesk.simulators.binance.rest.routes import ROUTES
from copydesk.simulators.binance.server import make_exchange

NOON = 1_800_000_000_000 - 1_800_000_000_000 % 86_400_000 + 43_200_000


class Play:
    """One exchange on its own clock; every deed is data, so that the same deeds can be played twice."""

    def __init__(self, *, seed=1):
        self.seed = seed
        self.now_ms = NOON
        self.exchange = make_exchange(seed=seed, now_ms=NOON)
        self.listen_keys = ListenKeys(Random(seed))
        self.deeds = []
        self.answers = []

    def do(self, kind, *details, **more):
        self.deeds.append((kind, details, more))
        answer = getattr(self, f"_{kind}")(*details, **more)
        self.answers.append(answer)
        return answer

    def again(self):
        """A second venue to which the same happened."""
        other = Play(seed=self.seed)
        for kind, details, more in self.deeds:
            other.do(kind, *details, **more)
        return other

    def ledger(self):
        return read_ledger(self.exchange)

    def account(self, key):
        return self.exchange.accounts[key]

    def ask(self, key, method, path, **params):
        """An answer that changes nothing and is not recorded."""
        return self._ask(key, method, path, **params)[1]

    def _open(self, key, balance, **options):
        amount = Decimal(balance)
        self.exchange.adopt(
            Account(api_key=key, api_secret="s", start_balance=amount, wallet=amount, created_ms=self.now_ms, **options)
        )

    def _ask(self, key, method, path, **params):
        """(HTTP status, answer)."""
        texts = {name: str(value) for name, value in params.items() if value is not None}
        call = Call(
            exchange=self.exchange,
            listen_keys=self.listen_keys,
            params=Params.of(texts),
            now_ms=self.now_ms,
            account_or_none=self.exchange.accounts.get(key),
        )
        try:
            return 200, ROUTES[method, path].handle(call)
        except RefusedError as refusal:
            return refusal.status, {"code": refusal.code, "msg": refusal.text}

    def _price(self, symbol, price, *, hold=True, mark=None):
        engine.put_price(
            self.exchange,
            symbol,
            Decimal(price),
            self.now_ms,
            hold=hold,
            mark=None if mark is None else Decimal(mark),
        )

    def _advance(self, milliseconds):
        self.now_ms += milliseconds
        engine.advance(self.exchange, self.now_ms)

    def _liquidity(self, symbol, share):
        self.exchange.depth[symbol].share = Decimal(share)

    def _rate(self, symbol, rate):
        self.exchange.funding.rates[symbol] = Decimal(rate)

    def _deposit(self, key, balance):
        self.exchange.deposit(self.account(key), Decimal(balance), self.now_ms)

    def _liquidate(self, key):
        position = next(self.account(key).held(), None)
        if position is not None:
            forced.liquidate(self.exchange, self.account(key), position, self.now_ms)

    def _deleverage(self, key, share):
        position = next(self.account(key).held(), None)
        if position is not None:
            step = self.exchange.instrument(position.symbol).step
            quantity = max(step, abs(position.quantity) * Decimal(share) // step * step)
            forced.deleverage(self.exchange, self.account(key), position, quantity, self.now_ms)

    def _settle(self, symbol):
        forced.settle(self.exchange, symbol, self.now_ms)
