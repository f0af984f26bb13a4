"""The terminal's answers as frozen words of ours, and our requests as the package takes them. Pure.

The package speaks in floats and in C structs; from here on volumes and prices are exact decimals. Times stay what they
are: milliseconds of the trade server's own clock, which is neither UTC nor this machine's.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import IntEnum
from math import isfinite
from typing import Any, TypeVar

from msgspec import Struct

T = TypeVar("T", bound=Struct)

TEXT_MAX = 29
"""Characters of a symbol or comment that the package takes; a longer one is refused by it (5.0.6231)."""

DECIMALS = 10
"""Beyond the tenth decimal of a price or volume there is only a float's own noise."""


class Entry(IntEnum):
    """What a deal did to its position."""

    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class OrderState(IntEnum):
    """How an order ended, or that it has not."""

    STARTED = 0
    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6


ORDER_TYPES = ("BUY", "SELL", "BUY_LIMIT", "SELL_LIMIT", "BUY_STOP", "SELL_STOP", "BUY_STOP_LIMIT", "SELL_STOP_LIMIT")
"""By the package's number; what comes after (close-by) never waits."""

FIRST_WAITING_TYPE = 2

HEDGING = 2
"""The margin mode in which every order is a position of its own."""


class Account(Struct, frozen=True, kw_only=True):
    login: int
    server: str
    name: str
    company: str
    currency: str
    leverage: int
    margin_mode: int
    trade_allowed: bool
    trade_expert: bool
    limit_orders: int
    balance: Decimal
    equity: Decimal
    margin: Decimal
    margin_free: Decimal
    margin_level: Decimal
    """0 where no margin is used: that is no margin call."""
    trade_mode: int = 0
    """2 is real money."""


class Terminal(Struct, frozen=True, kw_only=True):
    connected: bool
    trade_allowed: bool
    tradeapi_disabled: bool
    build: int
    ping_last: int
    path: str
    name: str
    company: str


class Position(Struct, frozen=True, kw_only=True):
    """`identifier` stays for the whole life, `ticket` may change."""

    identifier: int
    ticket: int
    symbol: str
    is_buy: bool
    volume: Decimal
    price: Decimal
    price_current: Decimal
    sl: Decimal
    tp: Decimal
    profit: Decimal
    opened_msc: int
    updated_msc: int
    magic: int
    reason: int
    comment: str

    @property
    def signed(self) -> Decimal:
        """The volume; below zero where it is short."""
        return self.volume if self.is_buy else -self.volume


class Order(Struct, frozen=True, kw_only=True):
    ticket: int
    symbol: str
    type: int
    state: int
    type_time: int
    volume: Decimal
    volume_current: Decimal
    price: Decimal
    stoplimit: Decimal
    sl: Decimal
    tp: Decimal
    expiration: int
    placed_msc: int
    done_msc: int
    position_id: int
    magic: int
    comment: str

    @property
    def waits(self) -> bool:
        """Whether it is a pending order; a market order is seen for a moment too."""
        return FIRST_WAITING_TYPE <= self.type < len(ORDER_TYPES)


class Deal(Struct, frozen=True, kw_only=True):
    ticket: int
    order: int
    position_id: int
    symbol: str
    type: int
    entry: int
    reason: int
    volume: Decimal
    price: Decimal
    profit: Decimal
    commission: Decimal
    swap: Decimal
    msc: int
    magic: int
    comment: str

    @property
    def is_trade(self) -> bool:
        """Not a balance, credit or commission line, which have no position."""
        return self.type in {0, 1} and self.position_id != 0

    @property
    def signed(self) -> Decimal:
        """What it added to its position; below zero where it sold."""
        return self.volume if self.type == 0 else -self.volume


class Symbol(Struct, frozen=True, kw_only=True):
    name: str
    digits: int
    select: bool
    visible: bool
    spread: int
    trade_mode: int
    trade_exemode: int
    trade_stops_level: int
    trade_freeze_level: int
    filling_mode: int
    order_mode: int
    expiration_mode: int
    trade_calc_mode: int
    point: Decimal
    bid: Decimal
    ask: Decimal
    trade_contract_size: Decimal
    trade_tick_size: Decimal
    trade_tick_value: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    volume_limit: Decimal
    currency_base: str
    currency_profit: str
    currency_margin: str
    path: str


