"""The position of a backtest: what waits for the next open, what is held, and what a candle does to it."""

from decimal import Decimal

from msgspec import Struct

from copydesk.domain.signal import Direction
from copydesk.engine.backtest.accounts import RoundTrip, booked, millionths, stake_of
from copydesk.engine.backtest.fills import NOT_TOUCHED, STOPPED, entering, leaving, stop_price, target_price, touched
from copydesk.engine.backtest.tape import Tape
from copydesk.engine.backtest.terms import ClosedTrade, Exit, Terms
from copydesk.ports.strategy import Close, Holding, Open


class _Held(Struct, frozen=True, kw_only=True):
    way: int
    index: int
    entry: int
    stop: int
    target: int
    stake: Decimal
    reason: str


class Positions:
    """At most one at a time."""

    def __init__(self, tape: Tape, terms: Terms) -> None:
        self._tape = tape
        self._terms = terms
        self._slippage = millionths(terms.slippage_pct)
        self._held: _Held | None = None
        self._wish: tuple[Open | Close, str] | None = None

    @property
    def holding(self) -> Holding | None:
        if self._held is None:
            return None
        return Holding(
            direction=Direction.LONG if self._held.way > 0 else Direction.SHORT,
            entry_price=self._held.entry * self._tape.tick,
            opened_ms=self._tape.candles[self._held.index].start_ms,
        )

    def wish(self, wish: Open | Close, reason: str) -> None:
        """For the open of the next candle; an opening beside a position, and a close of nothing, are not followed."""
        if isinstance(wish, Close) is (self._held is not None):
            self._wish = (wish, reason)

    def move(self, index: int, balance: Decimal) -> ClosedTrade | None:
        """What candle `index` does: the wish is filled at its open, then stops are looked at. At most one trade ends:
        where a wish closed a position, nothing is held any more.
        """
        wish, self._wish = self._wish, None
        if wish is not None and isinstance(wish[0], Close):
            return self._leave(index, self._tape.rows[index][0], Exit.SIGNAL, balance)
        if wish is not None and isinstance(wish[0], Open):
            self._enter(index, wish[0], wish[1], balance)
        if self._held is None:
            return None
        opened, high, low, _ = self._tape.rows[index]
        found, price = touched(self._held.way, opened, high, low, self._held.stop, self._held.target)
        if found == NOT_TOUCHED:
            return None
        return self._leave(index, price, Exit.STOP_LOSS if found == STOPPED else Exit.TAKE_PROFIT, balance)

    def end(self, balance: Decimal) -> ClosedTrade | None:
        """What is still held is closed at the last close."""
        last = len(self._tape.rows) - 1
        return self._leave(last, self._tape.rows[last][3], Exit.END, balance) if self._held is not None else None

    def _enter(self, index: int, wish: Open, reason: str, balance: Decimal) -> None:
        stake = stake_of(balance, wish.size_usd, self._terms)
        if stake is None:
            return
        way = 1 if wish.direction is Direction.LONG else -1
        entry = entering(way, self._tape.rows[index][0], self._slippage)
        stop, target = millionths(wish.stop_loss_pct), millionths(wish.take_profit_pct)
        self._held = _Held(
            way=way,
            index=index,
            entry=entry,
            stop=stop_price(way, entry, stop) if stop else 0,
            target=target_price(way, entry, target) if target else 0,
            stake=stake,
            reason=reason,
        )

    def _leave(self, index: int, price: int, why: Exit, balance: Decimal) -> ClosedTrade | None:
        held, self._held = self._held, None
        if held is None:
            return None
        trip = RoundTrip(
            way=held.way,
            opened_index=held.index,
            closed_index=index,
            entry=held.entry,
            exit=leaving(held.way, price, self._slippage),
            why=why,
            reason=held.reason,
        )
        return booked(trip, held.stake, balance, self._tape, self._terms)
