"""MetaTrader 5 terminals as the programs beside them report them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct, convert

from copydesk.domain.ids import UserId

SILENT_AFTER = timedelta(seconds=90)
"""One missed report (they come every 60 s) and half of the next one's time: then a terminal counts as disconnected."""


class TerminalRole(StrEnum):
    """What stands beside the terminal: a Master Sender watches it, a Client Copier trades on it."""

    MASTER = "master"
    COPIER = "copier"


class Terminal(Struct, frozen=True, kw_only=True):
    """One login of one user, as it was last heard of; `login` is 0 while nobody is logged in.

    `figures` are what the report told beside this: balance, equity, margin, positions (client/terminals.py names them).
    """

    user_id: UserId
    role: TerminalRole
    login: int
    server: str
    connected: bool
    figures: Mapping[str, object]
    reported_at: datetime

    def is_connected(self, now: datetime) -> bool:
        return self.connected and now - self.reported_at <= SILENT_AFTER


class CopyMode(StrEnum):
    """`fix`: always the same lots; `multiplier`: the master's lots times a factor."""

    FIX = "fix"
    MULTIPLIER = "multiplier"


class TradeCopy(Struct, frozen=True, kw_only=True):
    """How a Client Copier sizes and guards, held by the server for each user; None is no limit.

    Lots and factors; points are the symbol's own; orders per symbol count positions and pending orders together.
    """

    mode: CopyMode = CopyMode.FIX
    fixed_lot: Decimal = Decimal("0.01")
    multiplier: Decimal = Decimal("1.0")
    max_slippage_points: int | None = 50
    max_spread_points: int | None = None
    max_orders_per_symbol: int | None = 2
    max_exposure_trades: int | None = 5
    max_exposure_lots: Decimal | None = Decimal("10.0")


def trade_copy_of(config: Mapping[str, Any]) -> TradeCopy:
    """Out of a user's stored configuration; what is not chosen there is as above."""
    return convert(config.get("trade_copy", {}), TradeCopy, strict=False)
