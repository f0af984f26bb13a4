"""Positions, orders and deals as the server keeps them; times are milliseconds of the server's clock."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.metatrader5.broker.words import (
    DealType,
    Entry,
    Filling,
    Lifetime,
    OrderState,
    OrderType,
    Reason,
)

NOTHING = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Position:
    """``ticket`` may change when a netting position turns, ``identifier`` never does."""

    ticket: int
    identifier: int
    symbol: str
    is_buy: bool
    volume: Decimal
    price_open: Decimal
    time_msc: int
    time_update_msc: int
    sl: Decimal = NOTHING
    tp: Decimal = NOTHING
    swap: Decimal = NOTHING
    magic: int = 0
    reason: Reason = Reason.CLIENT
    comment: str = ""


@dataclass(slots=True, kw_only=True)
class Order:
    ticket: int
    symbol: str
    type: OrderType
    volume_initial: Decimal
    volume_current: Decimal
    price: Decimal
    time_setup_msc: int
    price_stoplimit: Decimal = NOTHING
    sl: Decimal = NOTHING
    tp: Decimal = NOTHING
    time_done_msc: int = 0
    expiration_s: int = 0
    lifetime: Lifetime = Lifetime.GTC
    filling: Filling = Filling.FOK
    state: OrderState = OrderState.STARTED
    magic: int = 0
    position_id: int = 0
    position_by_id: int = 0
    reason: Reason = Reason.CLIENT
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """Balance operations are deals too: type BALANCE, no order, no position, no symbol."""

    ticket: int
    time_msc: int
    type: DealType
    order: int = 0
    entry: Entry = Entry.IN
    magic: int = 0
    position_id: int = 0
    reason: Reason = Reason.CLIENT
    volume: Decimal = NOTHING
    price: Decimal = NOTHING
    commission: Decimal = NOTHING
    swap: Decimal = NOTHING
    profit: Decimal = NOTHING
    symbol: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One trade request as it came, prices and volumes exact."""

    action: int
    symbol: str = ""
    volume: Decimal = NOTHING
    price: Decimal = NOTHING
    stoplimit: Decimal = NOTHING
    sl: Decimal = NOTHING
    tp: Decimal = NOTHING
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration: int = 0
    magic: int = 0
    order: int = 0
    position: int = 0
    position_by: int = 0
    comment: str = ""
    reason: Reason = Reason.EXPERT


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    order: int = 0
    deal: int = 0
    volume: Decimal = NOTHING
    price: Decimal = NOTHING
    partial: bool = False
