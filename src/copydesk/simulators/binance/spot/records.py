"""What spot keeps: orders, fills, order lists. Plain data, so that it can be stored as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED"})
LIMIT_TYPES = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
STOP_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})

MOVES: Mapping[str, frozenset[str]] = {
    "NEW": frozenset({"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"}),
    "PARTIALLY_FILLED": frozenset({"PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"}),
    "FILLED": frozenset(),
    "CANCELED": frozenset(),
    "EXPIRED": frozenset(),
}


@dataclass(slots=True, kw_only=True)
class Order:
    """``locked`` is what of the wallet still waits for it; ``working_ms`` is -1 until a stop has triggered."""

    order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: str
    type: str
    quantity: Decimal
    time_ms: int
    update_ms: int
    price: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    stop_price: Decimal = ZERO
    trailing_delta: int = 0
    time_in_force: str = "GTC"
    status: str = "NEW"
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    locked: Decimal = ZERO
    working_ms: int = -1
    extreme: Decimal = ZERO
    trailing_ms: int = -1
    list_id: int = -1
    hidden_until_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_buy(self) -> bool:
        return self.side == "BUY"

    @property
    def is_limit(self) -> bool:
        return self.type in LIMIT_TYPES

    @property
    def is_stop(self) -> bool:
        return self.type in STOP_TYPES

    @property
    def is_working(self) -> bool:
        return self.working_ms >= 0

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    trade_id: int
    order_id: int
    list_id: int
    account: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time_ms: int


@dataclass(slots=True, kw_only=True)
class OrderList:
    """One cancels the other: two orders that share one locked amount."""

    list_id: int
    client_list_id: str
    account: str
    symbol: str
    order_ids: list[int]
    time_ms: int
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """``quantity`` or ``quote_quantity`` is 0, never both."""

    symbol: str
    side: str
    type: str
    quantity: Decimal
    quote_quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    trailing_delta: int = 0
    time_in_force: str = "GTC"
    client_id: str | None = None
    answer: str = "ACK"

    @property
    def is_limit(self) -> bool:
        return self.type in LIMIT_TYPES

    @property
    def is_stop(self) -> bool:
        return self.type in STOP_TYPES
