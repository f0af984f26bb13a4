"""What the desk tells a copier to do, and how its owner wants it done. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from copydesk.terminal.events import Contract


class Do(StrEnum):
    """The wire's commands about positions."""

    OPEN = "OPEN"
    MODIFY = "MODIFY"
    CLOSE = "CLOSE"


class Command(Struct, frozen=True, kw_only=True):
    """One command. `bot_id` and `master_ticket` name together what is copied; `type` is the position's direction.

    `volume`, `price`, `sl`, `tp` are the master's, None where the bot has no master. `fraction` is the part to close of what
    is held for the ticket; of an opening, what share of its own size a ticket has grown by.
    """

    id: str
    do: Do
    bot_id: str
    master_ticket: int
    symbol: str
    type: str
    created_at: datetime
    expires_at: datetime
    volume: Decimal | None = None
    price: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    fraction: Decimal = Decimal(1)
    contract: Contract | None = None


class Wishes(Struct, frozen=True, kw_only=True):
    """The follower's own settings, as the server holds them; None is no limit. Points and lots are this broker's."""

    mode: Literal["fix", "multiplier"] = "fix"
    fixed_lot: Decimal = Decimal("0.01")
    multiplier: Decimal = Decimal(1)
    max_slippage_points: int | None = 50
    max_spread_points: int | None = None
    max_orders_per_symbol: int | None = 2
    max_exposure_trades: int | None = 5
    max_exposure_lots: Decimal | None = Decimal(10)
    margin_usd: Decimal | None = None
    leverage: int | None = None
    stop_loss_pct: Decimal = Decimal(0)
    take_profit_pct: Decimal = Decimal(0)
    margin_free_min: Decimal = Decimal(0)
    reverse: bool = False
    symbols: Mapping[str, str] = {}


class Skipped(Struct, frozen=True, kw_only=True):
    """It is not done, and why: the rule, and the numbers it was decided by."""

    rule: str
    reason: str
