"""What a watched account did, in our words. Pure."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """One kind a thing that can happen; only some are signals, and messages.py says which."""

    OPEN = "open"
    GROW = "grow"
    MODIFY = "modify"
    PARTIAL_CLOSE = "partial_close"
    CLOSE = "close"
    PENDING = "pending"
    PENDING_MODIFY = "pending_modify"
    PENDING_REMOVE = "pending_remove"
    PENDING_FILLED = "pending_filled"
    FLASH = "flash"
    ALARM = "alarm"


class Contract(Struct, frozen=True, kw_only=True):
    """What one lot of the symbol is at the master's broker: followers' brokers may count otherwise."""

    size: Decimal
    digits: int
    currency_base: str
    currency_profit: str


class Event(Struct, frozen=True, kw_only=True):
    """`number` is the ticket that the hub knows, `identifier` the position's (or order's) own for its whole life.

    `detail` tells it apart from others of its kind on the same position. `moment_msc` is by the server's clock.
    `catching_up`: it happened while nobody watched. Of an order that waits, `expiration` is by the server's clock and
    `expires_at` by ours, where that is known; `nets`: its account has one position a symbol.
    """

    kind: Kind
    number: int
    identifier: int
    symbol: str
    type: str
    detail: str
    moment_msc: int
    volume: Decimal = Decimal(0)
    volume_before: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    stoplimit: Decimal = Decimal(0)
    sl: Decimal = Decimal(0)
    tp: Decimal = Decimal(0)
    expiration: int = 0
    expires_at: datetime | None = None
    nets: bool = False
    reason: str = ""
    comment: str = ""
    contract: Contract | None = None
    catching_up: bool = False

    @property
    def fraction(self) -> Decimal:
        """Of what there was, the part that was closed."""
        return (self.volume_before - self.volume) / self.volume_before if self.volume_before else Decimal(0)
