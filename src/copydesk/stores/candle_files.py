"""Candles from a CSV file, `ts_ms,open,high,low,close,volume`; what cannot be used is refused by its line and its field."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, TextIO

from msgspec import Struct

from copydesk.domain.candle import Candle
from copydesk.domain.errors import FieldError, InvalidInput

COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume")
CANDLES_MAX = 10_000_000
CANDLES_MIN = 2
_TELL_EVERY = 20_000
_YEAR_5138_MS = 100_000_000_000_000

Tell = Callable[[int, int], None]


class Gap(Struct, frozen=True, kw_only=True):
    """So many candles are missing after the one that opened at `after_ms`."""

    after_ms: int
    missing: int


class CandleFile(Struct, frozen=True, kw_only=True):
    """`interval_ms` is the distance that most candles have from the one before."""

    path: str
    candles: Sequence[Candle]
    interval_ms: int
    gaps: Sequence[Gap]


def read_candle_file(path: Path, tell: Tell = lambda _done, _total: None) -> CandleFile:
    """Gaps are told of, not refused: markets close. `tell` gets bytes done and in all. Raises InvalidInput."""
    try:
        size = path.stat().st_size
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(_rows(path, file, lambda done: tell(done, size)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path}: {error}") from None
    candles = [candle for _, candle in rows]
    if len(candles) < CANDLES_MIN:
        raise InvalidInput(f"{path}: {len(candles)} candles; a backtest needs at least {CANDLES_MIN}")
    interval = _interval(candles)
    for (_, earlier), (line, later) in pairwise(rows):
        if later.start_ms - earlier.start_ms < interval:
            apart = later.start_ms - earlier.start_ms
            _refuse(path, line, "ts_ms", f"{apart} ms after the row before, where most are {interval} ms apart")
    tell(size, size)
    return CandleFile(path=str(path), candles=candles, interval_ms=interval, gaps=gaps_of(candles, interval))


def _rows(path: Path, file: TextIO, tell: Callable[[int], None]) -> Iterator[tuple[int, Candle]]:
    before_ms: int | None = None
    done = 0
    for line, row in enumerate(csv.reader(file), start=1):
        done += sum(map(len, row)) + len(row)
        if line % _TELL_EVERY == 0:
            tell(done)
        if not row or (line == 1 and row[0].strip().lower() == COLUMNS[0]):
            _demand_header(path, row)
            continue
        if line > CANDLES_MAX:
            raise InvalidInput(f"{path}: more than {CANDLES_MAX} rows; give a part of it")
        candle = _candle(path, line, row)
        if before_ms is not None and candle.start_ms <= before_ms:
            same = "the same as in" if candle.start_ms == before_ms else "earlier than in"
            _refuse(path, line, "ts_ms", f"{candle.start_ms} is {same} the row before; rows must be sorted by time")
        before_ms = candle.start_ms
        yield line, candle


def _demand_header(path: Path, row: Sequence[str]) -> None:
    found = tuple(cell.strip().lower() for cell in row)
    if found and found[: len(COLUMNS)] != COLUMNS:
        raise InvalidInput(f"{path}, line 1: the columns are {','.join(found)}; wanted are {','.join(COLUMNS)}")


def _candle(path: Path, line: int, row: Sequence[str]) -> Candle:
    if len(row) < len(COLUMNS):
        _refuse(path, line, COLUMNS[len(row)], f"missing; wanted are {','.join(COLUMNS)}")
    start = _number(path, line, "ts_ms", row[0])
    if start != start.to_integral_value() or not 0 <= start < _YEAR_5138_MS:
        _refuse(path, line, "ts_ms", f"{row[0].strip()} is no whole number of milliseconds since 1970")
    opened, high, low, close, volume = (_number(path, line, name, row[at]) for at, name in enumerate(COLUMNS[1:], 1))
    for name, price in (("open", opened), ("high", high), ("low", low), ("close", close)):
        if price <= 0:
            _refuse(path, line, name, f"{price} is not above 0")
        if price > high:
            _refuse(path, line, "high", f"{high} is below {name}, {price}")
        if price < low:
            _refuse(path, line, "low", f"{low} is above {name}, {price}")
    if volume < 0:
        _refuse(path, line, "volume", f"{volume} is below 0")
    return Candle(start_ms=int(start), open=opened, high=high, low=low, close=close, volume=volume)


def _number(path: Path, line: int, name: str, cell: str) -> Decimal:
    try:
        value = Decimal(cell.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        _refuse(path, line, name, f"'{cell.strip()[:40]}' is not a number")
    return value


def _interval(candles: Sequence[Candle]) -> int:
    apart = Counter(later.start_ms - earlier.start_ms for earlier, later in pairwise(candles))
    return min(apart, key=lambda distance: (-apart[distance], distance))


def gaps_of(candles: Sequence[Candle], interval_ms: int) -> list[Gap]:
    return [
        Gap(after_ms=earlier.start_ms, missing=(later.start_ms - earlier.start_ms - 1) // interval_ms)
        for earlier, later in pairwise(candles)
        if later.start_ms - earlier.start_ms > interval_ms
    ]


def _refuse(path: Path, line: int, name: str, problem: str) -> NoReturn:
    raise InvalidInput(f"{path}, line {line}, {name}: {problem}", (FieldError(name, problem),))
