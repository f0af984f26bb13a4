"""An order as the engine asks for it and as a venue shows it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from copydesk.domain.signal import Direction, LegKind, Side


class NewOrder(Struct, frozen=True, kw_only=True):
    """What should be sent: a market order, or (with `trigger_price`) a conditional one that becomes a market order.

    `direction` is the position it belongs to; `reduce_only` may only make that position smaller. `inputs` is what its plan went
    by and `expires_at` until when it may leave, for venues where the size is worked out later.
    """

    client_order_id: str
    symbol: str
    leg: LegKind
    side: Side
    direction: Direction
    quantity: Decimal
    reduce_only: bool
    trigger_price: Decimal | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


class FrozenRequest(Struct, frozen=True, kw_only=True):
    """The one request that may ever leave for an attempt: its parameters with their timestamp, and their hash.

    `settle_at` is the earliest moment at which "not found" can mean "not placed".
    """

    params: Mapping[str, str]
    conditional: bool
    frozen_at: datetime
    settle_at: datetime
    request_hash: str


class OrderRef(Struct, frozen=True, kw_only=True):
    """How to ask a venue about an order of ours; the venue's own id is known once it has shown the order.

    `params` is the request that was frozen, and `others` the venue's ids of our other orders on the account and symbol, for
    venues that keep no id of ours and find an order by what it is.
    """

    symbol: str
    client_order_id: str
    conditional: bool
    placed_at: datetime
    exchange_order_id: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


class OrderStatus(StrEnum):
    """A venue's words, reduced to what the engine must tell apart."""

    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderReport(Struct, frozen=True, kw_only=True):
    """What a venue shows of one order; `fee_usd` is None where it does not tell.

    `reason` is the venue's word for how it ended; `gross_usd` what a close brought before fees, where the venue tells it (else
    prices do); `needs_person`: it stands, for `reason`, and nobody but a person will find out what becomes of it; `plan` how the venue worked out the size. `base_fee` is the part of the bought coins that a spot venue keeps as its fee (its value is in `fee_usd` too).
    """

    status: OrderStatus
    exchange_order_id: str
    client_order_id: str
    executed_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    fee_usd: Decimal | None = None
    base_fee: Decimal = Decimal(0)
    gross_usd: Decimal | None = None
    reason: str | None = None
    needs_person: bool = False
    plan: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, object] = field(default_factory=dict)


def together(latest: OrderReport, earlier: OrderReport) -> OrderReport:
    """Two orders that were made for one: the later one, with the fills of both."""
    executed = latest.executed_quantity + earlier.executed_quantity
    prices = [(one.executed_quantity, one.average_price) for one in (latest, earlier) if one.average_price is not None]
    value = sum((quantity * price for quantity, price in prices), Decimal(0))
    fees = [one.fee_usd for one in (latest, earlier) if one.fee_usd is not None]
    return replace(
        latest,
        executed_quantity=executed,
        average_price=value / executed if executed > 0 else None,
        fee_usd=sum(fees, Decimal(0)) if fees else None,
        base_fee=latest.base_fee + earlier.base_fee,
    )
