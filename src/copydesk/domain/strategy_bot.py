"""A bot that copydesk runs: which strategy on which symbols, how it stands, what it decided and bought."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct

from copydesk.domain.ids import BotId, SignalId
from copydesk.domain.signal import Right


class Run(Struct, frozen=True, kw_only=True):
    """What a bot runs; `timeframe` is a name ("1m"), settings are the strategy's own."""

    bot_id: BotId
    strategy: str
    symbols: tuple[str, ...]
    timeframe: str
    settings: Mapping[str, Any]
    updated_at: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """How a bot stands; `status` is a RunStatus of ports/live.py. Money in USD, None before it was first asked for."""

    bot_id: BotId
    status: str
    message: str
    since: datetime
    updated_at: datetime
    starting_balance: Decimal | None = None
    balance: Decimal | None = None
    peak: Decimal | None = None


class Memory(Struct, frozen=True, kw_only=True):
    """What a strategy keeps for one symbol, as of the newest candle it has seen; `version` grows with each change."""

    bot_id: BotId
    symbol: str
    last_start_ms: int
    state: Mapping[str, Any]
    version: int
    updated_at: datetime


class ContractStatus(StrEnum):
    """OPEN until the venue (or, on paper, the candles) say what became of it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    SOLD = "sold"
    NOT_PLACED = "not_placed"


class Contract(Struct, frozen=True, kw_only=True):
    """One that a strategy bought; `number` is its own name of it, `signal_id` what followers got (None on paper)."""

    bot_id: BotId
    symbol: str
    number: str
    ladder: int
    level: int
    entry_streak: int
    contract_right: Right
    stake: Decimal
    duration_s: int
    paper: bool
    signal_id: SignalId | None
    status: ContractStatus
    opened_at: datetime
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    profit: Decimal | None = None
    settled_at: datetime | None = None


class Analysis(Struct, frozen=True, kw_only=True):
    """One decision, those to hold too. `occasion` names what was decided on, once a bot and symbol; `why_not` says why an
    intention was not followed.
    """

    id: str
    bot_id: BotId
    symbol: str
    occasion: str
    candle_at: datetime
    price: Decimal
    intention: str
    reason: str
    numbers: Mapping[str, Any]
    followed: bool
    why_not: str | None
    signal_id: SignalId | None
    created_at: datetime
