"""What really happened, by the account's own deals: volume, price, profit, costs, and why. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from copydesk.terminal.codec import Deal, Entry

PRICE_STEP = Decimal("0.00000001")

CLOSING = frozenset({Entry.OUT, Entry.INOUT, Entry.OUT_BY})

REASONS: Mapping[int, str] = {
    0: "closed by hand in the terminal",
    1: "closed by hand on a phone",
    2: "closed by hand in the web terminal",
    3: "closed by another program",
    4: "stop loss",
    5: "take profit",
    6: "stop out: the margin ran out",
}
"""By the package's DEAL_REASON numbers."""


class Booked(Struct, frozen=True, kw_only=True):
    """In the account's currency; `fee` is what was paid, 0 or more. `profit` is with swap and before the fee."""

    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    reason: str = ""


def closings(deals: Iterable[Deal]) -> Sequence[Deal]:
    return [one for one in deals if one.entry in CLOSING]


def is_closed(deals: Sequence[Deal]) -> bool:
    """As much went out as came in: only then is a position that is not shown known to be gone."""
    opened = sum((one.volume for one in deals if one.entry == Entry.IN), Decimal(0))
    closed = sum((one.volume for one in closings(deals)), Decimal(0))
    return closed > 0 and closed >= opened


def booked(deals: Sequence[Deal]) -> Booked:
    """Of these deals together; why is told by the last one."""
    volume = sum((one.volume for one in deals), Decimal(0))
    if not volume:
        return Booked()
    paid = sum((one.volume * one.price for one in deals), Decimal(0))
    last = deals[-1]
    return Booked(
        volume=volume,
        price=(paid / volume).quantize(PRICE_STEP),
        profit=sum((one.profit + one.swap for one in deals), Decimal(0)),
        fee=max(Decimal(0), -sum((one.commission for one in deals), Decimal(0))),
        reason="closed against another position" if last.entry == Entry.OUT_BY else REASONS.get(last.reason, "closed"),
    )


def share_of(whole: Booked, part: Decimal) -> Booked:
    """Of a position that several tickets share, as a netting account has them."""
    return Booked(
        volume=whole.volume * part,
        price=whole.price,
        profit=(whole.profit * part).quantize(PRICE_STEP),
        fee=(whole.fee * part).quantize(PRICE_STEP),
        reason=whole.reason,
    )
