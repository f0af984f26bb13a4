"""From what the terminal shows now and what was known before: what happened. A pure diff: no terminal, no clock.

Positions are followed by their identifier. What a position shows is believed once the ledger of deals explains it: a
position that is gone without a closing deal is an alarm and no close, for closing what is still open costs followers money.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace

from copydesk.terminal.codec import Deal, Entry, Order, Position
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.memory import Known, Memory, know
from copydesk.terminal.pending import differ_in_waiting, follow_waiting

GRACE = timedelta(seconds=3)
"""So long the ledger may lag behind the positions before a person is told."""

WINDOW_MSC = 60_000
"""Deals are read from so long before the newest one that was seen: times may tie, and come out of order."""

HELD_BACK_MSC = 86_400_000
"""A deal that nothing explains keeps the window open for a day at most."""

REASONS = ("client", "mobile", "web", "expert", "stop_loss", "take_profit", "stop_out", "rollover", "margin", "split")
_CLOSING = {Entry.OUT, Entry.OUT_BY, Entry.INOUT}
_BEFORE_OTHERS = {Kind.PENDING_FILLED: 0, Kind.CLOSE: 1, Kind.PARTIAL_CLOSE: 2}


class Sight(Struct, frozen=True, kw_only=True):
    """One look: `deals` is the window of the ledger, `ended` what history says of orders that are gone."""

    positions: Sequence[Position]
    orders: Sequence[Order]
    deals: Sequence[Deal] = ()
    ended: Mapping[int, Order] = {}
    catching_up: bool = False


class Observation(Struct, frozen=True, kw_only=True):
    memory: Memory
    events: tuple[Event, ...] = ()


class _Step(Struct, frozen=True, kw_only=True):
    """What became of one position: None where it is gone, and the deals that are explained by it."""

    known: Known | None
    explained: Sequence[Deal] = ()
    events: tuple[Event, ...] = ()


def differs(memory: Memory, positions: Sequence[Position], orders: Sequence[Order]) -> bool:
    """Whether there is anything to explain: then the ledger is read at once."""
    if {one.identifier for one in positions} != set(memory.positions):
        return True
    changed = any(_looks_different(memory.positions[one.identifier], one) for one in positions)
    return changed or differ_in_waiting(memory, orders)


def agree(one: Sight | None, other: Sight) -> bool:
    """Two looks with the same positions and orders: what the first after a connection shows is not believed alone."""
    return one is not None and _ids(one) == _ids(other)


def observe(memory: Memory, sight: Sight, at: datetime, *, copies_flashes: bool = False) -> Observation:
    """Events in the order in which they happened, and the memory to keep with them in one transaction."""
    shown = {one.identifier: one for one in sight.positions}
    if memory.is_new:
        memory = replace(memory, is_new=False, deals=_history(shown, sight.deals))
    unseen = _unseen(memory, sight.deals)
    steps: dict[int, _Step] = {}
    for identifier, position in shown.items():
        own, known = unseen.get(identifier, ()), memory.positions.get(identifier)
        steps[identifier] = _first_seen(position, own) if known is None else _still_there(known, position, own, at)
    for identifier, known in memory.positions.items():
        if identifier not in shown:
            steps[identifier] = _gone(known, unseen.get(identifier, ()), at)
    for identifier, own in unseen.items():
        if identifier not in steps and _is_flash(own):
            steps[identifier] = _flash(own, copied=copies_flashes)
    waiting, of_orders = follow_waiting(memory, sight.orders, sight.ended, _filled_orders(sight), at)
    after = _remember(replace(memory, waiting=waiting), steps, sight.deals)
    events = sorted(of_orders + [one for step in steps.values() for one in step.events], key=_moment)
    if sight.catching_up:
        events = [replace(one, catching_up=True) for one in events]
    return Observation(memory=after, events=tuple(events))


def _first_seen(position: Position, own: Sequence[Deal]) -> _Step:
    """Its volume is what the terminal shows, also where a part was closed before anybody looked."""
    known = know(position, position.ticket)
    explained = _explaining(Decimal(0), position.signed, own)
    explained = [one for one in own if one.msc <= position.updated_msc] if explained is None else explained
    return _Step(known=known, explained=explained, events=(_opened(position, known, position.opened_msc),))


def _still_there(known: Known, position: Position, own: Sequence[Deal], at: datetime) -> _Step:
    if position.signed == known.signed:
        late = [one for one in own if one.msc <= known.since_msc]
        explained: Sequence[Deal] | None = late or _explaining(known.signed, position.signed, own)
    else:
        fresh = [one for one in own if one.msc > known.since_msc]
        explained = _explaining(known.signed, position.signed, fresh)
        explained = _explaining(known.signed, position.signed, own) if explained is None else explained
    if explained is None:
        return _unexplained(known, position, at)
    calm = replace(known, unexplained_since=None, alarmed=False)
    if position.signed == known.signed:
        after, events = _levels(calm, position)
        return _Step(known=after, explained=explained, events=events)
    if position.is_buy != known.is_buy:
        return _turned(known, position, explained)
    resized = _resized(known, position, explained[-1])
    after, events = _levels(replace(calm, volume=position.volume), position)
    return _Step(known=after, explained=explained, events=(resized, *events))


def _unexplained(known: Known, position: Position, at: datetime) -> _Step:
    """The volume is not believed (yet); levels have no deals, and are."""
    held, alarms = _doubt(known, at, f"its volume is {position.volume} and was {known.volume}, and no deal says why")
    after, events = _levels(held, position) if position.is_buy == known.is_buy else (held, ())
    return _Step(known=after, events=(*alarms, *events))


def _gone(known: Known, own: Sequence[Deal], at: datetime) -> _Step:
    closing = [one for one in own if one.entry in _CLOSING]
    fresh = [one for one in own if one.msc > known.since_msc]
    is_whole = bool(closing) and 0 in {known.signed + sum(one.signed for one in deals) for deals in (own, fresh)}
    since = known.unexplained_since or at
    if is_whole or (closing and at - since >= GRACE):
        return _Step(known=None, explained=own, events=(_closed(known, closing[-1]),))
    held, alarms = _doubt(known, at, "it is gone, and no deal says that it was closed: nothing is closed for followers")
    return _Step(known=held, events=alarms)


def _doubt(known: Known, at: datetime, problem: str) -> tuple[Known, tuple[Event, ...]]:
    """One alarm, once the grace is over."""
    since = known.unexplained_since or at
    if known.alarmed or at - since < GRACE:
        return replace(known, unexplained_since=since), ()
    alarm = Event(
        kind=Kind.ALARM,
        number=known.number,
        identifier=known.identifier,
        symbol=known.symbol,
        type=known.type,
        detail=at.isoformat(),
        moment_msc=known.since_msc,
        volume=known.volume,
        volume_before=known.volume,
        reason=problem,
    )
    return replace(known, unexplained_since=since, alarmed=True), (alarm,)


def _explaining(before: Decimal, after: Decimal, deals: Sequence[Deal]) -> Sequence[Deal] | None:
    """As many of the deals, from the first on, as lead from the one signed volume to the other; None where none do."""
    sums = list(accumulate((one.signed for one in deals), initial=before))
    fits = [count for count, volume in enumerate(sums) if volume == after]
    return deals[: fits[-1]] if fits else None


def _levels(known: Known, position: Position) -> tuple[Known, tuple[Event, ...]]:
    """Stop and target; a change of them leaves no deal."""
    if (known.sl, known.tp) == (position.sl, position.tp):
        return known, ()
    after = replace(known, sl=position.sl, tp=position.tp, revision=known.revision + 1)
    detail = f"{after.revision}:{position.sl}:{position.tp}"
    event = _event(Kind.MODIFY, after, detail, position.updated_msc)
    return after, (replace(event, volume=position.volume, volume_before=position.volume, price=position.price),)


def _resized(known: Known, position: Position, last: Deal) -> Event:
    grown = position.volume > known.volume
    event = _event(Kind.GROW if grown else Kind.PARTIAL_CLOSE, known, str(last.ticket), last.msc)
    return replace(event, volume=position.volume, price=last.price, reason=_reason(last))


def _turned(known: Known, position: Position, explained: Sequence[Deal]) -> _Step:
    """Netting: a larger opposite deal. The hub hears of a close, and of an opening with a number of its own."""
    last = explained[-1]
    closed = replace(_closed(known, last), reason="reversal")
    number = position.ticket if position.ticket != known.number else last.order
    after = replace(know(position, number), revision=known.revision + 1)
    return _Step(known=after, explained=explained, events=(closed, _opened(position, after, last.msc)))


def _opened(position: Position, known: Known, msc: int) -> Event:
    event = _event(Kind.OPEN, known, str(known.number), msc)
    return replace(
        event, volume=position.volume, volume_before=Decimal(0), price=position.price, comment=position.comment
    )


def _closed(known: Known, last: Deal) -> Event:
    event = _event(Kind.CLOSE, known, str(last.ticket), last.msc)
    return replace(event, volume=Decimal(0), price=last.price, reason=_reason(last))


def _event(kind: Kind, known: Known, detail: str, msc: int) -> Event:
    return Event(
        kind=kind,
        number=known.number,
        identifier=known.identifier,
        symbol=known.symbol,
        type=known.type,
        detail=detail,
        moment_msc=msc,
        volume=known.volume,
        volume_before=known.volume,
        sl=known.sl,
        tp=known.tp,
    )


def _is_flash(own: Sequence[Deal]) -> bool:
    """Opened and closed between two looks: only the ledger knows of it."""
    return any(one.entry == Entry.IN for one in own) and sum(one.signed for one in own) == 0


def _flash(own: Sequence[Deal], *, copied: bool) -> _Step:
    first, last = own[0], own[-1]
    known = Known(
        number=first.position_id,
        identifier=first.position_id,
        symbol=first.symbol,
        is_buy=first.type == 0,
        volume=first.volume,
        sl=Decimal(0),
        tp=Decimal(0),
        since_msc=last.msc,
    )
    closed = _closed(known, last)
    if not copied:
        return _Step(known=None, explained=own, events=(replace(closed, kind=Kind.FLASH),))
    opened = replace(
        _event(Kind.OPEN, known, str(known.number), first.msc), volume_before=Decimal(0), price=first.price
    )
    return _Step(known=None, explained=own, events=(opened, closed))


def _reason(deal: Deal) -> str:
    if deal.entry == Entry.OUT_BY:
        return "close_by"
    return REASONS[deal.reason] if 0 <= deal.reason < len(REASONS) else str(deal.reason)


def _history(shown: Mapping[int, Position], deals: Iterable[Deal]) -> Mapping[int, int]:
    """What was done before anybody looked; the ledger is read a little after the positions, and may tell of more."""
    since = {identifier: one.updated_msc for identifier, one in shown.items()}
    return {one.ticket: one.msc for one in deals if one.msc <= since.get(one.position_id, one.msc)}


def _unseen(memory: Memory, deals: Iterable[Deal]) -> Mapping[int, list[Deal]]:
    """By position, oldest first."""
    found: defaultdict[int, list[Deal]] = defaultdict(list)
    for deal in sorted(deals, key=lambda one: (one.msc, one.ticket)):
        if deal.is_trade and deal.ticket not in memory.deals:
            found[deal.position_id].append(deal)
    return found


def _filled_orders(sight: Sight) -> set[int]:
    """Orders of which something was filled: a position is called by the order that opened it."""
    return {one.identifier for one in sight.positions} | {one.order for one in sight.deals if one.is_trade}


def _remember(memory: Memory, steps: Mapping[int, _Step], deals: Sequence[Deal]) -> Memory:
    explained = {one.ticket: one.msc for step in steps.values() for one in step.explained}
    seen = {**memory.deals, **explained, **{one.ticket: one.msc for one in deals if not one.is_trade}}
    newest = max([memory.watermark_msc, *(one.msc for one in deals)])
    held_back = (one.msc for one in deals if one.ticket not in seen and one.msc > newest - HELD_BACK_MSC)
    watermark = min([newest, *held_back])
    return replace(
        memory,
        positions={identifier: step.known for identifier, step in steps.items() if step.known is not None},
        deals={ticket: msc for ticket, msc in seen.items() if msc >= watermark - WINDOW_MSC},
        watermark_msc=watermark,
    )


def _moment(event: Event) -> tuple[int, int, int]:
    """Of one moment, closes come first: of a close-by, the one that ends before the one that shrinks."""
    return event.moment_msc, _BEFORE_OTHERS.get(event.kind, 3), event.number


def _ids(sight: Sight) -> tuple[set[int], set[int]]:
    return {one.identifier for one in sight.positions}, {one.ticket for one in sight.orders}


def _looks_different(known: Known, position: Position) -> bool:
    shown = (position.signed, position.sl, position.tp)
    return known.unexplained_since is not None or shown != (known.signed, known.sl, known.tp)
