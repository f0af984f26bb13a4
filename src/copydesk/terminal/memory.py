"""What the master knew of its account when it last looked; kept in its journal, together with what followed from it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from copydesk.terminal.codec import ORDER_TYPES, Order, Position


class Known(Struct, frozen=True, kw_only=True):
    """A position as it was last told. `number` is what the hub calls it: a netting reversal gives it a new one."""

    number: int
    identifier: int
    symbol: str
    is_buy: bool
    volume: Decimal
    sl: Decimal
    tp: Decimal
    since_msc: int
    revision: int = 0
    unexplained_since: datetime | None = None
    alarmed: bool = False

    @property
    def signed(self) -> Decimal:
        return self.volume if self.is_buy else -self.volume

    @property
    def type(self) -> str:
        return "BUY" if self.is_buy else "SELL"


class Waiting(Struct, frozen=True, kw_only=True):
    """A pending order as it was last told."""

    ticket: int
    symbol: str
    type: str
    volume: Decimal
    price: Decimal
    stoplimit: Decimal
    sl: Decimal
    tp: Decimal
    expiration: int
    revision: int = 0
    missing_since: datetime | None = None
    alarmed: bool = False


class Memory(Struct, frozen=True, kw_only=True):
    """`deals` are those that are explained already, each with its time; older ones than the window are forgotten."""

    positions: Mapping[int, Known] = {}
    waiting: Mapping[int, Waiting] = {}
    deals: Mapping[int, int] = {}
    watermark_msc: int = 0
    is_new: bool = True
    """Nobody has ever looked: every deal of before is history."""


def know(position: Position, number: int) -> Known:
    return Known(
        number=number,
        identifier=position.identifier,
        symbol=position.symbol,
        is_buy=position.is_buy,
        volume=position.volume,
        sl=position.sl,
        tp=position.tp,
        since_msc=position.updated_msc,
    )


def know_order(order: Order, revision: int = 0) -> Waiting:
    return Waiting(
        ticket=order.ticket,
        symbol=order.symbol,
        type=ORDER_TYPES[order.type],
        volume=order.volume,
        price=order.price,
        stoplimit=order.stoplimit,
        sl=order.sl,
        tp=order.tp,
        expiration=order.expiration,
        revision=revision,
    )
