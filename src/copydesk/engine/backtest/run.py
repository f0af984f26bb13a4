"""The plain form of a backtest: candle by candle, the strategy asked as a live bot asks it."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput
from copydesk.engine.backtest.contracts import Contracts
from copydesk.engine.backtest.positions import Positions
from copydesk.engine.backtest.tape import Tape
from copydesk.engine.backtest.terms import ClosedTrade, Terms, demand_sensible
from copydesk.ports.strategy import (
    BuyContract,
    Close,
    ContractStrategy,
    Decision,
    Hold,
    Open,
    Settlement,
    State,
    Strategy,
    View,
)

Tell = Callable[[int, int], None]
Note = Callable[[Candle, Decision], None]

_TELL_EVERY = 2_000


class Played(Struct, frozen=True, kw_only=True):
    """`decided` counts decisions by what they wished for."""

    trades: Sequence[ClosedTrade]
    decided: dict[str, int]


def play(
    strategy: Strategy,
    tape: Tape,
    terms: Terms,
    *,
    tell: Tell = lambda _done, _total: None,
    note: Note = lambda _candle, _decision: None,
) -> Played:
    """`note` is given each decision with the candle after which it was made. Raises InvalidInput."""
    demand_sensible(terms)
    demand_enough(strategy, tape)
    desk = _Desk(strategy, tape, terms, note)
    for index in range(strategy.history, len(tape.candles)):
        if index % _TELL_EVERY == 0:
            tell(index, len(tape.candles))
        desk.play(index)
    desk.end()
    tell(len(tape.candles), len(tape.candles))
    return Played(trades=desk.trades, decided=desk.decided)


def demand_enough(strategy: Strategy, tape: Tape) -> None:
    """One candle more than its history, at least."""
    if len(tape.candles) <= strategy.history:
        raise InvalidInput(
            f"candles: {strategy.name} begins to decide after {strategy.history}, there are {len(tape.candles)}"
        )


class _Desk:
    """One account, one market."""

    def __init__(self, strategy: Strategy, tape: Tape, terms: Terms, note: Note) -> None:
        self.trades: list[ClosedTrade] = []
        self.decided: dict[str, int] = {}
        self._strategy = strategy
        self._tape = tape
        self._note = note
        self._positions = Positions(tape, terms)
        self._contracts = Contracts(tape, terms)
        self._balance = terms.balance
        self._state: State = strategy.begin(tape.candles[: strategy.history])

    def play(self, index: int) -> None:
        """At its open wishes are filled, then stops are looked at; at its close the strategy is asked, then told."""
        refused = self._contracts.move(index, self._balance)
        self._book(self._positions.move(index, self._balance))
        self._follow(index, self._strategy.decide(self._view(index)))
        if refused is not None:
            self._settle(index, refused)
        if (end := self._contracts.settled(index, self._balance)) is not None:
            settlement, trade = end
            self._book(trade)
            self._settle(index, settlement)

    def end(self) -> None:
        self._book(self._positions.end(self._balance))

    def _settle(self, index: int, settlement: Settlement) -> None:
        if isinstance(self._strategy, ContractStrategy):
            self._follow(index, self._strategy.settle(self._view(index), settlement))

    def _follow(self, index: int, decision: Decision) -> None:
        wish = decision.intention
        name = type(wish).__name__
        self.decided[name] = self.decided.get(name, 0) + 1
        self._state = decision.state
        self._note(self._tape.candles[index], decision)
        match wish:
            case Hold():
                pass
            case Open() | Close():
                self._positions.wish(wish, decision.reason)
            case BuyContract():
                self._contracts.wish(wish, decision.reason)

    def _view(self, index: int) -> View:
        first = max(0, index + 1 - max(1, self._strategy.history))
        return View(
            candles=self._tape.candles[first : index + 1],
            state=self._state,
            balance=self._balance - self._contracts.staked,
            position=self._positions.holding,
        )

    def _book(self, trade: ClosedTrade | None) -> None:
        if trade is not None:
            self.trades.append(trade)
            self._balance = trade.balance
