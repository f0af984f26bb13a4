"""A market for every simulator: seeded prices that move, real candles replayed, a price held still on request."""

from copydesk.simulators.market.candles import Candle, Chart
from copydesk.simulators.market.prices import STEP_MS, Market, Quote
from copydesk.simulators.market.replay import CandleFileError, read_candles
from copydesk.simulators.market.walk import Start

__all__ = ["STEP_MS", "Candle", "CandleFileError", "Chart", "Market", "Quote", "Start", "read_candles"]
