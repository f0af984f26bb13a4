"""What the venue keeps: orders, conditional (algo) orders, fills. Plain data, so that it can be stored as it is."""

from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)
OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED"})
OPEN_ALGO_STATUSES = frozenset({"NEW", "TRIGGERING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One change of an order's price or quantity."""

    amendment_id: int
    time_ms: int
    price_before: Decimal
    price: Decimal
    quantity_before: Decimal
    quantity: Decimal
    modify_id: int | None = None


@dataclass(slots=True, kw_only=True)
class Order:
    order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal
    time_ms: int
    update_ms: int
    price: Decimal = ZERO
    time_in_force: str = "GTC"
    reduce_only: bool = False
    close_position: bool = False
    status: str = "NEW"
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    orig_type: str = ""
    stop_price: Decimal = ZERO
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    algo_id: int | None = None
    hidden_until_ms: int = 0
    prevention: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0
    forced: str = ""  # LIQUIDATION, ADL or SETTLEMENT: an order of the venue, not of the account's owner
    amendments: list[Amendment] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def average(self) -> Decimal:
        return self.quote / self.executed if self.executed else ZERO


@dataclass(slots=True, kw_only=True)
class Algo:
    """A conditional order. Its moves: NEW, TRIGGERING, TRIGGERED, FINISHED; or CANCELED, REJECTED, EXPIRED."""

    algo_id: int
    client_algo_id: str
    account: str
    symbol: str
    side: str
    position_side: str
    type: str
    time_ms: int
    update_ms: int
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    trigger_price: Decimal = ZERO
    time_in_force: str = "GTC"
    working_type: str = "CONTRACT_PRICE"
    reduce_only: bool = False
    close_position: bool = False
    price_protect: bool = False
    activate_price: Decimal = ZERO
    callback_rate: Decimal = ZERO
    status: str = "NEW"
    order_id: int | None = None
    trigger_ms: int = 0
    extreme: Decimal = ZERO
    reason: str = ""
    hidden_until_ms: int = 0
    prevention: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_ALGO_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    trade_id: int
    order_id: int
    account: str
    symbol: str
    side: str
    position_side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    realized: Decimal
    maker: bool
    time_ms: int
    fee_asset: str = "USDT"

    @property
    def signed(self) -> Decimal:
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """A change of the wallet that no fill explains: TRANSFER, FUNDING_FEE, INSURANCE_CLEAR."""

    tran_id: int
    kind: str
    amount: Decimal
    time_ms: int
    symbol: str = ""
    asset: str = "USDT"
    info: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginChange:
    """Isolated margin added (1) or taken back (2)."""

    symbol: str
    position_side: str
    kind: int
    amount: Decimal
    time_ms: int
