"""The API's words: what requests may hold and what answers look like. Decimals go out as plain text."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt

from copydesk.client.fields import (
    ABSENT,
    Answer,
    Change,
    Flag,
    Key,
    Leverage,
    Login,
    Name,
    Number,
    Percent,
    Request,
    Secret,
    StopPercent,
    Text,
    Usd,
    Venue,
    WebhookPath,
)
from copydesk.domain.bot import BotStatus, MarketType, OnOpposite, PayloadSize
from copydesk.domain.subscription import (
    Environment,
    KeyCheck,
    MarginMode,
    OnDailyLoss,
    OnUnprotected,
    SubscriptionStatus,
)


class ErrorDetails(BaseModel):
    code: str = Field(description="one word for programs")
    message: str = Field(description="what would be right, for people")
    details: dict[str, Any] = Field(description="for invalid input: `fields`, each with its `field` and `problem`")


class ErrorAnswer(BaseModel):
    """The one shape of every error."""

    error: ErrorDetails


NO_NUL = r"^[^\x00]*$"
StrategyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$")]
Id = Annotated[str, Field(min_length=1, max_length=40, pattern=NO_NUL)]
Freshness = Annotated[int, Field(ge=1, le=300, description="seconds an opening may wait before it expires")]


Symbols = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,40}$")], ...],
    Field(min_length=1, max_length=20, description="what its strategy looks at"),
]
Timeframe = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d"]
Setting = Annotated[str, Field(max_length=200, pattern=NO_NUL)] | StrictInt | StrictFloat | StrictBool | None
Settings = Annotated[
    dict[str, Setting], Field(max_length=50, description="the strategy's own; what is not told is its default")
]
Duration = Annotated[int, Field(ge=15, le=86_400, description="seconds of a contract; for bots of market type options")]


class NewBot(Request):
    name: Name
    description: Text = ""
    market_type: MarketType = MarketType.FUTURES
    source: Literal["tradingview", "rest", "master", "strategy"] = "tradingview"
    master_webhook_path: WebhookPath | None = Field(None, description="absent: made from the name")
    master_secret: Secret | None = Field(None, description="absent: made by the server; for tradingview bots")
    default_leverage: Leverage = 1
    default_margin_usd: Usd = Decimal(50)
    default_stop_loss_pct: StopPercent = Decimal(0)
    default_take_profit_pct: Percent = Decimal(0)
    on_opposite: OnOpposite = OnOpposite.CLOSE
    payload_size: PayloadSize = Field(PayloadSize.IGNORE, description="whether an amount in an alert counts")
    open_freshness_s: Freshness = 30
    signature_v0: Flag = False
    status: BotStatus = BotStatus.ACTIVE
    contract_duration_s: Duration = 60
    strategy: StrategyName | None = Field(None, description="rsi, streak, or a file of this desk; for source strategy")
    symbols: Symbols | None = Field(None, description="absent: the strategy's own choice")
    timeframe: Timeframe | None = Field(None, description="absent: 1m")
    settings: Settings | None = None
    exchange_account_id: Id | None = Field(
        None, description="the bot's own book: an account of yours; absent: one on paper is made"
    )


class BotChange(Change):
    name: Name = ABSENT
    description: Text = ABSENT
    master_webhook_path: WebhookPath = ABSENT
    default_leverage: Leverage = ABSENT
    default_margin_usd: Usd = ABSENT
    default_stop_loss_pct: StopPercent = ABSENT
    default_take_profit_pct: Percent = ABSENT
    on_opposite: OnOpposite = ABSENT
    payload_size: PayloadSize = ABSENT
    open_freshness_s: Freshness = ABSENT
    signature_v0: Flag = ABSENT
    status: BotStatus = ABSENT
    contract_duration_s: Duration = ABSENT
    settings: Settings = ABSENT


class BotAnswer(Answer):
    """Its owner sees `webhook_url`, and once `master_secret` (source tradingview) or `signing_secret` (rest, master); a bot of source
    `strategy` tells what it runs.
    """

    id: str
    name: str
    description: str
    market_type: MarketType
    source: str
    default_leverage: int
    default_margin_usd: Number
    default_stop_loss_pct: Number
    default_take_profit_pct: Number
    on_opposite: OnOpposite
    payload_size: PayloadSize
    open_freshness_s: int
    signature_v0: bool
    status: BotStatus
    created_at: datetime
    updated_at: datetime
    master_webhook_path: str | None = None
    webhook_url: str | None = None
    master_secret: str | None = None
    signing_secret: str | None = None
    contract_duration_s: int = 60
    exchange_account_id: str | None = None
    strategy: str | None = None
    symbols: list[str] | None = None
    timeframe: str | None = None
    settings: dict[str, Any] | None = None


class RotateSecret(Request):
    overlap_s: int = Field(3_600, ge=0, le=604_800, description="seconds the old secret stays valid")
    master_secret: Secret | None = Field(None, description="absent: made by the server")


class NewSecret(Answer):
    master_secret: str | None = None
    signing_secret: str | None = None
    old_valid_until: datetime


class NewAccount(Request):
    name: Name
    venue: Venue
    environment: Environment
    api_key: Key | None = None
    api_secret: Key | None = None
    api_passphrase: Key | None = Field(None, description="the exchange's third secret, where it has one")
    token: Key | None = Field(None, description="Deriv's token, with the scopes read and trade")
    login: Login | None = Field(
        None, description="the MT5 login that the account is; the account's id at Deriv's new API"
    )
    server: Name | None = Field(None, description="the broker's server, as the terminal shows it")
    key_cannot_withdraw: Flag = Field(
        False, description="your word for it, needed for real money where the exchange does not tell"
    )
    is_active: Flag = True


class AccountChange(Change):
    name: Name = ABSENT
    api_key: Key = ABSENT
    api_secret: Key = ABSENT
    api_passphrase: Key = ABSENT
    token: Key = ABSENT
    login: Login = ABSENT
    server: Name = ABSENT
    is_active: Flag = ABSENT


class AccountAnswer(Answer):
    """Of the key only its last four characters are shown; of a terminal, its login and server."""

    id: str
    name: str
    venue: Venue
    environment: Environment
    is_active: bool
    key_hint: str
    key_check: KeyCheck
    key_problem: str | None
    created_at: datetime
    updated_at: datetime


class FindingAnswer(Answer):
    name: str
    ok: bool
    detail: str
    advice: str | None


class CheckAnswer(Answer):
    """The pre-flight report of an account."""

    ok: bool
    key_check: KeyCheck
    key_problem: str | None
    checked_at: datetime
    findings: list[FindingAnswer]


class CopyChoices(Request):
    margin_mode: MarginMode = MarginMode.ISOLATED
    on_unprotected: OnUnprotected = OnUnprotected.FLATTEN
    on_daily_loss: OnDailyLoss = OnDailyLoss.STOP_OPENS


class NewSubscription(Request):
    bot_id: str = Field(min_length=1, max_length=40)
    exchange_account_id: str = Field(min_length=1, max_length=40)
    custom_leverage: Leverage | None = None
    custom_margin_usd: Usd | None = None
    custom_stop_loss_pct: StopPercent | None = None
    custom_take_profit_pct: Percent | None = None
    max_daily_loss_usd: Usd | None = None
    max_concurrent_positions: int | None = Field(None, ge=0, le=1_000)
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    copy_choices: CopyChoices = Field(default_factory=CopyChoices, alias="copy")


class SubscriptionChange(Change):
    """A custom value set to null goes back to the bot's default."""

    custom_leverage: Leverage | None = None
    custom_margin_usd: Usd | None = None
    custom_stop_loss_pct: StopPercent | None = None
    custom_take_profit_pct: Percent | None = None
    max_daily_loss_usd: Usd | None = None
    max_concurrent_positions: int | None = Field(None, ge=0, le=1_000)
    status: SubscriptionStatus = ABSENT
    copy_choices: CopyChoices = Field(ABSENT, alias="copy")


