"""Models of bots that copydesk runs itself: how they stand, what they decided, traded and saw."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from copydesk.client.fields import Answer, Number, Request


class PositionUpdateAnswer(Answer):
    """What is open of a bot on a symbol; money as numbers, as in the live API."""

    symbol: str
    in_position: bool
    direction: str | None = Field(description="CALL, PUT, BUY or SELL")
    entry_timestamp: datetime | None
    entry_streak_size: int
    current_level: int
    current_stake: float
    total_loss: float
    next_stake: float


class StatusAnswer(Answer):
    """How a strategy bot stands. `status` is RUNNING, PAUSED, STOPPED or STOPPING; percentages are 0 to 100."""

    bot_id: str
    name: str
    strategy: str
    symbols: list[str]
    timeframe: str
    settings: dict[str, Any]
    status: str
    message: str
    since: datetime
    book: str | None = Field(description="the venue of the bot's own account")
    balance: Number | None
    peak: Number | None
    drawdown_pct: Number
    total_trades: int
    wins: int
    losses: int
    win_rate: Number
    roi: Number
    profit: Number
    positions: list[PositionUpdateAnswer]


class StatusesAnswer(Answer):
    """The bot that was asked for (else the caller's own oldest, else the oldest), and all that the caller may see."""

    bot: StatusAnswer | None
    bots: list[StatusAnswer]


class BotTradeAnswer(Answer):
    """A closed trade: a position, or a whole ladder of contracts."""

    trade_id: str
    bot_id: str
    symbol: str
    direction: str
    entry_time: datetime
    exit_time: datetime
    entry_price: Number | None
    exit_price: Number | None
    stake: Number
    final_level: int
    entry_streak_size: int
    profit: Number
    result: Literal["WIN", "LOSS"]
    paper: bool


class BotPositionAnswer(PositionUpdateAnswer):
    """With its result so far."""

    bot_id: str
    entry_price: Number | None
    quantity: Number | None
    last_price: Number | None = Field(description="the newest candle's close")
    open_result: Number | None = Field(
        description="USD, as if it were closed at that price, before fees; of a ladder, what its lost levels have cost"
    )


class CandleAnswer(Answer):
    """A closed candle with what the usual indicators say after it; null while they have seen too little."""

    timestamp: datetime
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    color: Literal["GREEN", "RED", "DOJI"]
    rsi: float | None
    macd: float | None
    macd_signal: float | None
    macd_histogram: float | None


class MarketDataAnswer(Answer):
    """`market` is where the candles are from."""

    bot_id: str
    market: str
    symbol: str
    timeframe: str
    candles: list[CandleAnswer]


class AnalysisAnswer(Answer):
    """One decision: HOLD, BUY, SELL, CLOSE, CALL or PUT, its reason and its numbers; `why_not` where it was not followed."""

    id: str
    bot_id: str
    symbol: str
    occasion: str = Field(description="what was decided on: candle:<its time> or contract:<its number>")
    candle_at: datetime
    price: Number
    intention: str
    reason: str
    numbers: dict[str, Any]
    followed: bool
    why_not: str | None
    signal_id: str | None
    created_at: datetime


class StrategyAnswer(Answer):
    """One that bots may run; a file of this desk's own tells neither what it trades nor its settings before it is run."""

    name: str
    trades: Literal["positions", "contracts"] | None
    settings: dict[str, Any] | None = Field(description="each with its default")


class StrategiesAnswer(Answer):
    items: list[StrategyAnswer]


class RunBot(Request):
    command: Literal["start", "pause", "stop"]


class RanAnswer(Answer):
    success: Literal[True] = True
    status: str


class LadderLevelAnswer(Answer):
    level: int
    stake: Number
    lost_so_far: Number
    balance_left: Number
    net_if_won: Number
    chance_pct: Number
    limits: list[str]


class RuinCardAnswer(Answer):
    """What a Martingale ladder costs, against the bot's own balance."""

    balance: Number
    payout: Number
    levels: list[LadderLevelAnswer]
    last_level: int
    loss_at_the_end: Number
    chance_of_the_end_pct: Number
    expected_result: Number
    ladders_to_even_odds: int | None
    first_losing_win: int | None
    funded: bool
