"""Bars and ticks as rows of numbers, in the order of the package's arrays."""

from copydesk.simulators.market import MONTH_MS, Candle
from copydesk.simulators.metatrader5.broker.quotes import Quote, Quotes
from copydesk.simulators.metatrader5.edge.terminals import TerminalError

_MINUTE_MS = 60_000
_HOUR_FLAG, _WEEK_FLAG, _MONTH_FLAG = 0x4000, 0x8000, 0xC000
_MINUTES = {1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30}
_HOURS = {1, 2, 3, 4, 6, 8, 12, 24}
_BARS_MAX = 100_000
_TICKS_ALL, _TICKS_TRADE = -1, 2
_BID_AND_ASK = 6
INVALID = (-2, "Terminal: Invalid params")

Row = list[float]


def interval_ms(timeframe: int) -> int:
    """Raises TerminalError for a number that is no TIMEFRAME_…."""
    if timeframe in _MINUTES:
        return timeframe * _MINUTE_MS
    if timeframe - _HOUR_FLAG in _HOURS:
        return (timeframe - _HOUR_FLAG) * 60 * _MINUTE_MS
    if timeframe == _WEEK_FLAG + 1:
        return 7 * 24 * 60 * _MINUTE_MS
    if timeframe == _MONTH_FLAG + 1:
        return MONTH_MS
    raise TerminalError(*INVALID)


def bars_until(quotes: Quotes, symbol: str, timeframe: int, until_s: float, count: int) -> list[Row]:
    """The newest ``count`` that began by then, oldest first."""
    found = quotes.chart(symbol).series(
        interval_ms(timeframe), limit=min(count, _BARS_MAX), start_ms=None, end_ms=int(until_s * 1_000)
    )
    return [_bar(quotes, symbol, each) for each in found] if count else []


def bars_from_end(quotes: Quotes, symbol: str, timeframe: int, skip: int, count: int) -> list[Row]:
    """``skip`` 0 ends with the bar that is still open."""
    wanted = min(skip + count, _BARS_MAX)
    found = quotes.chart(symbol).series(interval_ms(timeframe), limit=max(wanted, 1), start_ms=None, end_ms=None)
    last = len(found) - skip
    return [_bar(quotes, symbol, each) for each in found[max(last - count, 0) : max(last, 0)]]


def bars_between(quotes: Quotes, symbol: str, timeframe: int, from_s: float, to_s: float) -> list[Row]:
    found = quotes.chart(symbol).series(
        interval_ms(timeframe), limit=_BARS_MAX, start_ms=int(from_s * 1_000), end_ms=int(to_s * 1_000)
    )
    return [_bar(quotes, symbol, each) for each in found]


def ticks(quotes: Quotes, symbol: str, from_s: float, to_s: float | None, count: int | None, flags: int) -> list[Row]:
    """Changes of bid and ask; nothing trades here, so COPY_TICKS_TRADE finds nothing."""
    if flags == _TICKS_TRADE:
        return []
    if flags not in {_TICKS_ALL, 0xFFFFFFFF} and not flags & 1:
        raise TerminalError(*INVALID)
    upper = float("inf") if to_s is None else to_s * 1_000
    found = [each for each in quotes.ticks[symbol] if from_s * 1_000 <= each.time_msc <= upper]
    return [_tick(each) for each in (found if count is None else found[:count])]


def _bar(quotes: Quotes, symbol: str, candle: Candle) -> Row:
    prices = (float(each) for each in (candle.open, candle.high, candle.low, candle.close))
    return [candle.start_ms // 1_000, *prices, max(candle.trades, 1), quotes.spread(symbol), 0]


def _tick(each: Quote) -> Row:
    return [each.time_msc // 1_000, float(each.bid), float(each.ask), 0.0, 0, each.time_msc, _BID_AND_ASK, 0.0]
