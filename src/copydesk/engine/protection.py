"""Stops and targets as executions of their own: placed after the fill, resized, and cancelled with their position."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import ExecutionId, new_id
from copydesk.domain.instrument import plain, round_down
from copydesk.domain.planning import trigger_price
from copydesk.domain.signal import LegKind, Side
from copydesk.engine.making import CLOSE_FRESHNESS, FreezerSource, ready_to_send
from copydesk.ports.store import Transaction

_PERCENT_OF = {LegKind.STOP_LOSS: "stop_loss_pct", LegKind.TAKE_PROFIT: "take_profit_pct"}


def protect(tables: Transaction, opened: Execution, *, at: datetime, freezer: FreezerSource) -> list[Execution]:
    """Write down the stop and target of a filled opening, with its own quantity and its own entry price."""
    if opened.executed_quantity <= 0 or opened.executed_price is None:
        return []
    planned = list(_protections(opened, opened.executed_price, at))
    if not planned:
        return []
    frozen_by = freezer()
    made = [ready_to_send(one, frozen_by) for one in planned]
    tables.executions.add(made, note="placed after the fill")
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
        _want_cancelled(tables, standing, at)
        return []
    if closed.is_protection:
        if closed.state is State.FILLED:
            pair = (closed.signal_id, _number(closed))
            siblings = [one for one in standing if (one.signal_id, _number(one)) == pair and one.id != closed.id]
            _want_cancelled(tables, siblings, at)
        return []
    if closed.executed_quantity <= 0:
        return []
    frozen_by = freezer()
    smaller = [ready_to_send(one, frozen_by) for one in _resized(standing, closed, held.quantity, at)]
    tables.executions.add(smaller, note=f"resized to {plain(held.quantity)} after a partial close")
    _want_cancelled(tables, standing, at)
    return smaller


def _protections(opened: Execution, entry: Decimal, at: datetime) -> Iterator[Execution]:
    inputs = opened.plan["inputs"]
    if not isinstance(inputs, dict):
        return
    for kind, name in _PERCENT_OF.items():
        percent = Decimal(inputs[name])
        if percent == 0:
            continue
        price = trigger_price(kind, entry, opened.direction, percent, Decimal(inputs["price_tick"]))
        rule = f"{plain(percent)} % from the entry price, on the venue's tick"
        numbers = {"entry_price": plain(entry), "trigger_price": plain(price), "percent": plain(percent)}
        if price > 0:
            plan = {"rule": rule, "inputs": {"quantity_step": inputs["quantity_step"]}, "numbers": numbers}
            yield _conditional(opened, kind.value, opened.executed_quantity, price, plan, at)


def _resized(standing: Sequence[Execution], closed: Execution, held: Decimal, at: datetime) -> Iterator[Execution]:
    """Each stop's share of what is still held, in whole steps, nothing left over; a stop and its target keep one number."""
    kept = [one for one in standing if not one.cancel_wanted and one.trigger_price is not None]
    pairs = list(dict.fromkeys((one.signal_id, _number(one)) for one in kept))
    for kind in _PERCENT_OF:
        stops = [one for one in kept if one.kind is kind]
        shares = _shares(stops, held, held + closed.executed_quantity)
        for one, quantity in zip(stops, shares, strict=True):
            number = pairs.index((one.signal_id, _number(one))) + 1
            leg = kind.value if number == 1 else f"{kind.value}:{number}"
            if quantity > 0 and one.trigger_price is not None:
                yield _conditional(closed, leg, quantity, one.trigger_price, one.plan, at)


def _shares(stops: Sequence[Execution], held: Decimal, before: Decimal) -> list[Decimal]:
    """In proportion, rounded down; what rounding took from the others is the last one's."""
    if not stops:
        return []
    inputs = stops[0].plan["inputs"]
    step = Decimal(inputs["quantity_step"]) if isinstance(inputs, dict) else Decimal(1)
    wanted = [one.requested_quantity or Decimal(0) for one in stops]
    shares = [round_down(quantity * held / before, step) for quantity in wanted]
    shares[-1] += round_down(sum(wanted, Decimal(0)) * held / before, step) - sum(shares, Decimal(0))
    return shares


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
        attempt=1,
        expires_at=at + CLOSE_FRESHNESS,
        cancel_wanted=False,
        execution_time_ms=None,
        created_at=at,
        updated_at=at,
    )


def _want_cancelled(tables: Transaction, standing: Sequence[Execution], at: datetime) -> None:
    """The wish is stored first; the cancel itself may be repeated, an order already gone is as good."""
    for one in standing:
        if not one.cancel_wanted:
            tables.executions.move(one, replace(one, cancel_wanted=True, next_look_at=at), at=at)
