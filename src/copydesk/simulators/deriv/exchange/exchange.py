"""The venue: accounts, contracts, and a second after another in which ticks come and contracts end."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.simulators.deriv.exchange.account import Account, Transaction
from copydesk.simulators.deriv.exchange.contract import Contract, Phase
from copydesk.simulators.deriv.exchange.feed import Feed, Tick
from copydesk.simulators.deriv.exchange.pricing import MARGIN
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.symbols import SYMBOLS
from copydesk.simulators.deriv.exchange.terms import Terms, price, worth
from copydesk.simulators.market import Candle

_FIRST_CONTRACT, _FIRST_TRANSACTION = 210_000_000, 430_000_000
RESALE_LAST_S = 15  # the house buys nothing back in the last moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    symbol: str
    tick: Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    contract: Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    account: Account
    transaction: Transaction
    contract: Contract | None


Event = Ticked | Changed | Booked


@dataclass(slots=True, kw_only=True)
class Numbers:
    contract: int = _FIRST_CONTRACT
    transaction: int = _FIRST_TRANSACTION


@dataclass(slots=True)
class Exchange:
    """``events``: what happened and nobody was told yet. ``changes`` grows with every change worth keeping."""

    feeds: Mapping[str, Feed]
    now_s: int
    margin: Decimal = MARGIN
    accounts: dict[str, Account] = field(default_factory=dict)
    contracts: dict[int, Contract] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)
    events: deque[Event] = field(default_factory=deque)
    changes: int = 0
    _open: dict[int, Contract] = field(default_factory=dict)

    def advance(self, now_ms: int) -> Iterator[None]:
        """Live through every second that is due; whoever iterates tells the events of each step before the next one."""
        while self.now_s < now_ms // 1_000:
            self.now_s += 1
            for feed in self.feeds.values():
                if self.now_s % feed.symbol.every_s == 0:
                    self._tick(feed)
            yield
            due = [each for each in self._open.values() if each.is_due(self.now_s)]
            for contract in due:
                self._expire(contract)
                yield
                self._settle(contract)
                yield

    def adopt(self, contract: Contract) -> None:
        """Take over a contract that was stored."""
        self.contracts[contract.contract_id] = contract
        if not contract.is_settled:
            self._open[contract.contract_id] = contract

    def contracts_of(self, token: str) -> list[Contract]:
        return [each for each in self.contracts.values() if each.account == token]

    def transfer(self, account: Account, amount: Decimal) -> None:
        """Money from or to the world outside; nothing is booked when nothing moves."""
        if amount == 0:
            return
        action = "virtual_credit" if account.is_virtual and amount > 0 else "deposit" if amount > 0 else "withdrawal"
        self._book(account, action, amount)

    def buy(self, account: Account, terms: Terms, *, price_max: Decimal, app_id: int) -> Contract:
        """Raises RefusedError when it is not priced, has become dearer than that, or can not be paid."""
        offer = price(terms, spot=self.feeds[terms.symbol].last.quote, now_s=self.now_s, margin=self.margin)
        currency = account.currency
        if offer.ask > price_max:
            told = f"The contract price has changed from {currency}{price_max} to {currency}{offer.ask}."
            raise RefusedError(
                "PriceMoved", f"The underlying market has moved too much since you priced the contract. {told}"
            )
        if offer.ask > account.balance:
            told = f"({account.balance} {currency}) is insufficient to buy this contract ({offer.ask} {currency})."
            raise RefusedError("InsufficientBalance", f"Your account balance {told}")
        self.numbers.contract += 1
        contract = Contract(
            contract_id=self.numbers.contract,
            account=account.token,
            terms=terms,
            buy_price=offer.ask,
            payout=offer.payout,
            purchase_time=self.now_s,
            buy_transaction=self.numbers.transaction + 1,
            app_id=app_id,
            date_expiry=terms.expiry(self.now_s),
        )
        self.adopt(contract)
        self._book(account, "buy", -offer.ask, contract)
        self.events.append(Changed(contract=contract))
        return contract

    def sell(self, account: Account, contract: Contract, *, price_min: Decimal) -> Contract:
        """Back to the house at what it is worth; raises RefusedError when that is less than wanted or not to be had."""
        if not contract.is_open:
            raise RefusedError("NoOpenPosition")
        reason = self.unsaleable(contract)
        if reason is not None:
            raise RefusedError("InvalidSellContractProposal", reason)
        bid = self.bid(contract)
        if bid < price_min:
            told = f"The contract sell price has changed from {price_min} to {bid}."
            raise RefusedError(
                "PriceMoved", f"The underlying market has moved too much since you priced the contract. {told}"
            )
        contract.exit = self.feeds[contract.terms.symbol].last
        self._close(account, contract, Phase.SOLD, bid)
        return contract

    def unsaleable(self, contract: Contract) -> str | None:
        """Why an open contract can not be sold back now; None when it can."""
        if contract.terms.ticks is not None:
            return "Resale of this contract is not offered."
        if contract.entry is None:
            return "Waiting for entry tick."
        if contract.date_expiry - self.now_s < RESALE_LAST_S:
            return "Resale of this contract is not offered with less than 15 seconds remaining."
        return None

    def bid(self, contract: Contract) -> Decimal:
        """What it is worth to the house; once it is over, what was or will be paid for it."""
        if contract.sell_price is not None:
            return contract.sell_price
        if not contract.is_open:
            return self._outcome(contract)
        ticks_left, every_s = contract.ticks_left, contract.terms.market.every_s
        return worth(
            contract.terms,
            payout=contract.payout,
            entry=None if contract.entry is None else contract.entry.quote,
            spot=self.feeds[contract.terms.symbol].last.quote,
            left_s=contract.date_expiry - self.now_s if ticks_left is None else ticks_left * every_s,
            margin=self.margin,
        )

    def _tick(self, feed: Feed) -> None:
        tick = feed.step(self.now_s)
        self.events.append(Ticked(symbol=feed.symbol.code, tick=tick))
        for contract in self._open.values():
            if contract.terms.symbol == feed.symbol.code and not contract.is_due(self.now_s - 1):
                contract.meet(tick)
                self.events.append(Changed(contract=contract))

    def _expire(self, contract: Contract) -> None:
        feed = self.feeds[contract.terms.symbol]
        ended = contract.ticks[-1] if contract.ticks_left == 0 else feed.at_or_before(contract.date_expiry)
        if contract.entry is None:  # bought before a stop of the simulator that was longer than its life
            contract.meet(feed.after(contract.purchase_time) or ended)
        contract.exit = ended
        if contract.ticks_left is not None:
            contract.date_expiry = ended.epoch
        contract.move(Phase.EXPIRED)
        self.events.append(Changed(contract=contract))

    def _settle(self, contract: Contract) -> None:
        paid = self._outcome(contract)
        self._close(self.accounts[contract.account], contract, Phase.WON if paid else Phase.LOST, paid)

    def _outcome(self, contract: Contract) -> Decimal:
        if contract.entry is None or contract.exit is None:
            raise LookupError(f"contract {contract.contract_id} ended without ticks")
        return contract.payout if contract.terms.wins(contract.entry.quote, contract.exit.quote) else Decimal("0.00")

    def _close(self, account: Account, contract: Contract, phase: Phase, paid: Decimal) -> None:
        contract.move(phase)
        contract.sell_price, contract.sell_time = paid, self.now_s
        contract.sell_transaction = self.numbers.transaction + 1
        del self._open[contract.contract_id]
        self.events.append(Changed(contract=contract))
        self._book(account, "sell", paid, contract)

    def _book(self, account: Account, action: str, amount: Decimal, contract: Contract | None = None) -> None:
        self.numbers.transaction += 1
        account.balance += amount
        transaction = Transaction(
            transaction_id=self.numbers.transaction,
            action=action,
            amount=amount,
            balance_after=account.balance,
            time=self.now_s,
            contract_id=None if contract is None else contract.contract_id,
            reference_id=contract.buy_transaction if contract is not None and action == "sell" else None,
        )
        account.transactions.append(transaction)
        self.changes += 1
        self.events.append(Booked(account=account, transaction=transaction, contract=contract))


def make_exchange(
    *, seed: int, now_ms: int, margin: Decimal = MARGIN, replays: Mapping[str, Sequence[Candle]] | None = None
) -> Exchange:
    now_s = now_ms // 1_000
    replays = replays or {}
    feeds = {
        code: Feed(symbol, seed=seed, now_s=now_s, candles=replays.get(code, ())) for code, symbol in SYMBOLS.items()
    }
    return Exchange(feeds, now_s, margin)
