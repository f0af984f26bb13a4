"""A price that wanders in whole ticks: the same seed gives the same path, on every machine."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    symbol: str
    price: Decimal
    tick: Decimal


class Walk:
    """About 0.005 % a step (some 50 % a year at four steps a second), gently pulled back to where it started."""

    _SWING_PER_100_000 = 12
    _PULL_DIVISOR = 2_000

    def __init__(self, seed: int, start: Start) -> None:
        self._random = Random(f"{seed}:{start.symbol}")  # noqa: S311  # a market's whim, not a secret
        self._tick = start.tick
        self._home = self._ticks = self._in_ticks(start.price)

    @property
    def price(self) -> Decimal:
        return self._ticks * self._tick

    @property
    def tick(self) -> Decimal:
        return self._tick

    def step(self) -> None:
        swing = max(1, self._ticks * self._SWING_PER_100_000 // 100_000)
        away = self._home - self._ticks
        whole, rest = divmod(abs(away), self._PULL_DIVISOR)
        pull = whole + (self._random.randrange(self._PULL_DIVISOR) < rest)
        self._ticks = max(2, self._ticks + self._random.randint(-swing, swing) + (pull if away > 0 else -pull))

    def put(self, price: Decimal) -> None:
        """Continue from here, and call this home."""
        self._home = self._ticks = max(2, self._in_ticks(price))

    def volume(self) -> Decimal:
        """What changed hands in one step, in the base asset."""
        return Decimal(self._random.randint(1, 4_000)) / 1_000

    def basis(self) -> Decimal:
        """How far the index stands from the last price, a few ticks."""
        return self._random.randint(-2, 2) * self._tick

    def _in_ticks(self, price: Decimal) -> int:
        return int((price / self._tick).to_integral_value(ROUND_HALF_UP))
