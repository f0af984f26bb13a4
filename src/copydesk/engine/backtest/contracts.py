"""Rise/fall contracts of a backtest, priced by a fixed payout and settled on candles.

A contract begins at the open of the candle after the decision and ends with the last close at or before its expiry: the
nearest that candles come to Deriv's first tick after the purchase and last tick at or before the expiry. A CALL wins strictly
above its entry, a PUT strictly below; a price that ends where it began loses both.
"""

from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.signal import Right
from copydesk.engine.backtest.tape import Tape
from copydesk.engine.backtest.terms import ClosedTrade, Exit, Terms
from copydesk.ports.strategy import BuyContract, Outcome, Settlement

_CENT = Decimal("0.01")


class _Running(Struct, frozen=True, kw_only=True):
    wish: BuyContract
    reason: str
    index: int


class Contracts:
    """At most one at a time."""

    def __init__(self, tape: Tape, terms: Terms) -> None:
        self._tape = tape
        self._terms = terms
        self._wish: tuple[BuyContract, str] | None = None
        self._running: _Running | None = None

    @property
    def staked(self) -> Decimal:
        """What the running contract has taken off the balance."""
        return Decimal(0) if self._running is None else self._running.wish.stake

    def wish(self, wish: BuyContract, reason: str) -> None:
        """For the open of the next candle. Raises InvalidInput for a duration that candles cannot settle."""
        if wish.duration_s <= 0 or wish.duration_s * 1_000 % self._tape.interval_ms:
            problem = f"{wish.duration_s} is no multiple of the candles' {self._tape.interval_ms // 1_000} s"
            raise InvalidInput(f"duration_s: {problem}", (FieldError("duration_s", problem),))
        if self._running is None:
            self._wish = (wish, reason)

    def move(self, index: int, balance: Decimal) -> Settlement | None:
        """What candle `index` does at its open: the contract is bought, or the balance has not that much."""
        if self._wish is None:
            return None
        (wish, reason), self._wish = self._wish, None
        if wish.stake > balance:
            return Settlement(number=wish.number, outcome=Outcome.NOT_PLACED, profit=Decimal(0))
        self._running = _Running(wish=wish, reason=reason, index=index)
        return None

    def settled(self, index: int, balance: Decimal) -> tuple[Settlement, ClosedTrade] | None:
        """At the close of candle `index`, where that is the expiry or behind it; `balance` as before the purchase."""
        if self._running is None:
            return None
        running, candles = self._running, self._tape.candles
        expiry_ms = candles[running.index].start_ms + running.wish.duration_s * 1_000
        end_ms = candles[index].start_ms + self._tape.interval_ms
        if end_ms < expiry_ms:
            return None
        self._running = None
        last = index if end_ms == expiry_ms else index - 1
        return self._result(running, last, balance)

    def _result(self, running: _Running, last: int, balance: Decimal) -> tuple[Settlement, ClosedTrade]:
        entry, ended = self._tape.rows[running.index][0], self._tape.rows[last][3]
        stake = running.wish.stake
        won = ended > entry if running.wish.right is Right.CALL else ended < entry
        back = (stake * self._terms.payout).quantize(_CENT, ROUND_HALF_UP) if won else Decimal(0)
        profit = back - stake
        settlement = Settlement(number=running.wish.number, outcome=Outcome.WON if won else Outcome.LOST, profit=profit)
        trade = ClosedTrade(
            side=running.wish.right,
            opened_index=running.index,
            closed_index=last,
            opened_ms=self._tape.candles[running.index].start_ms,
            closed_ms=self._tape.candles[last].start_ms,
            entry_price=entry * self._tape.tick,
            exit_price=ended * self._tape.tick,
            quantity=stake,
            gross=profit,
            fees=Decimal(0),
            funding=Decimal(0),
            net=profit,
            balance=balance + profit,
            reason=running.reason,
            exit=Exit.WON if won else Exit.LOST,
            level=running.wish.level,
            contract=running.wish.number,
        )
        return settlement, trade
