"""What an answer proves, and what became of an order whose answer proves nothing. Pure.

Only the retcodes listed here say that an order does not exist; None, 10011, 10012, 10031 and whatever is not listed are
unknown, and an unknown order is looked for, never sent again.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from copydesk.terminal.codec import Deal, Entry, Order, OrderState, Position, Sent
from copydesk.terminal.frames import Failed

PLACED, DONE, DONE_PARTIAL = 10008, 10009, 10010
NO_CHANGES, POSITION_CLOSED = 10025, 10036
UNSUPPORTED_FILLING = 10030

REFUSED = frozenset(
    {
        10004,  # requote
        10006,  # reject
        10007,  # cancelled by the trader
        10013,  # invalid request
        10014,  # invalid volume
        10015,  # invalid price
        10016,  # invalid stops
        10017,  # trade disabled
        10018,  # market closed
        10019,  # no money
        10020,  # price changed
        10021,  # no quotes
        10022,  # invalid expiration
        10024,  # too many requests
        10026,  # AutoTrading off at the server
        10027,  # AutoTrading off in the terminal
        10028,  # locked
        10029,  # frozen
        10030,  # unsupported filling
        10032,  # only on live accounts
        10033,  # too many waiting orders
        10034,  # too much volume
        10035,  # invalid order
        10038,  # more than the position has
        10039,  # a close order exists already
        10040,  # too many positions
        10042,  # long only
        10043,  # short only
        10044,  # close only
        10045,  # first in, first out
        10046,  # hedging is prohibited
    }
)

AGAIN = frozenset({10004, 10018, 10020, 10021, 10024, 10026, 10027, 10028, 10029})
"""Refusals that pass: prices move, markets open, buttons are pressed. While the command is fresh, a new order may be tried."""

CLOSING_AGAIN = AGAIN | {10006, POSITION_CLOSED}
"""A dealer's no leaves the follower in the market; of a position that is closed already the deals tell what became of it."""


class Verdict(StrEnum):
    """What is certain after an answer. MET: what was wanted is so already."""

    DONE = "done"
    MET = "met"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Found(Struct, frozen=True, kw_only=True):
    """What the account shows of one order of ours; `order` is its ticket."""

    volume: Decimal
    price: Decimal
    position_id: int
    still_waits: bool = False
    order: int = 0


def judge(answer: Sent | Failed) -> Verdict:
    if isinstance(answer, Failed):
        return Verdict.REFUSED if answer.nothing_was_sent else Verdict.UNKNOWN
    if answer.retcode in {PLACED, DONE, DONE_PARTIAL}:
        return Verdict.DONE
    if answer.retcode in {NO_CHANGES, POSITION_CLOSED}:
        return Verdict.MET
    return Verdict.REFUSED if answer.retcode in REFUSED else Verdict.UNKNOWN


def look_for(
    magic: int, *, positions: Iterable[Position], orders: Iterable[Order], past: Iterable[Order], deals: Iterable[Deal]
) -> Found | None:
    """By its own number, in everything that was read; None where nothing carries it. `past` is the history of orders."""
    own_deals = _own_deals(magic, deals)
    if own_deals:
        volume = sum((one.volume for one in own_deals), Decimal(0))
        paid = sum((one.volume * one.price for one in own_deals), Decimal(0))
        last = own_deals[-1]
        return Found(volume=volume, price=paid / volume, position_id=last.position_id, order=last.order)
    for position in positions:
        if position.magic == magic:
            number = position.identifier
            return Found(volume=position.volume, price=position.price, position_id=number, order=number)
    for order in orders:
        if order.magic == magic:
            return _as_found(order, Decimal(0), still_waits=True)
    for order in past:
        if order.magic == magic and (order.waits or order.state in {OrderState.FILLED, OrderState.PARTIAL}):
            return _as_found(order, order.volume - order.volume_current)
    return None


def _as_found(order: Order, volume: Decimal, *, still_waits: bool = False) -> Found:
    return Found(
        volume=volume, price=order.price, position_id=order.position_id, still_waits=still_waits, order=order.ticket
    )


def _own_deals(magic: int, deals: Iterable[Deal]) -> list[Deal]:
    """A stop that triggers carries its position's number too: of an order that opened, only what it opened counts."""
    own = [one for one in deals if one.magic == magic]
    return [one for one in own if one.entry == Entry.IN] or own
