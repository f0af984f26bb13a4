"""Closed candles as a market shows them, and whether one is missing."""

from collections.abc import Sequence

from msgspec import Struct

from copydesk.domain.candle import Candle, without_the_open_one
from copydesk.ports.market import Market
from copydesk.ports.strategy_table import Series

AT_ONCE = 1_000
"""Candles of one question at most; who was away for longer asks again."""

SPARE = 200
"""More than a strategy asks for, so that its indicators have settled."""


class Hole(Struct, frozen=True, kw_only=True):
    """Candles that a market does not show; the next one it does show begins at `until_ms`."""

    until_ms: int
    told: str


class Fed(Struct, frozen=True, kw_only=True):
    """Closed candles, oldest first; where there is a hole, those before it."""

    candles: Sequence[Candle]
    hole: Hole | None = None


async def read_closed(market: Market, series: Series, timeframe_s: int, last_ms: int | None, history: int) -> Fed:
    """Those after `last_ms`; without one, as many of the newest as a strategy needs to begin. Raises what the market raises."""
    most = AT_ONCE if last_ms is not None else min(AT_ONCE, history + SPARE)
    shown = await market.candles(series.symbol, timeframe_s, since_ms=last_ms, most=most)
    closed = [one for one in without_the_open_one(shown) if last_ms is None or one.start_ms > last_ms]
    before = last_ms
    for index, candle in enumerate(closed):
        if before is not None and candle.start_ms != before + timeframe_s * 1_000:
            told = _told(series, before, candle, timeframe_s)
            return Fed(candles=closed[:index], hole=Hole(until_ms=candle.start_ms, told=told))
        before = candle.start_ms
    return Fed(candles=closed)


def _told(series: Series, before_ms: int, after: Candle, timeframe_s: int) -> str:
    missing = (after.start_ms - before_ms) // (timeframe_s * 1_000) - 1
    until = after.opened_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"{series.market} shows {missing} candles of {series.symbol} less than there must be before {until}"
