"""Two ledgers of one account compared: what the venue lists and what the desk believes. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import CLIENT_ORDER_PREFIX, ExecutionId, execution_of
from copydesk.domain.instrument import plain
from copydesk.domain.order import OrderReport
from copydesk.domain.signal import LegKind

_THERE = frozenset({State.WORKING, State.PARTIAL, State.FILLED})
"""States that say: the venue has shown this order."""

_OPEN_QUESTION = frozenset({State.SENDING, State.UNKNOWN, State.ABSENT, State.REVIEW})
"""The desk knows that it does not know."""


class Discrepancy(Struct, frozen=True, kw_only=True):
    """One thing that the two tell differently; `what` is one of filled, missing, unknown_order, doubled, position."""

    what: str
    client_order_id: str
    symbol: str
    ours: str
    venues: str


def compare_orders(
    ours: Sequence[Execution], venues: Mapping[str, Sequence[OrderReport]], *, until: datetime
) -> Iterator[Discrepancy]:
    """`venues`: each symbol's orders. Executions frozen after `until` are too young to be compared."""
    listed: dict[ExecutionId, list[OrderReport]] = defaultdict(list)
    symbols: dict[ExecutionId, str] = {}
    for symbol, orders in venues.items():
        for order in orders:
            if order.client_order_id.startswith(CLIENT_ORDER_PREFIX):
                execution_id = execution_of(order.client_order_id)
                listed[execution_id].append(order)
                symbols[execution_id] = symbol
    for execution in ours:
        found = listed.pop(execution.id, [])
        young = execution.frozen_at is None or execution.frozen_at > until
        if not young and execution.state not in _OPEN_QUESTION:
            yield from _compare_one(execution, found)
    for execution_id, orders in listed.items():
        filled = sum((one.executed_quantity for one in orders), Decimal(0))
        yield Discrepancy(
            what="unknown_order",
            client_order_id=orders[0].client_order_id,
            symbol=symbols[execution_id],
            ours="no such execution",
            venues=f"{orders[0].status}, {plain(filled)} filled",
        )


def _compare_one(execution: Execution, found: Sequence[OrderReport]) -> Iterator[Discrepancy]:
    filled = [one for one in found if one.executed_quantity > 0]
    total = sum((one.executed_quantity for one in filled), Decimal(0))
    if not found and execution.state in _THERE:
        yield _about(execution, "missing", "no such order")
    elif execution.kind is LegKind.OPEN and len(filled) > 1:
        yield _about(execution, "doubled", f"{len(filled)} orders, {plain(total)} filled")
    elif total != execution.executed_quantity:
        yield _about(execution, "filled", f"{found[0].status if found else 'no such order'}, {plain(total)} filled")


def compare_position(symbol: str, ours: Decimal, venues: Decimal) -> Iterator[Discrepancy]:
    """One direction of one symbol. More than ours is the follower's own business; less is a position that is gone."""
    if ours > venues:
        yield Discrepancy(what="position", client_order_id="", symbol=symbol, ours=plain(ours), venues=plain(venues))


def _about(execution: Execution, what: str, venues: str) -> Discrepancy:
    return Discrepancy(
        what=what,
        client_order_id=execution.client_order_id or "",
        symbol=execution.symbol,
        ours=f"{execution.state}, {plain(execution.executed_quantity)} filled",
        venues=venues,
    )
