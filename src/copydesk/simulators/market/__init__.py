"""A market for every simulator: seeded prices that move, real candles replayed, a price held still; its tape and its book."""

from copydesk.simulators.market.candles import MONTH_MS, Candle, Chart, candle_end
from copydesk.simulators.market.depth import Depth, Level
from copydesk.simulators.market.prices import STEP_MS, Market, Quote
from copydesk.simulators.market.replay import CandleFileError, read_candles, read_replays
from copydesk.simulators.market.tape import PRINTS_KEPT, Print, Tape
from copydesk.simulators.market.walk import Start

__all__ = [
    "MONTH_MS",
    "PRINTS_KEPT",
    "STEP_MS",
    "Candle",
    "CandleFileError",
    "Chart",
    "Depth",
    "Level",
    "Market",
    "Print",
    "Quote",
    "Start",
    "Tape",
    "candle_end",
    "read_candles",
    "read_replays",
]
