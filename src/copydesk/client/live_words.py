"""The live API's words: each event that the hub tells, each command that it takes; docs/reference/live.md is made from this."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from copydesk.client.fields import Request
from copydesk.client.models import ExecutionAnswer, SignalAnswer
from copydesk.client.terminals import TerminalAnswer
from copydesk.ports.live import BotCommand, RunStatus

Direction = Literal["CALL", "PUT", "BUY", "SELL"]


class Told(BaseModel):
    """Ignores what it does not know: newer hubs may tell more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OfBot(Told):
    """Money is a number with two decimals here, a percentage goes from 0 to 100."""

    bot_id: str


class ConnectionAck(Told):
    status: Literal["connected"]


class Reauth(Told):
    token_expires_at: datetime


class BalanceUpdate(OfBot):
    balance: float
    peak: float
    drawdown_pct: float
    timestamp: datetime


class NewCandle(OfBot):
    symbol: str
    timestamp: datetime
    open: float
    high: float
    low: float
    close: float
    color: Literal["GREEN", "RED", "DOJI"]


class TriggerDetected(OfBot):
    symbol: str
    streak_count: int
    direction: str
    timestamp: datetime


class TradeOpened(OfBot):
    trade_id: str
    symbol: str
    entry_time: datetime
    direction: Direction
    level: int
    stake: float
    entry_streak_size: int


class TradeClosed(OfBot):
    trade_id: str
    symbol: str
    exit_time: datetime
    result: Literal["WIN", "LOSS"]
    profit: float
    final_level: int
    balance: float


class PositionUpdate(OfBot):
    symbol: str
    in_position: bool
    direction: Direction | None
    entry_timestamp: datetime | None
    entry_streak_size: int
    current_level: int
    current_stake: float
    total_loss: float
    next_stake: float


class MarketData(OfBot):
    symbol: str
    price: float
    streak_count: int
    streak_direction: str | None


class RiskStats(OfBot):
    total_trades: int
    wins: int
    losses: int
    win_rate: float
    roi: float


class BotStatusTold(OfBot):
    status: RunStatus
    message: str


class SystemAlert(OfBot):
    level: Literal["success", "warning", "error", "info"]
    message: str


class SettingsUpdated(OfBot):
    success: bool
    settings: dict[str, Any]


class Event(NamedTuple):
    """What its data hold, who hears it, and when."""

    data: type[BaseModel]
    who: str
    when: str


WATCHERS = "watchers of the bot"
PROVIDER, FOLLOWER = "the bot's owner, admins", "the follower, the bot's owner, admins"
SELF = "the socket"

EVENTS: Mapping[str, Event] = MappingProxyType(
    {
        "connection_ack": Event(ConnectionAck, SELF, "the token was accepted; first of all"),
        "reauth": Event(Reauth, SELF, "a minute before the token expires: send a new one"),
        "new_candle": Event(NewCandle, WATCHERS, "a candle has closed"),
        "market_data": Event(MarketData, WATCHERS, "after each candle: the price, and the streak it makes"),
        "trigger_detected": Event(TriggerDetected, WATCHERS, "the strategy wants in; a `system_alert` follows"),
        "trade_opened": Event(TradeOpened, WATCHERS, "the first contract or order of a trade is bought"),
        "position_update": Event(PositionUpdate, WATCHERS, "opened, a level lost, flat again"),
        "trade_closed": Event(TradeClosed, WATCHERS, "the whole trade is over: a ladder has one `trade_id`"),
        "balance_update": Event(BalanceUpdate, WATCHERS, "after each trade, and when a stake is taken"),
        "risk_stats": Event(RiskStats, WATCHERS, "after each trade"),
        "bot_status": Event(BotStatusTold, WATCHERS, "it started, paused, stops or stopped"),
        "system_alert": Event(SystemAlert, WATCHERS, "what a person should read, in words"),
        "settings_updated": Event(SettingsUpdated, WATCHERS, "new settings are in force"),
        "signal": Event(SignalAnswer, PROVIDER, "a signal was accepted"),
        "execution": Event(ExecutionAnswer, FOLLOWER, "an execution moved; quick moves are told as one"),
        "agent_status": Event(TerminalAnswer, "the terminal's owner, admins", "a terminal reported, or fell silent"),
    }
)

BotIdWish = Annotated[str | None, Field(None, min_length=1, max_length=40, pattern=r"^[^\x00]*$")]


class WatchWish(Request):
    """Without `bot_id`: the bot that the socket belongs to anyway."""

    bot_id: BotIdWish


class CommandWish(Request):
    command: BotCommand
    bot_id: BotIdWish


class SettingsWish(BaseModel):
    """Any settings of the bot's strategy by name; what is not told stays. The strategy says what is wrong with them."""

    model_config = ConfigDict(frozen=True, extra="allow")

    bot_id: BotIdWish

    def changes(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class ReauthWish(Request):
    token: str = Field(min_length=1, max_length=4_000)


class AliveWish(Request):
    """Nothing is asked but an answer."""


class Command(NamedTuple):
    """What it takes, what its callback gets beside `success`, and what it does."""

    wish: type[BaseModel]
    answer: str
    does: str


STREAK_SETTINGS = (
    "change settings while the bot runs; a streak bot's are `delay_threshold`, `max_level`, `initial_stake`, "
    "`multiplier`, `max_drawdown`, `auto_trading` and those of [its page](../strategies.md)"
)

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "subscribe": Command(WatchWish, "`bot_id`, `may_command`", "watch a bot; its newest events come at once"),
        "unsubscribe": Command(WatchWish, "`bot_id`", "watch it no longer"),
        "bot_command": Command(CommandWish, "`bot_id`, `status`", "`start`, `pause` (paper trading) or `stop` a bot"),
        "update_settings": Command(SettingsWish, "`bot_id`, `settings`", STREAK_SETTINGS),
        "reauth": Command(ReauthWish, "`token_expires_at`", "go on with a new token of the same user"),
        "alive": Command(AliveWish, "nothing", "ask whether the hub is there"),
    }
)


class LiveEvent(NamedTuple):
    """One event as it arrived; `connected` and `disconnected` are our client's own."""

    name: str
    data: Mapping[str, Any]
