"""A position is what our own fills opened and have not closed; a trade is a closed round trip."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from copydesk.domain.signal import Direction


class Position(Struct, frozen=True, kw_only=True):
    """Quantity ≥ 0 in base units, prices in quote, `gross_usd` realised so far, fees paid so far (≥ 0)."""

    direction: Direction
    quantity: Decimal
    entry_price: Decimal
    opened_quantity: Decimal
    closed_quantity: Decimal
    closed_value: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    opened_at: datetime


class Trade(Struct, frozen=True, kw_only=True):
    """One round trip; `net_usd` = gross − fees, both sides' fees counted."""

    direction: Direction
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    net_usd: Decimal
    opened_at: datetime
    closed_at: datetime


class Reduction(Struct, frozen=True, kw_only=True):
    """What a closing fill did: the rest (None when flat), the result of this fill before fees, the trade if it ended."""

    position: Position | None
    gross_usd: Decimal
    trade: Trade | None


def unfilled(direction: Direction, at: datetime) -> Position:
    """What an opening under way will make, before anything of it is known."""
    nothing = Decimal(0)
    return Position(
        direction=direction,
        quantity=nothing,
        entry_price=nothing,
        opened_quantity=nothing,
        closed_quantity=nothing,
        closed_value=nothing,
        gross_usd=nothing,
        fees_usd=nothing,
        opened_at=at,
    )


def increase(
    position: Position | None,
    *,
    direction: Direction,
    quantity: Decimal,
    price: Decimal,
    fee_usd: Decimal,
    at: datetime,
) -> Position:
    """Add an opening fill; the entry price is the average by quantity."""
    if position is None:
        return Position(
            direction=direction,
            quantity=quantity,
            entry_price=price,
            opened_quantity=quantity,
            closed_quantity=Decimal(0),
            closed_value=Decimal(0),
            gross_usd=Decimal(0),
            fees_usd=fee_usd,
            opened_at=at,
        )
    total = position.quantity + quantity
    return replace(
        position,
        quantity=total,
        entry_price=(position.quantity * position.entry_price + quantity * price) / total,
        opened_quantity=position.opened_quantity + quantity,
        fees_usd=position.fees_usd + fee_usd,
    )


def reduce(
    position: Position,
    *,
    quantity: Decimal,
    price: Decimal,
    fee_usd: Decimal,
    at: datetime,
    step: Decimal = Decimal(0),
    gross_usd: Decimal | None = None,
) -> Reduction:
    """Take a closing fill off; more than is there counts as what is there, and a rest below one `step` as nothing.

    `gross_usd` is what the fill brought where its venue says so: lots and foreign quotes do not tell it by themselves.
    """
    closed = min(quantity, position.quantity)
    sign = 1 if position.direction is Direction.LONG else -1
    gross = sign * (price - position.entry_price) * closed if gross_usd is None else gross_usd
    rest = replace(
        position,
        quantity=position.quantity - closed,
        closed_quantity=position.closed_quantity + closed,
        closed_value=position.closed_value + closed * price,
        gross_usd=position.gross_usd + gross,
        fees_usd=position.fees_usd + fee_usd,
    )
    if rest.quantity > 0 and rest.quantity >= step:
        return Reduction(position=rest, gross_usd=gross, trade=None)
    exit_price = rest.closed_value / rest.closed_quantity
    average_entry = rest.entry_price
    if gross_usd is None:
        average_entry = exit_price - sign * rest.gross_usd / rest.closed_quantity
    trade = Trade(
        direction=rest.direction,
        quantity=rest.closed_quantity,
        entry_price=average_entry,
        exit_price=exit_price,
        gross_usd=rest.gross_usd,
        fees_usd=rest.fees_usd,
        net_usd=rest.gross_usd - rest.fees_usd,
        opened_at=rest.opened_at,
        closed_at=at,
    )
    return Reduction(position=None, gross_usd=gross, trade=trade)
