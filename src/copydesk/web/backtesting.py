"""What the routes of backtests expect: a desk that tries strategies on candles, somewhere else than in the hub."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from msgspec import Struct

from copydesk.domain.bot import Bot
from copydesk.domain.ids import BotId, UserId
from copydesk.domain.subscription import Account
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy_table import Series


class BacktestState(StrEnum):
    """FAILED: `problem` says why."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


MOVES: Mapping[BacktestState, frozenset[BacktestState]] = MappingProxyType(
    {
        BacktestState.QUEUED: frozenset({BacktestState.RUNNING, BacktestState.FAILED}),
        BacktestState.RUNNING: frozenset({BacktestState.DONE, BacktestState.FAILED}),
        BacktestState.DONE: frozenset(),
        BacktestState.FAILED: frozenset(),
    }
)


class CandlesFrom(StrEnum):
    """The market itself, asked anew, or what this desk's bots have stored of it."""

    MARKET = "market"
    STORED = "stored"


class CurvePoint(Struct, frozen=True, kw_only=True):
    """The account at a candle's close, an open position valued there; the drawdown is the deepest since the point before."""

    at: datetime
    account: Decimal
    drawdown_pct: float


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one. `figures` are those of engine/backtest/figures.py, money as decimal text."""

    figures: Mapping[str, Any]
    ladders: Mapping[str, Any] | None
    curve: Sequence[CurvePoint]
    candles: int
    missing: int
    first_at: datetime
    last_at: datetime


class Backtest(Struct, frozen=True, kw_only=True):
    """As it was asked for, how far it is, what came of it. `progress` is 0 to 1."""

    id: str
    bot_id: BotId
    owner_id: UserId
    asked_by: UserId
    strategy: str
    settings: Mapping[str, Any]
    series: Series
    candles_from: CandlesFrom
    candles: int
    terms: Terms
    created_at: datetime
    state: BacktestState = BacktestState.QUEUED
    progress: float = 0.0
    problem: str | None = None
    finished_at: datetime | None = None
    outcome: Outcome | None = None


class Backtests(Protocol):
    """The hub's own desk of them."""

    def add(self, wanted: Backtest, bot: Bot, account: Account) -> None:
        """At the end of the queue. Raise Conflict where its user has one under way, TooMany where too many wait."""
        ...

    def find(self, backtest_id: str) -> Backtest | None: ...

    def newest(self) -> Sequence[Backtest]:
        """All that are kept, newest first."""
        ...

    def ahead_of(self, backtest_id: str) -> int:
        """How many are played before it."""
        ...

    def report(self, backtest_id: str) -> Path | None:
        """The page; None where there is none (any more)."""
        ...

    def remove(self, backtest_id: str) -> None:
        """With its page; one that is under way is ended."""
        ...
