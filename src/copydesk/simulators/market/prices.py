"""All symbols of one venue, a step every 250 ms: last, mark, index, bid and ask, and the candles they leave."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from copydesk.simulators.market.candles import Candle, Chart
from copydesk.simulators.market.replay import path_of
from copydesk.simulators.market.tape import Tape
from copydesk.simulators.market.walk import Start, Walk

STEP_MS = 250
_STEPS_MAX = 240  # a long pause (a sleeping laptop, hours of virtual time) is crossed in this many longer steps
_PREMIUM_TICK = Decimal("0.00000001")


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
        self._mark: Decimal | None = None
        self.held = False
        self.tape = Tape()
        self.charts = {
            kind: Chart(seed=seed, symbol=f"{start.symbol}{suffix}", tick=tick, signed=kind == "premium")
            for kind, suffix, tick in (
                ("last", "", start.tick),
                ("mark", ":mark", start.tick / 2),
                ("index", ":index", start.tick),
                ("premium", ":premium", _PREMIUM_TICK),
            )
        }
        if candles:
            self._walk.put(candles[0].open)
        self.quote = self._quoted(now_ms, Decimal(0))
        self.tape.note(self.quote.last, Decimal(1), now_ms)
        self._chart(now_ms, Decimal(0))

    def step(self, at_ms: int) -> None:
        if self.held:
            volume = Decimal(0)
        else:
            volume = self._move()
            self.quote = self._quoted(at_ms, volume)
            self.tape.note(self.quote.last, volume, at_ms)
        self._chart(at_ms, volume)

    def put(self, price: Decimal, at_ms: int, *, hold: bool, mark: Decimal | None) -> None:
        self.held = hold
        self._mark = mark if hold else None
        self._walk.put(price)
        self.quote = self._quoted(at_ms, Decimal(0))
        self.tape.note(self.quote.last, self._walk.tick, at_ms)
        self._chart(at_ms, Decimal(0))

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
        index = index if self._mark is None else self._mark
        return Quote(
            last=last,
            bid=last - tick,
            ask=last + tick,
            mark=(last + index) / 2 if self._mark is None else self._mark,
            index=index,
            volume=volume,
            at_ms=at_ms,
        )

    def _chart(self, at_ms: int, volume: Decimal) -> None:
        quote = self.quote
        self.charts["last"].note(at_ms, quote.last, volume)
        self.charts["mark"].note(at_ms, quote.mark, Decimal(0))
        self.charts["index"].note(at_ms, quote.index, Decimal(0))
        premium = ((quote.mark - quote.index) / quote.index).quantize(_PREMIUM_TICK, ROUND_HALF_EVEN)
        self.charts["premium"].note(at_ms, premium, Decimal(0))


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

    def chart(self, symbol: str, kind: str = "last") -> Chart:
        """``kind``: last, mark, index or premium."""
        return self._lines[symbol].charts[kind]

    def tape(self, symbol: str) -> Tape:
        return self._lines[symbol].tape

    def held(self, symbol: str) -> bool:
        return self._lines[symbol].held

    def put(self, symbol: str, price: Decimal, now_ms: int, *, hold: bool, mark: Decimal | None = None) -> None:
        """Set the price; held, last, mark and index stay exactly there (or mark and index at ``mark``), bid and ask one tick around."""
        self._lines[symbol].put(price, now_ms, hold=hold, mark=mark)

    def steps(self, now_ms: int) -> Iterator[int]:
        """Make every step that is due, one at a time, so that each price can be matched before the next one."""
        began_ms, behind = self._at_ms, (now_ms - self._at_ms) // STEP_MS
        count = min(behind, _STEPS_MAX)
        for number in range(1, count + 1):
            self._at_ms = began_ms + behind * number // count * STEP_MS
            for line in self._lines.values():
                line.step(self._at_ms)
            yield self._at_ms
