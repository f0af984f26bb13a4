"""Models of backtests: what a strategy bot would have done, played by the hub beside its work."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from copydesk.client.fields import Answer, Given, Number, Request, Written
from copydesk.client.models import Id

CANDLES_LEAST = 50
CANDLES_MOST = 50_000
"""A month of one-minute candles; played in seconds."""

CostPercent = Annotated[
    Given,
    Field(ge=0, le=10, decimal_places=4, description="percent of each side of a trade"),
    Written(r"^[0-9](\.[0-9]{1,4})?$"),
]
Money = Annotated[
    Given,
    Field(gt=0, le=1_000_000_000, decimal_places=2, description="USD"),
    Written(r"^([1-9][0-9]{0,8}(\.[0-9]{1,2})?|0\.([1-9][0-9]?|0[1-9]))$"),
]
Payout = Annotated[
    Given,
    Field(gt=1, le=100, decimal_places=4, description="of a won contract, for 1 staked"),
    Written(r"^([2-9]|[1-9][0-9])(\.[0-9]{1,4})?$"),
]


class NewBacktest(Request):
    """`fee_pct` and `slippage_pct` concern positions, `payout` contracts."""

    bot_id: Id
    symbol: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(None, description="absent: its first one")
    candles: int = Field(1_440, ge=CANDLES_LEAST, le=CANDLES_MOST, description="the newest so many, of its timeframe")
    candles_from: Literal["market", "stored"] = Field(
        "market", description="asked of the market, or those that this desk's bots have stored"
    )
    balance: Money = Decimal(10_000)
    size_usd: Money | None = Field(None, description="in each position; absent: the bot's margin times its leverage")
    fee_pct: CostPercent = Decimal("0.05")
    slippage_pct: CostPercent = Decimal("0.01")
    payout: Payout = Decimal("1.95")


class BacktestFigures(Answer):
    """Percentages 0 to 100; null where there is nothing to divide by (docs/strategies.md, "Figures")."""

    balance: Number
    net: Number
    return_pct: float
    buy_and_hold_pct: float
    trades: int
    wins: int
    losses: int
    win_rate_pct: float | None
    profit_factor: float | None
    average_win: Number | None
    average_loss: Number | None
    best: Number | None
    worst: Number | None
    losses_in_a_row: int
    max_drawdown_pct: float
    sharpe: float | None
    exposure_pct: float
    fees: Number
    funding: Number


class LaddersAnswer(Answer):
    count: int
    won: int
    lost: int
    deepest_level: int


class BacktestPoint(Answer):
    at: datetime
    account: Number = Field(description="USD, an open position valued at the close")
    drawdown_pct: float


class BacktestAnswer(Answer):
    """`state` is queued, running, done or failed (then `problem` says why); `progress` is 0 to 1."""

    id: str
    bot_id: str
    strategy: str
    settings: dict[str, Any]
    symbol: str
    timeframe: str
    market: str = Field(description="where the candles are from")
    candles_from: Literal["market", "stored"]
    candles: int = Field(description="asked for")
    balance: Number
    size_usd: Number | None
    fee_pct: Number
    slippage_pct: Number
    payout: Number
    state: Literal["queued", "running", "done", "failed"]
    ahead: int = Field(description="how many are played before it")
    progress: float
    problem: str | None
    created_at: datetime
    finished_at: datetime | None
    candles_played: int | None
    candles_missing: int | None
    first_at: datetime | None
    last_at: datetime | None
    figures: BacktestFigures | None
    ladders: LaddersAnswer | None
    has_report: bool
    curve: list[BacktestPoint] | None = Field(description="the account; null in lists")
