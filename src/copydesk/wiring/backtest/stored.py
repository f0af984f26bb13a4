"""Candles that this desk's bots have stored, for a backtest."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from copydesk.domain.candle import Candle
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.ports.market import TIMEFRAMES
from copydesk.ports.strategy_table import Series
from copydesk.settings import Settings, read_settings
from copydesk.stores.candle_files import CANDLES_MAX, CANDLES_MIN, CandleFile, gaps_of
from copydesk.stores.store import Tables
from copydesk.wiring.admin import open_store


class Range(Struct, frozen=True, kw_only=True):
    """Which candles; `market` None where only one has them, the moments None for all there are."""

    symbol: str
    timeframe: str
    market: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def candle_source(
    candles: Path | None, stored: str | None, timeframe: str, since: datetime | None, until: datetime | None
) -> Path | CandleFile:
    """A file, or "[MARKET/]SYMBOL" that this desk has stored. Raises InvalidInput where it is neither, or both."""
    if candles is not None and stored is None:
        return candles
    if stored is not None and candles is None:
        market, _, symbol = stored.rpartition("/")
        wanted = Range(symbol=symbol, timeframe=timeframe, market=market or None, since=since, until=until)
        return asyncio.run(stored_candles(read_settings(), wanted))
    problem = "give a file, --candles FILE.csv, or a symbol whose candles this desk has stored, --stored SYMBOL"
    raise _refused("candles", problem)


async def stored_candles(settings: Settings, wanted: Range) -> CandleFile:
    """Raises InvalidInput, naming the field, where there are none."""
    if wanted.timeframe not in TIMEFRAMES:
        raise _refused("timeframe", f"{wanted.timeframe} is none of {', '.join(TIMEFRAMES)}")
    async with open_store(settings) as store:
        market, candles = await store.read(lambda tables: _read(tables, wanted))
    if len(candles) < CANDLES_MIN:
        raise _refused("from", f"{len(candles)} candles are stored there; a backtest needs at least {CANDLES_MIN}")
    interval_ms = TIMEFRAMES[wanted.timeframe] * 1_000
    return CandleFile(
        path=f"{market}/{wanted.symbol} {wanted.timeframe}",
        candles=candles,
        interval_ms=interval_ms,
        gaps=gaps_of(candles, interval_ms),
    )


def _read(tables: Tables, wanted: Range) -> tuple[str, list[Candle]]:
    markets = tables.strategies.markets(wanted.symbol, wanted.timeframe)
    market = wanted.market or (markets[0] if len(markets) == 1 else None)
    if market is None or market not in markets:
        there = ", ".join(markets) or "none"
        raise _refused(
            "stored", f"{wanted.timeframe} candles of {wanted.symbol} are stored from: {there}; say MARKET/SYMBOL"
        )
    series = Series(market=market, symbol=wanted.symbol, timeframe=wanted.timeframe)
    since = wanted.since or datetime.fromtimestamp(0, UTC)
    found = tables.strategies.candles(series, CANDLES_MAX, since_ms=int(since.timestamp() * 1_000))
    return market, [one for one in found if wanted.until is None or one.opened_at < wanted.until]


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
