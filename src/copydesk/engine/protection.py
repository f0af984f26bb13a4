"""Stops and targets as executions of their own: placed after the fill, resized, and cancelled with their position."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.execution import Execution, State
from copydesk.domain.guards import Refusal
from copydesk.domain.ids import ExecutionId, new_id
from copydesk.domain.instrument import plain, round_down
from copydesk.domain.planning import trigger_price
from copydesk.domain.signal import LegKind, Side
from copydesk.engine.making import CLOSE_FRESHNESS, Freezer, FreezerSource, ready_to_send, skipped
from copydesk.ports.store import Transaction

COINS_LOCKED = Refusal(
    reason="The stop loss locks the coins that a target would sell: this venue holds one of them", rule="coins_locked"
)

_PERCENT_OF = {LegKind.STOP_LOSS: "stop_loss_pct", LegKind.TAKE_PROFIT: "take_profit_pct"}


def is_wanted(opened: Execution) -> bool:
    """Whether its plan has a stop or a target."""
    inputs = opened.plan.get("inputs")
    return isinstance(inputs, dict) and any(Decimal(inputs.get(name, 0)) != 0 for name in _PERCENT_OF.values())


def protect(
    tables: Transaction, opened: Execution, filled: Decimal, *, at: datetime, freezer: FreezerSource
) -> list[Execution]:
    """Write down the stop and target of what an opening has filled, with its own quantity and its own entry price.

    One that met the opposite position and left nothing of its own has nothing to protect; and what that position had for its
    protection would close what comes next.
    """
    if filled <= 0 or opened.executed_price is None:
        return []
    held = tables.positions.get(opened.subscription_id, opened.symbol)
    if held is None or held.direction is opened.direction:
        standing = tables.executions.protections(opened.subscription_id, opened.symbol)
        want_cancelled(tables, [one for one in standing if one.direction is not opened.direction], at)
    if held is None or held.direction is not opened.direction:
        return []
    planned = list(_protections(opened, opened.executed_price, filled, at))
    return _send_all(tables, planned, freezer(), note="placed after the fill") if planned else []


def protect_again(tables: Transaction, after: Execution, *, at: datetime, freezer: FreezerSource) -> list[Execution]:
    """Spot: coins were freed for a close; what is still held once it has ended gets its stop back."""
    taken_away = [one for one in map(tables.executions.get, freed_by(after)) if one is not None]
    held = tables.positions.get(after.subscription_id, after.symbol) if taken_away else None
    if held is None:
        return []
    before = held.quantity + after.executed_quantity
    again = list(_resized(taken_away, after, held.quantity, before, at))
    return _send_all(tables, again, freezer(), note=f"placed again for {plain(held.quantity)} after a close")


def free_coins(tables: Transaction, close: Execution, at: datetime) -> Execution | None:
    """Spot: a standing stop locks what a close would sell. The close as it waits for that, or None to go on."""
    standing = tables.executions.protections(close.subscription_id, close.symbol)
    if not standing:
        return None
    want_cancelled(tables, standing, at)
    freed = list(dict.fromkeys([*freed_by(close), *(one.id for one in standing)]))
    plan = {**close.plan, "freed": freed}
    return replace(close, state=State.QUEUED, reason="Waits until the stop lets go of the coins", plan=plan)


def freed_by(close: Execution) -> list[ExecutionId]:
    """The stops and targets that were taken away so that this close could sell."""
    freed = close.plan.get("freed")
    return [ExecutionId(one) for one in freed] if isinstance(freed, list) else []


def _send_all(tables: Transaction, planned: Sequence[Execution], frozen_by: Freezer, *, note: str) -> list[Execution]:
    """A coin can be locked once: where a stop loss locks it, the target beside it is left out, and says so."""
    planned = _under_free_numbers(tables, planned)
    crowded = frozen_by.venue.traits.is_spot and any(one.kind is LegKind.STOP_LOSS for one in planned)
    targets = [one for one in planned if crowded and one.kind is LegKind.TAKE_PROFIT]
    made = [ready_to_send(one, frozen_by) for one in planned if one not in targets]
    tables.executions.add([*made, *(skipped(one, COINS_LOCKED) for one in targets)], note=note)
    return made


def adjust(tables: Transaction, closed: Execution, *, at: datetime, freezer: FreezerSource) -> list[Execution]:
    """After a closing fill (or a stop's change): mark stops for cancelling, write down smaller ones in their place.

    The cancels are the reconciler's next look.
    """
    standing = tables.executions.protections(closed.subscription_id, closed.symbol)
    if not standing:
        return []
    held = tables.positions.get(closed.subscription_id, closed.symbol)
    if held is None:
        want_cancelled(tables, standing, at)
        return []
    if closed.is_protection:
        if closed.state is State.FILLED:
            pair = (closed.signal_id, _number(closed))
            siblings = [one for one in standing if (one.signal_id, _number(one)) == pair and one.id != closed.id]
            want_cancelled(tables, siblings, at)
        return []
    if closed.executed_quantity <= 0 or freed_by(closed):
        return []
    resized = list(_resized(standing, closed, held.quantity, held.quantity + closed.executed_quantity, at))
    note = f"resized to {plain(held.quantity)} after a partial close"
    smaller = _send_all(tables, resized, freezer(), note=note)
    want_cancelled(tables, standing, at)
    return smaller


def _under_free_numbers(tables: Transaction, planned: Sequence[Execution]) -> Sequence[Execution]:
    """Under numbers that no stop or target of this signal and subscription has; a stop and its target keep one number.

    Some are there already where an opening was filled in parts, and where a reversal's close left something: that got stops of
    the same signal before its opening was known.
    """
    if not planned:
        return planned
    signal_id, subscription_id = planned[0].signal_id, planned[0].subscription_id
    legs = (leg.partition(":") for _, leg in tables.executions.legs(signal_id, [subscription_id]))
    taken = {number for kind, _, number in legs if kind in _PERCENT_OF}
    free = (number for number in itertools.chain([""], map(str, itertools.count(2))) if number not in taken)
    numbers = {number: next(free) for number in dict.fromkeys(map(_number, planned))}
    return [replace(one, leg=_leg(one.kind, numbers[_number(one)])) for one in planned]


def _leg(kind: LegKind, number: str) -> str:
    return f"{kind.value}:{number}" if number else kind.value


def _protections(opened: Execution, entry: Decimal, filled: Decimal, at: datetime) -> Iterator[Execution]:
    inputs = opened.plan["inputs"]
    if not isinstance(inputs, dict):
        return
    for kind, name in _PERCENT_OF.items():
        percent = Decimal(inputs.get(name, 0))
        if percent == 0:
            continue
        price = trigger_price(kind, entry, opened.direction, percent, Decimal(inputs["price_tick"]))
        rule = f"{plain(percent)} % from the entry price, on the venue's tick"
        numbers = {"entry_price": plain(entry), "trigger_price": plain(price), "percent": plain(percent)}
        if price > 0:
            plan = {"rule": rule, "inputs": {"quantity_step": inputs["quantity_step"]}, "numbers": numbers}
            received = filled - opened.base_fee
            quantity = round_down(received, Decimal(inputs["quantity_step"])) if opened.base_fee else received
            yield _conditional(opened, kind.value, quantity, price, plan, at)


def _resized(
    standing: Sequence[Execution], closed: Execution, held: Decimal, before: Decimal, at: datetime
) -> Iterator[Execution]:
    """Each stop's share of what is still held, in whole steps, nothing left over; a stop and its target keep one number.

    What a stop has sold already it protects no more.
    """
    kept = [one for one in standing if (one.is_final or not one.cancel_wanted) and _left(one) > 0]
    pairs = list(dict.fromkeys((one.signal_id, _number(one)) for one in kept))
    for kind in _PERCENT_OF:
        stops = [one for one in kept if one.kind is kind]
        shares = _shares(stops, held, before)
        for one, quantity in zip(stops, shares, strict=True):
            leg = _leg(kind, str(pairs.index((one.signal_id, _number(one))) + 1))
            if quantity > 0 and one.trigger_price is not None:
                yield _conditional(closed, leg, quantity, one.trigger_price, one.plan, at)


def _shares(stops: Sequence[Execution], held: Decimal, before: Decimal) -> list[Decimal]:
    """In proportion, rounded down; what rounding took from the others is the last one's."""
    if not stops:
        return []
    inputs = stops[0].plan["inputs"]
    step = Decimal(inputs["quantity_step"]) if isinstance(inputs, dict) else Decimal(1)
    wanted = [_left(one) for one in stops]
    shares = [round_down(quantity * held / before, step) for quantity in wanted]
    shares[-1] += round_down(sum(wanted, Decimal(0)) * held / before, step) - sum(shares, Decimal(0))
    return shares


def _left(stop: Execution) -> Decimal:
    return (stop.requested_quantity or Decimal(0)) - stop.executed_quantity


def _number(execution: Execution) -> str:
    """What stands behind the leg's colon: a stop and its target carry the same."""
    return execution.leg.partition(":")[2]


def _conditional(
    parent: Execution, leg: str, quantity: Decimal, price: Decimal, plan: object, at: datetime
) -> Execution:
    return replace(
        parent,
        id=ExecutionId(new_id(at)),
        leg=leg,
        side=Side.closing(parent.direction),
        state=State.PLANNED,
        version=1,
        reason=None,
        plan=plan if isinstance(plan, dict) else {},
        requested_quantity=quantity,
        executed_quantity=Decimal(0),
        executed_price=None,
        fee_usd=Decimal(0),
        base_fee=Decimal(0),
        trigger_price=price,
        fraction=Decimal(1),
        exchange_order_id=None,
        client_order_id=None,
        attempt=1,
        request=None,
        request_hash=None,
        frozen_at=None,
        settle_at=None,
        expires_at=at + CLOSE_FRESHNESS,
        absent_seen=0,
        next_look_at=None,
        cancel_wanted=False,
        execution_time_ms=None,
        created_at=at,
        updated_at=at,
    )


def want_cancelled(tables: Transaction, standing: Sequence[Execution], at: datetime) -> None:
    """The wish is stored first; the cancel itself may be repeated, an order already gone is as good."""
    for one in standing:
        if not one.cancel_wanted:
            tables.executions.move(one, replace(one, cancel_wanted=True, next_look_at=at), at=at)