class EffectiveAnswer(Answer):
    leverage: int
    margin_usd: Number
    stop_loss_pct: Number
    take_profit_pct: Number


class SubscriptionAnswer(Answer):
    """`effective` is what counts: the custom value where there is one, else the bot's default."""

    id: str
    bot_id: str
    exchange_account_id: str
    status: SubscriptionStatus
    custom_leverage: int | None
    custom_margin_usd: Number | None
    custom_stop_loss_pct: Number | None
    custom_take_profit_pct: Number | None
    max_daily_loss_usd: Number | None
    max_concurrent_positions: int | None
    copy_choices: CopyChoices = Field(serialization_alias="copy", validation_alias="copy")
    effective: EffectiveAnswer
    total_signals_received: int
    total_orders_executed: int
    total_orders_failed: int
    last_signal_at: datetime | None
    current_daily_loss_usd: Number
    daily_loss_resets_at: datetime
    current_positions: int
    created_at: datetime
    updated_at: datetime


class StepAnswer(Answer):
    leg: str
    direction: str
    fraction: Number


class FaredAnswer(Answer):
    """How many orders that followed a signal went which way; those you may see."""

    success: int
    failed: int
    skipped: int
    pending: int


class SignalAnswer(Answer):
    id: str
    bot_id: str
    source: str
    ticker: str
    symbol: str
    action: str
    price: Number | None
    master_ticket: int | None = None
    steps: list[StepAnswer]
    note: str | None
    payload: dict[str, Any]
    received_at: datetime
    created_at: datetime
    fared: FaredAnswer | None = Field(
        None, exclude_if=lambda fared: fared is None, description="only with `?fared=true`"
    )


class EventAnswer(Answer):
    at: datetime
    state: str
    note: str | None
    evidence: dict[str, Any] | None


class ExecutionAnswer(Answer):
    id: str
    signal_id: str
    subscription_id: str
    account_id: str
    bot_id: str
    leg: str
    symbol: str
    master_ticket: int | None = Field(None, description="at a terminal: the master's ticket that it is for")
    side: str
    status: Literal["success", "failed", "skipped", "pending"]
    state: str
    reason: str | None
    requested_quantity: Number | None
    executed_quantity: Number
    executed_price: Number | None
    trigger_price: Number | None
    fee_usd: Number
    exchange_order_id: str | None
    client_order_id: str | None
    execution_time_ms: int | None
    plan: dict[str, Any]
    timeline: list[EventAnswer]
    created_at: datetime
    updated_at: datetime


class BroadcastStats(Answer):
    """Without `?wait=` only `total_subscribers` is known when the answer leaves."""

    total_subscribers: int
    successful_executions: int | None = None
    failed_executions: int | None = None
    skipped: int | None = None
    duration_ms: int | None = None


class WebhookAnswer(Answer):
    success: Literal[True] = True
    bot_name: str
    signal_id: str
    signal_ids: list[str]
    status: Literal["accepted"] = "accepted"
    duplicate: bool = False
    broadcast_stats: BroadcastStats
    timestamp: datetime
