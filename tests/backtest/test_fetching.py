"""The newest candles of a market, asked for page by page."""

from datetime import UTC, datetime

from copydesk.ports.strategy_table import Series
from copydesk.wiring.backtest.fetching import fetch_candles
from strategy_support import MINUTE_MS, candles_of

NOW = datetime(2026, 11, 21, 9, 30, 20, tzinfo=UTC)
OPEN_MS = int(NOW.timestamp() * 1_000) // MINUTE_MS * MINUTE_MS
SERIES = Series(market="made up", symbol="BTCUSDT", timeframe="1m")


class StillClock:
    def now(self):
        return NOW


class PagedMarket:
    """Has candles of every minute but those that are missing; the one still open too. A page has at most a thousand."""

    def __init__(self, minutes, missing=frozenset()):
        made = candles_of([100] * (minutes + 1), start_ms=OPEN_MS - minutes * MINUTE_MS)
        self.made = [one for number, one in enumerate(made) if number not in missing]
        self.asked = []

    async def candles(self, symbol, timeframe_s, *, since_ms, most):
        self.asked.append(most)
        until_ms = since_ms + most * timeframe_s * 1_000
        return [one for one in self.made if since_ms <= one.start_ms < until_ms]


async def fetched(market, most):
    shares = []
    return await fetch_candles(market, SERIES, most, StillClock(), shares.append), shares


async def test_so_many_closed_candles_come_in_order_and_the_open_one_does_not():
    market = PagedMarket(3_000)

    found, shares = await fetched(market, 2_500)

    assert [one.start_ms for one in found] == [OPEN_MS - back * MINUTE_MS for back in range(2_500, 0, -1)]
    assert market.asked == [1_000, 1_000, 500]
    assert shares == [0.4, 0.8, 1.0]


async def test_a_page_without_any_is_a_closed_market_and_not_the_end():
    found, shares = await fetched(PagedMarket(3_000, missing=range(400, 1_700)), 3_000)

    assert len(found) == 1_700
    assert found[-1].start_ms == OPEN_MS - MINUTE_MS
    assert shares[-1] == 1.0


async def test_a_market_younger_than_what_was_asked_for_tells_what_it_has():
    found, _ = await fetched(PagedMarket(30), 5_000)

    assert len(found) == 30
