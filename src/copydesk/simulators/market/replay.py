"""Real candles from CSV files (``ts_ms,open,high,low,close,volume``), played as four prices each."""

import csv
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from copydesk.simulators.market.candles import Candle

_COLUMNS = 6
_HEADER = "ts_ms"


class CandleFileError(ValueError):
    """The file can not be replayed; the text names the line."""


def read_candles(path: Path) -> list[Candle]:
    """Raises CandleFileError when a row is not six numbers, contradicts itself or goes back in time."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CandleFileError(f"{path}: {error}") from None
    if rows and rows[0][1][0].strip() == _HEADER:
        rows = rows[1:]
    if not rows:
        raise CandleFileError(f"{path}: no candles")
    candles = [_candle(path, number, row) for number, row in rows]
    for (number, _), earlier, later in zip(rows[1:], candles, candles[1:], strict=False):
        if later.start_ms <= earlier.start_ms:
            raise CandleFileError(f"{path}, line {number}: ts_ms must grow from row to row")
    return candles


def read_replays(wishes: Sequence[str], symbols: Collection[str], default: str) -> dict[str, list[Candle]]:
    """Each wish is ``SYMBOL=FILE`` or ``FILE``, whose name may begin with the symbol (``ETHUSDT.csv``, ``ethusdt_1m.csv``)."""
    replays: dict[str, list[Candle]] = {}
    for wish in wishes:
        symbol, path = _target(wish, symbols, default)
        if symbol in replays:
            raise CandleFileError(f"{path}: {symbol} is replayed from another file already")
        replays[symbol] = read_candles(path)
    return replays


def _target(wish: str, symbols: Collection[str], default: str) -> tuple[str, Path]:
    name, equals, rest = wish.partition("=")
    if equals and not Path(wish).exists():
        if name.upper() not in symbols:
            raise CandleFileError(f"{wish}: no symbol {name}; one of {', '.join(symbols)}")
        return name.upper(), Path(rest)
    path = Path(wish)
    stem = path.stem.upper()
    return next((symbol for symbol in symbols if stem.startswith(symbol)), default), path


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
    if not start.is_finite() or start != int(start) or not volume.is_finite() or volume < 0:
        raise CandleFileError(f"{path}, line {number}: ts_ms must be whole milliseconds, volume at least 0")
    prices = (opening, high, low, close)
    if not all(price.is_finite() and price > 0 for price in prices) or max(prices) != high or min(prices) != low:
        raise CandleFileError(f"{path}, line {number}: high and low must enclose positive open and close")
    return Candle(start_ms=int(start), open=opening, high=high, low=low, close=close, volume=volume)
