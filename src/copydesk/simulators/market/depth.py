"""The modelled book: fifty levels a side around the price, made of the price and the seed alone, eaten by orders within a step."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from copydesk.simulators.market.prices import Quote

_LEVELS = 50
_GAP = Decimal("0.0001")  # between two levels, at least a tick
_BEST_DIVISOR = 6  # the best level holds a sixth of the largest market order, so that ordinary orders fill at one price
_EATEN_KEPT = 1_000
_NOTHING = Decimal(0)
_THINNEST, _THICKEST = 2, 8  # what a further level holds, in hundredths of the best one


class Listed(Protocol):
    """What a venue says of a symbol, as far as its book depends on it."""

    @property
    def tick(self) -> Decimal: ...

    @property
    def step(self) -> Decimal: ...

    @property
    def market_quantity_max(self) -> Decimal: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    number: int
    price: Decimal
    quantity: Decimal


class Depth:
    """One symbol's liquidity. ``renew`` at each step of the market: what was eaten has come back, at the new prices."""

    def __init__(self, listed: Listed, *, seed: int) -> None:
        self._listed = listed
        self._seed = seed
        self._taken: dict[tuple[str, int], Decimal] = {}
        self._given: dict[str, Decimal] = {}
        self.share = Decimal(1)
        self.update = 9_000_000_000  # one more whenever the book may have changed: ties snapshots and streams together
        self.eaten: dict[tuple[str, Decimal], int] = {}  # the latest prices taken from, and at which update

    def renew(self) -> None:
        self.update += 1
        while len(self.eaten) > _EATEN_KEPT:
            del self.eaten[next(iter(self.eaten))]
        self._taken.clear()
        self._given.clear()

    def facing(self, side: str, quote: Quote) -> Iterator[Level]:
        """What an order on this side meets, best first; levels without anything left are passed over."""
        gap = max(self._listed.tick, self._in_ticks(quote.last * _GAP))
        best = quote.ask if side == "BUY" else quote.bid
        for number in range(_LEVELS):
            price = best + gap * number if side == "BUY" else best - gap * number
            left = self._size(number, best) - self._taken.get((side, number), _NOTHING)
            if left > 0 and price > 0:
                yield Level(number=number, price=price, quantity=left)

    def take(self, side: str, level: Level, quantity: Decimal) -> None:
        key = (side, level.number)
        self._taken[key] = self._taken.get(key, _NOTHING) + quantity
        self.update += 1
        self.eaten.pop((side, level.price), None)
        self.eaten[side, level.price] = self.update

    def passing(self, side: str) -> Decimal:
        """How much still trades against resting orders of this side in this step."""
        return self._rounded(self._best() * self.share) - self._given.get(side, _NOTHING)

    def give(self, side: str, quantity: Decimal) -> None:
        self._given[side] = self._given.get(side, _NOTHING) + quantity

    def _best(self) -> Decimal:
        return self._listed.market_quantity_max / _BEST_DIVISOR

    def _size(self, number: int, best: Decimal) -> Decimal:
        if not number:
            return self._rounded(self._best() * self.share)
        draw = (int(best / self._listed.tick) * 31 + number * 7_919 + self._seed * 104_729) % 1_000_003
        hundredths = _THINNEST + draw % (_THICKEST - _THINNEST + 1)
        return self._rounded(self._best() * self.share * hundredths / 100)

    def _rounded(self, quantity: Decimal) -> Decimal:
        step = self._listed.step
        return (quantity / step).to_integral_value(ROUND_DOWN) * step

    def _in_ticks(self, distance: Decimal) -> Decimal:
        tick = self._listed.tick
        return (distance / tick).to_integral_value(ROUND_DOWN) * tick
