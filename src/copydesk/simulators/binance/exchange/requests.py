"""What is wanted of the venue: an order, or a conditional one."""

from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.binance.exchange.records import ZERO

CONDITIONAL_TYPES = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
LIMIT_TYPES = frozenset({"LIMIT", "STOP", "TAKE_PROFIT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal
    price: Decimal = ZERO
    time_in_force: str = "GTC"
    reduce_only: bool | None = None
    client_id: str | None = None
    answer: str = "ACK"
    prevention: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0

    @property
    def is_market(self) -> bool:
        return self.type == "MARKET"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoRequest:
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    time_in_force: str
    working_type: str
    reduce_only: bool | None
    close_position: bool
    price_protect: bool
    activate_price: Decimal
    callback_rate: Decimal
    client_id: str | None
    prevention: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till_ms: int = 0

    @property
    def is_limit(self) -> bool:
        return self.type in LIMIT_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendRequest:
    side: str
    quantity: Decimal
    price: Decimal
    price_match: str = "NONE"
    reduce_only: bool | None = None
    modify_id: int | None = None
