"""The desk at a glance: its parts and since when they are as they are, the day's figures, what is held, what wants a person's eye."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from copydesk.client.breaker import BreakerAnswer
from copydesk.client.fields import Answer, Number


class PartKind(StrEnum):
    """What the desk is made of."""

    EXECUTOR = "executor"
    VENUE = "venue"
    MASTER = "master"
    COPIER = "copier"


class Light(StrEnum):
    """`amber`: something of it does not work, or is not known yet."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Condition(StrEnum):
    """Why a part shows the light that it shows."""

    WELL = "well"
    LEASE_EXPIRED = "lease_expired"
    NOT_ASKED_YET = "not_asked_yet"
    CLOCK_UNKNOWN = "clock_unknown"
    STREAM_AWAY = "stream_away"
    TRADING_OFF = "trading_off"
    TERMINAL_AWAY = "terminal_away"
    SILENT = "silent"


class PartAnswer(Answer):
    """`since` is when this hub first saw it so; `owner` a terminal's user; `accounts` how many of those you see are at a venue."""

    id: str
    kind: PartKind
    name: str
    light: Light
    condition: Condition
    since: datetime
    owner: str | None = None
    accounts: int | None = None
    heard_at: datetime | None = None


class DeskAnswer(Answer):
    """Venues that you have accounts at, your own terminals, and the programs that do the desk's work; an admin sees everybody's."""

    at: datetime
    parts: list[PartAnswer]


class BucketAnswer(Answer):
    up_to_ms: int | None = Field(description="null: everything slower")
    count: int


class LatencyAnswer(Answer):
    """From a signal's arrival to its venues' answers; percentiles over single orders."""

    fastest_ms: int
    median_ms: int
    p95_ms: int
    slowest_ms: int
    buckets: list[BucketAnswer]


class TodayAnswer(Answer):
    """Since a moment of your choice; only what concerns you is counted."""

    since: datetime
    signals: int
    signals_by_source: dict[str, int]
    success: int = Field(description="orders that follow signals; a stop that could not be placed counts as failed")
    failed: int
    skipped: int
    pending: int
    latency: LatencyAnswer | None
    trades: int = Field(description="closed round trips")
    won: int
    net_usd: Number
    fees_usd: Number
    open_positions: int
    working_orders: int


class AlertKind(StrEnum):
    """What wants a person's eye."""

    REVIEW = "review"
    UNKNOWN = "unknown"
    UNPROTECTED = "unprotected"
    KEY_REFUSED = "key_refused"
    LEDGER_DIFFERS = "ledger_differs"
    BREAKER = "breaker"
    PART = "part"


class AlertAnswer(Answer):
    """Something as it stands now; it goes by itself once it is no longer so. `detail` is the desk's own sentence, where it has one."""

    id: str
    kind: AlertKind
    light: Light
    at: datetime
    detail: str | None = None
    name: str | None = Field(None, description="of the account, venue, bot or terminal, where you may see it")
    symbol: str | None = None
    signal_id: str | None = None
    account_id: str | None = None
    number: int | None = Field(None, description="how many differences in the ledger")


class GlanceAnswer(Answer):
    """As the routes for each of them tell it, in one answer."""

    parts: list[PartAnswer]
    today: TodayAnswer
    alerts: list[AlertAnswer]
    breakers: list[BreakerAnswer]


class PositionAnswer(Answer):
    """What our own fills opened and have not closed. The price and the result so far are there with `?prices=true`, where the venue tells."""

    subscription_id: str
    account_id: str
    account_name: str | None = Field(description="your own accounts', and for an admin everybody's")
    venue: str
    bot_id: str
    symbol: str
    master_ticket: int | None = Field(None, description="at a terminal: the master's ticket that it is for")
    direction: str
    quantity: Number
    entry_price: Number
    gross_usd: Number = Field(description="realised so far by parts that were closed, before fees")
    fees_usd: Number
    opened_at: datetime
    last_price: Number | None = None
    unrealised_usd: Number | None = None
