"""Strategies: closed candles in, intentions out.

A strategy is pure. It is shown a view (the candles, what it said of its own state last time, its position, its balance) and
answers with a decision: an intention, the reason, the numbers behind it, and its state from now on. Backtests and live bots
ask the same object. What kills a program between two candles loses nothing, because the state is JSON and somebody else's
to keep. An intention is only a wish: what became of it is seen in the next view, or told as a settlement.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from msgspec import Struct, field
from msgspec.structs import replace

from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput
from copydesk.domain.instrument import plain
from copydesk.domain.signal import Direction, Right

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

State = Mapping[str, Any]
"""JSON and nothing else; money and prices as decimal text."""

Numbers = Mapping[str, str | int | float | None]
"""What a decision was made from, by name; money and prices as decimal text."""


class Hold(Struct, frozen=True, kw_only=True, tag="hold"):
    """Nothing is wished for."""


class Open(Struct, frozen=True, kw_only=True, tag="open"):
    """A position. Stops are per cent of the entry price; `size_usd` None means the size of whoever trades it."""

    direction: Direction
    stop_loss_pct: Decimal | None = None
    take_profit_pct: Decimal | None = None
    size_usd: Decimal | None = None


class Close(Struct, frozen=True, kw_only=True, tag="close"):
    """The whole position."""


class BuyContract(Struct, frozen=True, kw_only=True, tag="buy_contract"):
    """A rise/fall contract; `number` is the strategy's own, never used twice, and comes back in the settlement.

    A `paper` one must not leave the desk: its settlement is worked out from prices alone.
    """

    number: str
    right: Right
    stake: Decimal
    duration_s: int
    level: int = 1
    paper: bool = False


Intention = Hold | Open | Close | BuyContract


class Decision(Struct, frozen=True, kw_only=True):
    """What is wished for and why; `state` is what the next view must hold."""

    intention: Intention
    reason: str
    numbers: Numbers = field(default_factory=dict)
    state: State = field(default_factory=dict)


class Outcome(StrEnum):
    """What became of a contract, by the word of the venue; NOT_PLACED: proved never to have been bought."""

    WON = "won"
    LOST = "lost"
    SOLD = "sold"
    NOT_PLACED = "not_placed"


class Settlement(Struct, frozen=True, kw_only=True):
    """The end of one contract; `profit` is what came back less the stake."""

    number: str
    outcome: Outcome
    profit: Decimal


class Holding(Struct, frozen=True, kw_only=True):
    """The position that is really there."""

    direction: Direction
    entry_price: Decimal
    opened_ms: int


class Mode(StrEnum):
    """PAUSED: candles are read and told of, and what is wished for is on paper."""

    RUNNING = "running"
    PAUSED = "paused"


class View(Struct, frozen=True, kw_only=True):
    """What a strategy sees when a candle has closed: the last of `candles`, each of them closed, oldest first."""

    candles: Sequence[Candle]
    state: State
    balance: Decimal
    position: Holding | None = None
    mode: Mode = Mode.RUNNING

    def hold(self, reason: str, **numbers: Any) -> Decision:
        """Nothing to do; state as it was. So do the three below."""
        return self._wish(Hold(), reason, numbers)

    def close(self, reason: str, **numbers: Any) -> Decision:
        return self._wish(Close(), reason, numbers)

    def open_long(self, reason: str, *, stop_loss_pct: Any, take_profit_pct: Any = None, **numbers: Any) -> Decision:
        """Percentages of the entry price; None for a stop loss says aloud that there is none."""
        return self._wish(_opening(Direction.LONG, stop_loss_pct, take_profit_pct), reason, numbers)

    def open_short(self, reason: str, *, stop_loss_pct: Any, take_profit_pct: Any = None, **numbers: Any) -> Decision:
        return self._wish(_opening(Direction.SHORT, stop_loss_pct, take_profit_pct), reason, numbers)

    def remembering(self, state: State) -> "View":
        """The same view with another state."""
        return replace(self, state=state)

    def _wish(self, intention: Intention, reason: str, numbers: Mapping[str, Any]) -> Decision:
        shown = {name: _shown(value) for name, value in numbers.items()}
        return Decision(intention=intention, reason=reason, numbers=shown, state=self.state)


class Strategy(Protocol):
    """`history` closed candles are given to `begin` before the first decision; more is better, fewer is too few."""

    @property
    def name(self) -> str: ...

    @property
    def history(self) -> int: ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Each setting's value, to be shown."""
        ...

    def begin(self, candles: Sequence[Candle]) -> State:
        """The state after these closed candles, nothing decided yet."""
        ...

    def decide(self, view: View) -> Decision:
        """Once for each closed candle after those of `begin`, in their order."""
        ...


@runtime_checkable
class ContractStrategy(Strategy, Protocol):
    """One that buys contracts, and is told what became of each."""

    def settle(self, view: View, settlement: Settlement) -> Decision:
        """Once a contract; another contract's or a repeated settlement changes nothing."""
        ...


@runtime_checkable
class RestartableStrategy(Strategy, Protocol):
    """One whose state outlives a stop by a person, and a hole in the candles."""

    def restarted(self, state: State) -> State:
        """As it is when a person starts it again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Candles as numpy columns for sweeps: prices in whole ticks, closes as floats too (for indicators only)."""

    start_ms: "NDArray[np.int64]"
    open: "NDArray[np.int64]"
    high: "NDArray[np.int64]"
    low: "NDArray[np.int64]"
    close: "NDArray[np.int64]"
    closes: "NDArray[np.float64]"
    tick: Decimal
    kept: dict[Hashable, Any] = made(default_factory=dict)

    def once(self, name: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` makes of these columns, kept under its name: a sweep needs an indicator once, not once a setting."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What `decide` would wish for at each candle: 1 buy, −1 sell, 0 neither.

    Flat, a buy opens a long and a sell a short where these are allowed; in a position the opposite one closes it.
    """

    wishes: "NDArray[np.int8]"
    stop_loss_pct: Decimal | None
    take_profit_pct: Decimal | None
    longs: bool = True
    shorts: bool = True


@runtime_checkable
class SweepStrategy(Strategy, Protocol):
    """One that can tell all its wishes at once, because none depends on what became of an earlier one."""

    def signals(self, columns: Columns) -> Signals:
        """As long as the columns; wishes within the first `history` candles are not followed."""
        ...


_WHOLE = Decimal(100)


def _opening(direction: Direction, stop_loss_pct: Any, take_profit_pct: Any) -> Open:
    return Open(direction=direction, stop_loss_pct=_decimal(stop_loss_pct), take_profit_pct=_decimal(take_profit_pct))


def _decimal(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 < found < _WHOLE):
        raise InvalidInput(f"a stop loss or take profit is a percentage above 0 and below 100, not {value!r}")
    return found


def _shown(value: Any) -> str | int | float | None:
    if isinstance(value, Decimal):
        return plain(value)
    return value if value is None or isinstance(value, int | float) else str(value)
