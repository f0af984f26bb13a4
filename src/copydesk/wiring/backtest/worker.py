"""The process that plays one backtest for the hub: gentle to the machine, bounded, and gone when the hub is."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import to_builtins

from copydesk.domain.candle import Candle
from copydesk.domain.errors import CopydeskError, InvalidInput, StoreUnavailable, VenueError
from copydesk.ports.clock import SystemClock
from copydesk.ports.market import TIMEFRAMES
from copydesk.settings import Settings
from copydesk.stores.candle_files import CANDLES_MIN, CandleFile, gaps_of
from copydesk.stores.strategies import Strategies
from copydesk.stores.unit import Unit
from copydesk.web.backtesting import CandlesFrom, CurvePoint, Outcome
from copydesk.wiring.backtest.fetching import fetch_candles
from copydesk.wiring.backtest.job import Job, Told
from copydesk.wiring.backtest.page import render
from copydesk.wiring.backtest.play import Found, figures_as_json, points_of, run_backtest
from copydesk.wiring.children import end_with_parent
from copydesk.wiring.databases import open_database
from copydesk.wiring.markets import Markets
from copydesk.wiring.strategies import StrategyMaker
from copydesk.wiring.venues import deriv_of

GENTLE = 10
"""Of the machine's 20 degrees of niceness: orders come first."""

MEMORY_BYTES_MAX = 3 * 1024**3
CPU_S_MAX = 300
"""Limits that the kernel keeps, whatever a strategy of somebody's own does."""

CURVE_POINTS_MAX = 300

_CANDLES_SHARE, _PLAY_SHARE = 0.3, 0.65
_OWNER_ONLY_MASK = 0o077

Tell = Callable[[float], None]


def work(asked: BinaryIO) -> None:
    """One job from `asked`; what comes of it goes to standard output, which nobody else may write to."""
    with _answering() as answer:
        job = msgspec.json.decode(asked.readline(), type=Job)
        _bound(job.parent)
        try:
            answer(Told(outcome=_play(job, lambda share: answer(Told(progress=round(share, 4))))))
        except VenueError as error:
            answer(Told(problem=f"the market did not answer: {error.text}"))
        except StoreUnavailable:
            answer(Told(problem="the database did not answer"))
        except CopydeskError as error:
            answer(Told(problem=str(error)))


def _play(job: Job, tell: Tell) -> Outcome:
    candles = asyncio.run(_candles(job, lambda share: tell(share * _CANDLES_SHARE)))
    tell(_CANDLES_SHARE)
    if len(candles) < CANDLES_MIN:
        there = f"there are {len(candles)} of {job.series.symbol}, {job.series.timeframe}"
        raise InvalidInput(f"candles: {there}; a backtest needs at least {CANDLES_MIN}")
    interval_ms = TIMEFRAMES[job.series.timeframe] * 1_000
    series = job.series
    file = CandleFile(
        path=f"{series.market}/{series.symbol} {series.timeframe}",
        candles=candles,
        interval_ms=interval_ms,
        gaps=gaps_of(candles, interval_ms),
    )
    found = run_backtest(
        StrategyMaker(job.strategy),
        job.given,
        job.terms,
        file,
        tell=lambda _what, done, total: tell(_CANDLES_SHARE + _PLAY_SHARE * done / total),
    )
    Path(job.report).write_text(render(found), encoding="utf-8")
    return _outcome(found)


async def _candles(job: Job, tell: Tell) -> list[Candle]:
    settings = Settings(**job.settings)
    if job.candles_from is CandlesFrom.STORED:
        database = open_database(settings)  # only read, and not started: its schema is the hub's business
        try:
            return await database.read(
                lambda connection: list(Strategies(Unit(connection)).candles(job.series, job.candles))
            )
        finally:
            await database.close()
    clock = SystemClock()
    deriv = deriv_of(settings, clock)
    markets = Markets(settings, clock, deriv)
    try:
        return await fetch_candles(markets.of(job.bot, job.account), job.series, job.candles, clock, tell)
    finally:
        await markets.close()
        await deriv.close()


def _outcome(found: Found) -> Outcome:
    file = found.file
    return Outcome(
        figures=figures_as_json(found),
        ladders=None if found.ladders is None else to_builtins(found.ladders, str_keys=True),
        curve=msgspec.convert(points_of(found, CURVE_POINTS_MAX), list[CurvePoint], strict=False),
        candles=len(file.candles),
        missing=sum(gap.missing for gap in file.gaps),
        first_at=file.candles[0].opened_at,
        last_at=file.candles[-1].opened_at,
    )


@contextmanager
def _answering() -> Iterator[Callable[[Told], None]]:
    """A strategy that prints would spoil the answer: what it prints goes to standard error."""
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)

        def answer(told: Told) -> None:
            answers.write(msgspec.json.encode(told) + b"\n")
            answers.flush()

        yield answer


def _bound(parent: int) -> None:
    os.umask(_OWNER_ONLY_MASK)
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  it is not there on Windows

    os.nice(GENTLE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    if sys.platform == "linux":
        end_with_parent()
    if os.getppid() != parent:
        sys.exit("the hub that asked for this is gone")
