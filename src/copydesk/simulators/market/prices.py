"""All symbols of one venue, a step every 250 ms: last, mark, index, bid and ask, and the candles they leave."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.market.candles import Candle, Chart
from copydesk.simulators.market.replay import path_of
from copydesk.simulators.market.walk import Start, Walk

STEP_MS = 250
_CATCH_UP_MAX = 240  # after a long pause (a sleeping laptop) the market resumes instead of racing through the night


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    last: Decimal
    bid: Decimal
    ask: Decimal
    mark: Decimal
    index: Decimal
    volume: Decimal
    at_ms: int


class _Line:
    """One symbol: its walk, the candles it replays first, and whether it is held."""

    def __init__(self, seed: int, start: Start, candles: Sequence[Candle], now_ms: int) -> None:
        self._walk = Walk(seed, start)
        self._path: Iterator[tuple[Decimal, Decimal]] = path_of(candles)
        self._volume = Decimal(0)
        self.held = False
        self.chart = Chart(seed=seed, symbol=start.symbol, tick=start.tick)
        if candles:
            self._walk.put(candles[0].open)
        self.quote = self._quoted(now_ms, Decimal(0))
        self.chart.note(now_ms, self.quote.last, Decimal(0))

    def step(self, at_ms: int) -> None:
        if self.held:
            volume = Decimal(0)
        else:
            volume = self._move()
            self.quote = self._quoted(at_ms, volume)
        self.chart.note(at_ms, self.quote.last, volume)

    def put(self, price: Decimal, at_ms: int, *, hold: bool) -> None:
        self.held = hold
        self._walk.put(price)
        self.quote = self._quoted(at_ms, Decimal(0))
        self.chart.note(at_ms, self.quote.last, Decimal(0))

    def _move(self) -> Decimal:
        replayed = next(self._path, None)
        if replayed is None:
            self._walk.step()
            return self._walk.volume()
        price, volume = replayed
        self._walk.put(price)
        return volume

    def _quoted(self, at_ms: int, volume: Decimal) -> Quote:
        last, tick = self._walk.price, self._walk.tick
        index = last if self.held else last + self._walk.basis()
        return Quote(
            last=last,
            bid=last - tick,
            ask=last + tick,
            mark=(last + index) / 2,
            index=index,
            volume=volume,
            at_ms=at_ms,
        )


class Market:
    """Time comes in as an argument, so a test may play a day in a second."""

    def __init__(
        self, *, seed: int, starts: Sequence[Start], now_ms: int, replays: Mapping[str, Sequence[Candle]] | None = None
    ) -> None:
        replays = replays or {}
        self._lines = {start.symbol: _Line(seed, start, replays.get(start.symbol, ()), now_ms) for start in starts}
        self._at_ms = now_ms

    def quote(self, symbol: str) -> Quote:
        return self._lines[symbol].quote

    def chart(self, symbol: str) -> Chart:
        return self._lines[symbol].chart

    def held(self, symbol: str) -> bool:
        return self._lines[symbol].held

    def put(self, symbol: str, price: Decimal, now_ms: int, *, hold: bool) -> None:
        """Set the price; held, last, mark and index stay exactly there with bid and ask one tick around."""
        self._lines[symbol].put(price, now_ms, hold=hold)

    def steps(self, now_ms: int) -> Iterator[int]:
        """Make every step that is due, one at a time, so that each price can be matched before the next one."""
        behind = (now_ms - self._at_ms) // STEP_MS
        if behind > _CATCH_UP_MAX:
            self._at_ms = now_ms - _CATCH_UP_MAX * STEP_MS
        while self._at_ms + STEP_MS <= now_ms:
            self._at_ms += STEP_MS
            for line in self._lines.values():
                line.step(self._at_ms)
            yield self._at_ms