class Tick(Struct, frozen=True, kw_only=True):
    time_msc: int
    bid: Decimal
    ask: Decimal
    last: Decimal


class Sent(Struct, frozen=True, kw_only=True):
    """What `order_send` answered; the retcode says whether there is an order."""

    retcode: int
    deal: int
    order: int
    volume: Decimal
    price: Decimal
    bid: Decimal
    ask: Decimal
    comment: str
    request_id: int
    retcode_external: int


class Checked(Struct, frozen=True, kw_only=True):
    """What `order_check` answered; retcode 0 is "Done"."""

    retcode: int
    balance: Decimal
    equity: Decimal
    profit: Decimal
    margin: Decimal
    margin_free: Decimal
    margin_level: Decimal
    comment: str


class Look(Struct, frozen=True, kw_only=True):
    """Everything that one cycle looks at; the account was the same before and after."""

    account: Account
    terminal: Terminal
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]


class OrderRequest(Struct, frozen=True, kw_only=True):
    """One trade request; 0 and "" are what the package takes for a field that is left out."""

    action: int
    symbol: str
    type: int = 0
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    stoplimit: Decimal = Decimal(0)
    sl: Decimal = Decimal(0)
    tp: Decimal = Decimal(0)
    deviation: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration: int = 0
    magic: int = 0
    order: int = 0
    position: int = 0
    position_by: int = 0
    comment: str = ""


def write_request(request: OrderRequest) -> dict[str, Any]:
    """As the package takes it: floats for decimals, whole numbers as they are. Raise ValueError for a text it refuses."""
    for name in ("symbol", "comment"):
        if len(getattr(request, name)) > TEXT_MAX:
            raise ValueError(f"{name}: {getattr(request, name)!r} has more than {TEXT_MAX} characters")
    values = ((name, getattr(request, name)) for name in request.__struct_fields__)
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values}


def exact(value: float) -> Decimal:
    """The decimal that a float of the package's stands for; 0 where it is no number, as for a price that is not there."""
    return Decimal(repr(round(value, DECIMALS))) if isfinite(value) else Decimal(0)


def read_account(raw: Any) -> Account:
    return _read(Account, raw)


def read_terminal(raw: Any) -> Terminal:
    return _read(Terminal, raw)


def read_position(raw: Any) -> Position:
    renamed = {
        "is_buy": raw.type == 0,
        "price": exact(raw.price_open),
        "opened_msc": int(raw.time_msc),
        "updated_msc": int(raw.time_update_msc),
    }
    return _read(Position, raw, **renamed)


def read_order(raw: Any) -> Order:
    renamed = {
        "volume": exact(raw.volume_initial),
        "price": exact(raw.price_open),
        "stoplimit": exact(raw.price_stoplimit),
        "expiration": int(raw.time_expiration),
        "placed_msc": int(raw.time_setup_msc),
        "done_msc": int(raw.time_done_msc),
    }
    return _read(Order, raw, **renamed)


def read_deal(raw: Any) -> Deal:
    return _read(Deal, raw, msc=int(raw.time_msc))


def read_symbol(raw: Any) -> Symbol:
    return _read(Symbol, raw)


def read_tick(raw: Any) -> Tick:
    return _read(Tick, raw)


def read_sent(raw: Any) -> Sent:
    return _read(Sent, raw)


def read_checked(raw: Any) -> Checked:
    return _read(Checked, raw)


def read_positions(raw: Iterable[Any]) -> tuple[Position, ...]:
    return tuple(read_position(one) for one in raw)


def read_orders(raw: Iterable[Any]) -> tuple[Order, ...]:
    return tuple(read_order(one) for one in raw)


def read_deals(raw: Iterable[Any]) -> tuple[Deal, ...]:
    return tuple(read_deal(one) for one in raw)


def _read(kind: type[T], raw: Any, **renamed: Any) -> T:
    """Each field by its own name, but for those that are told; floats become decimals where a decimal is wanted."""
    return kind(
        **{
            name: renamed[name] if name in renamed else _converted(getattr(raw, name), wanted)
            for name, wanted in kind.__annotations__.items()
        }
    )


def _converted(value: Any, wanted: Any) -> Any:
    if wanted is str:
        # Half characters and NULs of a broker's text could not be written, sent or stored.
        return str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return exact(value) if wanted is Decimal else wanted(value)
