"""Real candles from a CSV file (``ts_ms,open,high,low,close,volume``), played as four prices each."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from copydesk.simulators.market.candles import Candle

_COLUMNS = 6


class CandleFileError(ValueError):
    """The file can not be replayed; the text names the line."""


def read_candles(path: Path) -> list[Candle]:
    """Raises CandleFileError when a row is not six numbers or its prices contradict each other."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    if rows and rows[0][1][0].strip() == "ts_ms":
        rows = rows[1:]
    if not rows:
        raise CandleFileError(f"{path}: no candles")
    return [_candle(path, number, row) for number, row in rows]


def path_of(candles: Sequence[Candle]) -> Iterator[tuple[Decimal, Decimal]]:
    """Price and volume step by step: open, then the extreme the close moves away from, the other one, close."""
    for candle in candles:
        rising = candle.close >= candle.open
        turns = (candle.low, candle.high) if rising else (candle.high, candle.low)
        for price in (candle.open, *turns, candle.close):
            yield price, candle.volume / 4


def _candle(path: Path, number: int, row: list[str]) -> Candle:
    try:
        start, opening, high, low, close, volume = (Decimal(cell.strip()) for cell in row[:_COLUMNS])
    except (InvalidOperation, ValueError):
        raise CandleFileError(f"{path}, line {number}: expected ts_ms,open,high,low,close,volume") from None
    prices = (opening, high, low, close)
    if not all(price.is_finite() and price > 0 for price in prices) or max(prices) != high or min(prices) != low:
        raise CandleFileError(f"{path}, line {number}: high and low must enclose positive open and close")
    return Candle(start_ms=int(start), open=opening, high=high, low=low, close=close, volume=volume)
