"""A price without drift whose logarithm has a given volatility, in whole pips: the same seed, the same path, on every machine."""

from decimal import ROUND_HALF_UP, Decimal
from math import isqrt
from random import Random

YEAR_S = 31_536_000  # facts §5.3: T = seconds / 31 536 000
_COINS = 4_096  # heads among so many coins are as good as normal, and need no floating point
_DEVIATION = isqrt(_COINS) // 2
_PPB = 1_000_000_000


class Walk:
    def __init__(self, random: Random, *, price: Decimal, pip: Decimal, volatility: int, every_s: int) -> None:
        """``volatility``: a year's, in percent."""
        self._random = random
        self._pip = pip
        self._swing_ppb = volatility * isqrt(_PPB * _PPB * every_s // YEAR_S) // 100
        self._pips = self._in_pips(price)

    @property
    def price(self) -> Decimal:
        return self._pips * self._pip

    def step(self) -> None:
        heads = self._random.getrandbits(_COINS).bit_count() - _COINS // 2
        change = self._pips * self._swing_ppb * abs(heads) // (_PPB * _DEVIATION)
        self._pips = max(2, self._pips + (change if heads > 0 else -change))

    def put(self, price: Decimal) -> None:
        self._pips = max(2, self._in_pips(price))

    def _in_pips(self, price: Decimal) -> int:
        return int((price / self._pip).to_integral_value(ROUND_HALF_UP))
