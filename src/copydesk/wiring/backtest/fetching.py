"""The newest candles of a market, page by page: an exchange tells at most a thousand at once."""

from collections.abc import Callable

from copydesk.domain.candle import Candle
from copydesk.ports.clock import Clock
from copydesk.ports.market import TIMEFRAMES, Market
from copydesk.ports.strategy_table import Series

PAGE = 1_000


async def fetch_candles(
    market: Market, series: Series, most: int, clock: Clock, tell: Callable[[float], None]
) -> list[Candle]:
    """Closed ones, oldest first. Where a market has none for a while (it was closed, or not there yet), the next page is asked
    for. Raise InvalidInput or VenueUnavailable.
    """
    step_ms = TIMEFRAMES[series.timeframe] * 1_000
    until_ms = int(clock.now().timestamp() * 1_000) // step_ms * step_ms
    first_ms = since_ms = until_ms - most * step_ms
    found: list[Candle] = []
    while since_ms < until_ms:
        page = min(PAGE, (until_ms - since_ms) // step_ms)
        asked = await market.candles(series.symbol, step_ms // 1_000, since_ms=since_ms, most=page)
        new = [one for one in asked if since_ms <= one.start_ms < until_ms]
        found += new
        since_ms = new[-1].start_ms + step_ms if new else since_ms + page * step_ms
        tell((since_ms - first_ms) / (until_ms - first_ms))
    return found
