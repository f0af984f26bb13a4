"""Candles gathered from the steps of a market, with a seeded past so that indicators have something to read."""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isqrt
from random import Random

MINUTE_MS = 60_000
WEEK_MS = 7 * 24 * 60 * MINUTE_MS
MONTH_MS = 30 * 24 * 60 * MINUTE_MS  # stands for a calendar month, however long it is
_MONDAY_MS = 4 * 24 * 60 * MINUTE_MS  # the epoch was a Thursday
_LIVE_MAX = 3 * 24 * 60
_PAST_COUNT = 1_500
_PAST_MONTHS = 240


def candle_end(start_ms: int, interval_ms: int) -> int:
    """When the candle that starts here is over: the start of the next one."""
    return start_ms + interval_ms if interval_ms != MONTH_MS else _bucket(start_ms + 32 * 24 * 60 * MINUTE_MS, MONTH_MS)


@dataclass(slots=True, kw_only=True)
class Candle:
    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int = 1

    def take(self, other: "Candle") -> None:
        """Let a later candle become part of this one."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.trades += other.trades


class Chart:
    """One symbol's candles. The past before the start is invented per interval, so a 5-minute past is not made of 1-minute ones."""

    def __init__(self, *, seed: int, symbol: str, tick: Decimal, signed: bool = False) -> None:
        """``signed``: values around zero, as a premium has, instead of prices, which stay above it."""
        self._seed = seed
        self._symbol = symbol
        self._tick = tick
        self._signed = signed
        self._minutes: list[Candle] = []
        self._past: dict[int, list[Candle]] = {}
        self._first: Candle | None = None

    def note(self, at_ms: int, price: Decimal, volume: Decimal) -> None:
        step = Candle(start_ms=at_ms - at_ms % MINUTE_MS, open=price, high=price, low=price, close=price, volume=volume)
        if self._minutes and self._minutes[-1].start_ms == step.start_ms:
            self._minutes[-1].take(step)
            return
        self._bridge(step.start_ms)
        self._minutes.append(step)
        self._first = self._first or step
        if len(self._minutes) > _LIVE_MAX:
            del self._minutes[: len(self._minutes) - _LIVE_MAX * 9 // 10]
            self._first = _copy(self._minutes[0], self._minutes[0].start_ms)
            self._past.clear()  # the invented past ends where the live minutes begin, without a gap

    def series(self, interval_ms: int, *, limit: int, start_ms: int | None, end_ms: int | None) -> list[Candle]:
        """The newest ``limit`` candles up to ``end_ms``; with ``start_ms`` the oldest ``limit`` from there on."""
        candles = self._older(interval_ms) + self._gather(interval_ms)
        starts = [candle.start_ms for candle in candles]
        first = 0 if start_ms is None else bisect_left(starts, start_ms)
        last = len(candles) if end_ms is None else bisect_left(starts, end_ms + 1)
        chosen = candles[first:last]
        return chosen[:limit] if start_ms is not None else chosen[-limit:]

    def current(self, interval_ms: int) -> Candle | None:
        """The candle that is still open, built from the live minutes alone."""
        if not self._minutes:
            return None
        begin = _bucket(self._minutes[-1].start_ms, interval_ms)
        live = [minute for minute in self._minutes[-(interval_ms // MINUTE_MS) :] if minute.start_ms >= begin]
        return _merge(begin, live)

    def previous(self, interval_ms: int) -> Candle | None:
        """The candle before the open one, which is final; None while no live minute of it is known."""
        if not self._minutes:
            return None
        end = _bucket(self._minutes[-1].start_ms, interval_ms)
        begin = _bucket(end - 1, interval_ms)
        live = [each for each in self._minutes[-2 * (interval_ms // MINUTE_MS) - 1 :] if begin <= each.start_ms < end]
        return _merge(begin, live) if live else None

    def day(self) -> Candle | None:
        """The last 24 hours as one candle."""
        minutes = self.series(MINUTE_MS, limit=24 * 60, start_ms=None, end_ms=None)
        return _merge(minutes[0].start_ms, minutes) if minutes else None

    def _bridge(self, until_ms: int) -> None:
        """Minutes in which nothing happened are candles too: flat ones."""
        if not self._minutes:
            return
        last = self._minutes[-1]
        first_ms = max(last.start_ms + MINUTE_MS, until_ms - _LIVE_MAX * MINUTE_MS)
        if first_ms > last.start_ms + MINUTE_MS:
            self._minutes.clear()
        for at_ms in range(first_ms, until_ms, MINUTE_MS):
            close = last.close
            self._minutes.append(
                Candle(start_ms=at_ms, open=close, high=close, low=close, close=close, volume=Decimal(0), trades=0)
            )

    def _gather(self, interval_ms: int) -> list[Candle]:
        gathered: list[Candle] = []
        for minute in self._minutes:
            begin = _bucket(minute.start_ms, interval_ms)
            if gathered and gathered[-1].start_ms == begin:
                gathered[-1].take(minute)
            else:
                gathered.append(_copy(minute, begin))
        return gathered

    def _older(self, interval_ms: int) -> list[Candle]:
        if self._first is None:
            return []
        if interval_ms not in self._past:
            self._past[interval_ms] = self._invent(interval_ms, self._first)
        return self._past[interval_ms]

    def _invent(self, interval_ms: int, first: Candle) -> list[Candle]:
        random = Random(f"{self._seed}:{self._symbol}:{interval_ms}")  # noqa: S311  # a market's whim, not a secret
        begin = _bucket(first.start_ms, interval_ms)
        close = int(first.open / self._tick)
        floor = close - 10**9 if self._signed else 1
        past: list[Candle] = []
        for _ in range(_PAST_MONTHS if interval_ms == MONTH_MS else _PAST_COUNT):
            swing = 20_000 if self._signed else max(1, close * 8 * isqrt(interval_ms // 250) // 100_000)
            opening = max(floor + 1, (close // 2 if self._signed else close) + random.randint(-swing, swing))
            begin = _bucket(begin - 1, interval_ms) if interval_ms == MONTH_MS else begin - interval_ms
            past.append(
                Candle(
                    start_ms=begin,
                    open=opening * self._tick,
                    high=(max(opening, close) + random.randint(0, swing)) * self._tick,
                    low=max(floor, min(opening, close) - random.randint(0, swing)) * self._tick,
                    close=close * self._tick,
                    volume=Decimal(random.randint(1_000, 900_000)) / 1_000,
                    trades=random.randint(50, 5_000),
                )
            )
            close = opening
        return past[::-1]


def _bucket(at_ms: int, interval_ms: int) -> int:
    if interval_ms == MONTH_MS:
        day = datetime.fromtimestamp(at_ms / 1_000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return int(day.timestamp()) * 1_000
    shift = _MONDAY_MS if interval_ms == WEEK_MS else 0
    return at_ms - (at_ms - shift) % interval_ms


def _merge(begin: int, candles: list[Candle]) -> Candle:
    merged = _copy(candles[0], begin)
    for candle in candles[1:]:
        merged.take(candle)
    return merged


def _copy(candle: Candle, begin: int) -> Candle:
    return Candle(
        start_ms=begin,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        trades=candle.trades,
    )
