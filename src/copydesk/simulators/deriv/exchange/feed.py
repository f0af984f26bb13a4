"""One symbol's ticks: a past to read, a present that moves every second or two, the candles they leave."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from random import Random

from copydesk.simulators.deriv.exchange.symbols import Symbol
from copydesk.simulators.deriv.exchange.walk import Walk
from copydesk.simulators.market import Candle, Chart
from copydesk.simulators.market.replay import path_of

PAST_TICKS = 5_000
_KEPT_TICKS = 20_000
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """``epoch``: whole seconds."""

    epoch: int
    quote: Decimal


class Feed:
    def __init__(self, symbol: Symbol, *, seed: int, now_s: int, candles: Sequence[Candle] = ()) -> None:
        self.symbol = symbol
        self.held = False
        self.chart = Chart(seed=seed, symbol=symbol.code, tick=symbol.pip)
        self._put: Decimal | None = None
        self._path: Iterator[tuple[Decimal, Decimal]] = path_of(candles)
        start = candles[0].open if candles else symbol.start_price
        self._walk = self._walking(f"{seed}:{symbol.code}", start)
        self.ticks: deque[Tick] = deque(maxlen=_KEPT_TICKS)
        self._invent(self._walking(f"{seed}:{symbol.code}:past", start), now_s)

    @property
    def last(self) -> Tick:
        return self.ticks[-1]

    def step(self, epoch: int) -> Tick:
        """The next tick. What was put or is replayed comes first, then the walk goes on from there."""
        if self._put is not None:
            self._walk.put(self._put)
            self._put = self._put if self.held else None
        elif (replayed := next(self._path, None)) is not None:
            self._walk.put(replayed[0])
        else:
            self._walk.step()
        return self._note(Tick(epoch=epoch, quote=self._walk.price))

    def put(self, price: Decimal, *, hold: bool) -> None:
        """The next tick's price; held, that of every tick from now on. A tick that was seen is never changed."""
        self._put, self.held = price, hold

    def at_or_before(self, epoch: int) -> Tick:
        """The last tick up to then; the oldest one known if that is later."""
        return next((tick for tick in reversed(self.ticks) if tick.epoch <= epoch), self.ticks[0])

    def after(self, epoch: int) -> Tick | None:
        """The first tick later than that."""
        found = None
        for tick in reversed(self.ticks):
            if tick.epoch <= epoch:
                break
            found = tick
        return found

    def between(self, start: int | None, end: int | None, count: int) -> list[Tick]:
        """The newest ``count``, both ends included."""
        backwards = (tick for tick in reversed(self.ticks) if end is None or tick.epoch <= end)
        chosen = list(islice(backwards, count))
        return [tick for tick in reversed(chosen) if start is None or tick.epoch >= start]

    def _walking(self, seed: str, price: Decimal) -> Walk:
        symbol = self.symbol
        random = Random(seed)  # noqa: S311  # a market's whim, not a secret
        return Walk(random, price=price, pip=symbol.pip, volatility=symbol.volatility, every_s=symbol.every_s)

    def _invent(self, walk: Walk, now_s: int) -> None:
        """A walk without drift looks the same in both directions, so the past is one that is told backwards."""
        past = []
        for _ in range(PAST_TICKS):
            past.append(walk.price)
            walk.step()
        last = now_s - now_s % self.symbol.every_s
        for age, price in zip(range(PAST_TICKS - 1, -1, -1), reversed(past), strict=True):
            self._note(Tick(epoch=last - age * self.symbol.every_s, quote=price))

    def _note(self, tick: Tick) -> Tick:
        self.ticks.append(tick)
        self.chart.note(tick.epoch * 1_000, tick.quote, _NOTHING)
        return tick
