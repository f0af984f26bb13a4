"""Pending orders between two looks: placed, changed, filled, taken back. Pure, as the observer is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from copydesk.terminal.codec import Order, OrderState
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.memory import Memory, Waiting, know_order

GRACE = timedelta(seconds=3)

_FILLED = {OrderState.FILLED, OrderState.PARTIAL}
_REMOVED: Mapping[int, str] = {
    OrderState.CANCELED: "cancelled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
}


def differ_in_waiting(memory: Memory, orders: Sequence[Order]) -> bool:
    shown = {one.ticket: one for one in orders if one.waits}
    if shown.keys() != memory.waiting.keys():
        return True
    return any(
        know_order(one, memory.waiting[ticket].revision) != memory.waiting[ticket] for ticket, one in shown.items()
    )


def follow_waiting(
    memory: Memory, orders: Sequence[Order], ended: Mapping[int, Order], filled: Collection[int], at: datetime
) -> tuple[Mapping[int, Waiting], list[Event]]:
    """`ended` is what history says of the orders that are gone, `filled` those that the positions or deals tell of."""
    shown = {one.ticket: one for one in orders if one.waits}
    waiting: dict[int, Waiting] = {}
    events: list[Event] = []
    for ticket, order in shown.items():
        waiting[ticket], told = _shown(memory.waiting.get(ticket), order)
        events += told
    for ticket, known in memory.waiting.items():
        if ticket not in shown:
            left, told = _gone(known, ended.get(ticket), at, was_filled=ticket in filled)
            waiting |= {} if left is None else {ticket: left}
            events += told
    return waiting, events


def _shown(known: Waiting | None, order: Order) -> tuple[Waiting, list[Event]]:
    if known is None:
        placed = know_order(order)
        return placed, [replace(_event(Kind.PENDING, placed, "placed", order.placed_msc), comment=order.comment)]
    same = know_order(order, known.revision)
    if same == replace(known, missing_since=None, alarmed=False):
        return same, []
    changed = replace(same, revision=known.revision + 1)
    return changed, [_event(Kind.PENDING_MODIFY, changed, str(changed.revision), order.placed_msc)]


def _gone(known: Waiting, past: Order | None, at: datetime, *, was_filled: bool) -> tuple[Waiting | None, list[Event]]:
    """What fills becomes a position with the order's ticket: that one is told of by itself."""
    if was_filled or (past is not None and past.state in _FILLED):
        return None, [_event(Kind.PENDING_FILLED, known, "filled", 0 if past is None else past.done_msc)]
    if past is not None and past.state in _REMOVED:
        removed = _event(Kind.PENDING_REMOVE, known, "removed", past.done_msc)
        return None, [replace(removed, reason=_REMOVED[past.state])]
    since = known.missing_since or at
    if known.alarmed or at - since < GRACE:
        return replace(known, missing_since=since), []
    problem = "it is gone, and the history does not say what became of it: nothing is removed for followers"
    alarm = replace(_event(Kind.ALARM, known, at.isoformat(), 0), reason=problem)
    return replace(known, missing_since=since, alarmed=True), [alarm]


def _event(kind: Kind, known: Waiting, detail: str, msc: int) -> Event:
    return Event(
        kind=kind,
        number=known.ticket,
        identifier=known.ticket,
        symbol=known.symbol,
        type=known.type,
        detail=detail,
        moment_msc=msc,
        volume=known.volume,
        volume_before=known.volume,
        price=known.price,
        stoplimit=known.stoplimit,
        sl=known.sl,
        tp=known.tp,
        expiration=known.expiration,
    )
