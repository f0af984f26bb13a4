"""RSI by Wilder and MACD, candle by candle and as whole series.

Candle by candle they carry a state of a few floats; the series are TA-Lib's. For the RSI both do the same arithmetic in the
same order, so they agree to the last bit: that is what makes a sweep equal to the bot. (So it is with TA-Lib's wheels for
x86-64; where C is compiled to fuse multiplications with additions, the last bit may differ.) The MACD is shown, nothing is
decided by it. Indicators are floats; no money is.
"""

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
MACD_HISTORY = MACD_SLOW + MACD_SIGNAL - 1


class Rsi(Struct, frozen=True, kw_only=True):
    """Averages of the rises and falls so far; sums of them while fewer than `period` are known."""

    period: int
    last: float | None = None
    seen: int = 0
    gain: float = 0.0
    loss: float = 0.0

    def after(self, close: float) -> "Rsi":
        if self.last is None:
            return Rsi(period=self.period, last=close)
        change = close - self.last
        gain, loss, seen = self.gain, self.loss, self.seen + 1
        if seen > self.period:
            gain, loss = gain * (self.period - 1), loss * (self.period - 1)
        if change < 0:
            loss -= change
        else:
            gain += change
        if seen >= self.period:
            share = 1.0 / self.period  # TA-Lib multiplies by it; a division would differ in the last bit
            gain, loss = gain * share, loss * share
        return Rsi(period=self.period, last=close, seen=seen, gain=gain, loss=loss)

    @property
    def value(self) -> float | None:
        """0 to 100; None while there are too few candles. A market that has not moved at all is 0, as TA-Lib has it."""
        if self.seen < self.period:
            return None
        total = self.gain + self.loss
        return 100 * (self.gain / total) if abs(total) >= _NOTHING else 0.0


class Macd(Struct, frozen=True, kw_only=True):
    """Two exponential averages and the one of their difference; each begins with a plain average."""

    first: tuple[float, ...] = ()
    fast: float | None = None
    slow: float = 0.0
    first_lines: tuple[float, ...] = ()
    signal: float | None = None

    def after(self, close: float) -> "Macd":
        if self.fast is None:
            first = (*self.first, close)
            if len(first) < MACD_SLOW:
                return Macd(first=first)
            begun = Macd(fast=_average(first[-MACD_FAST:]), slow=_average(first))
            return _signalled(begun)
        fast = _exponential(self.fast, close, MACD_FAST)
        slow = _exponential(self.slow, close, MACD_SLOW)
        return _signalled(Macd(fast=fast, slow=slow, first_lines=self.first_lines, signal=self.signal))

    @property
    def line(self) -> float | None:
        return None if self.fast is None else self.fast - self.slow

    @property
    def histogram(self) -> float | None:
        line = self.line
        return None if line is None or self.signal is None else line - self.signal


def rsi_series(closes: "NDArray[np.float64]", period: int) -> "NDArray[np.float64]":
    """TA-Lib's; not a number in the first `period` places."""
    talib = _talib()
    found: NDArray[np.float64] = talib.RSI(closes, timeperiod=period)
    return found


def macd_series(
    closes: "NDArray[np.float64]",
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]":
    """TA-Lib's line, signal and histogram; not a number in the first `MACD_HISTORY` − 1 places."""
    line, signal, histogram = _talib().MACD(closes, MACD_FAST, MACD_SLOW, MACD_SIGNAL)
    return line, signal, histogram


def _signalled(macd: Macd) -> Macd:
    """With its signal moved on by its newest line."""
    line = macd.line or 0.0
    if macd.signal is not None:
        return Macd(fast=macd.fast, slow=macd.slow, signal=_exponential(macd.signal, line, MACD_SIGNAL))
    lines = (*macd.first_lines, line)
    if len(lines) < MACD_SIGNAL:
        return Macd(fast=macd.fast, slow=macd.slow, first_lines=lines)
    return Macd(fast=macd.fast, slow=macd.slow, signal=_average(lines))


_NOTHING = 1e-14
"""TA-Lib's own idea of zero."""


def _average(values: tuple[float, ...]) -> float:
    total = 0.0
    for value in values:  # in TA-Lib's order: Python's own sum is more exact, and so would differ
        total += value
    return total / len(values)


def _exponential(before: float, value: float, period: int) -> float:
    return (value - before) * (2.0 / (period + 1)) + before


def _talib() -> Any:
    """Only sweeps and tests load it; a live bot gets along without."""
    import talib  # noqa: PLC0415  see above

    return talib
