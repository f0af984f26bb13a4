"""Candles as whole ticks: the finest step that their prices show is the tick of the market."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from copydesk.domain.candle import Candle
from copydesk.domain.errors import InvalidInput
from copydesk.engine.backtest.fills import MILLION
from copydesk.ports.strategy import Columns

_TICKS_MAX = 2**63 // (4 * MILLION)
"""Prices are multiplied by millionths in 64 bits."""


class Tape(Struct, frozen=True, kw_only=True):
    """The same candles three times: as they are, and as rows of whole ticks (open, high, low, close)."""

    candles: Sequence[Candle]
    interval_ms: int
    tick: Decimal
    rows: Sequence[tuple[int, int, int, int]]


def tape_of(candles: Sequence[Candle], interval_ms: int) -> Tape:
    """Raises InvalidInput where prices are too long to be counted in ticks."""
    places = max((_places(price) for one in candles for price in (one.open, one.high, one.low, one.close)), default=0)
    highest = max(one.high for one in candles)
    if highest.scaleb(places) > _TICKS_MAX:
        raise InvalidInput(f"high: {highest} with {places} decimal places is too long a price; round the file's prices")
    scale = 10**places
    rows = [
        (_ticks(one.open, scale), _ticks(one.high, scale), _ticks(one.low, scale), _ticks(one.close, scale))
        for one in candles
    ]
    return Tape(candles=candles, interval_ms=interval_ms, tick=Decimal(1).scaleb(-places), rows=rows)


def columns_of(tape: Tape) -> Columns:
    rows = np.array(tape.rows, dtype=np.int64).reshape(-1, 4)
    opened, high, low, close = (np.ascontiguousarray(rows[:, at]) for at in range(4))
    return Columns(
        start_ms=np.array([one.start_ms for one in tape.candles], dtype=np.int64),
        open=opened,
        high=high,
        low=low,
        close=close,
        closes=np.array([float(one.close) for one in tape.candles], dtype=np.float64),
        tick=tape.tick,
    )


def _places(price: Decimal) -> int:
    """Decimal places without trailing zeros."""
    exponent = price.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _ticks(price: Decimal, scale: int) -> int:
    return int(price * scale)
