"""What the desk tells a copier to do, and how its owner wants it done. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from copydesk.domain.signal import OrderKind
from copydesk.terminal.events import Contract


class Do(StrEnum):
    """The wire's commands. CANCEL: the master took back an order that waited; what it has become here is closed."""

    OPEN = "OPEN"
    MODIFY = "MODIFY"
    CLOSE = "CLOSE"
    CANCEL = "CANCEL"


class Command(Struct, frozen=True, kw_only=True):
    """One command. `bot_id` and `master_ticket` name together what is copied; `type` is the position's direction, or how an order
    waits (BUY_LIMIT): then `price` is its price, `stoplimit` that of the limit it becomes, and `expiration` its end.

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
    stoplimit: Decimal | None = None
    expiration: datetime | None = None

    @property
    def waits(self) -> OrderKind | None:
        """How the order waits that it is about; None where it is about a position."""
        return OrderKind(self.type) if self.type in OrderKind.__members__ else None

    @property
    def side(self) -> str:
        """BUY or SELL."""
        return self.type.partition("_")[0]

    @property
    def ends(self) -> bool:
        """Whether nothing of the ticket, or less of it, should be left."""
        return self.do in {Do.CLOSE, Do.CANCEL}


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
