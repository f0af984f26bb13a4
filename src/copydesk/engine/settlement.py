"""Write down what a venue showed: the move, the position, the trade, and what follows from it. All in one commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from copydesk.domain.execution import Execution, State, states_to_show
from copydesk.domain.order import OrderReport
from copydesk.domain.position import increase, reduce
from copydesk.domain.signal import LegKind
from copydesk.engine import protection, unprotected
from copydesk.engine.making import FreezerSource
from copydesk.ports.store import Transaction

FIRST_POLL = timedelta(seconds=2)
"""A working order was just seen: the first look at it can wait."""


NEVER_SENT = "never_sent"
"""In the plan: the attempt of which it is certain that nothing left, so that even a sale may be tried once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The execution as it now stands, and what must be sent next (already committed as SENDING)."""

    execution: Execution
    to_send: tuple[Execution, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One outcome to be recorded: a report, or a state with its reason."""

    at: datetime
    report: OrderReport | None = None
    state: State | None = None
    reason: str | None = None
    execution_time_ms: int | None = None
    settle_at: datetime | None = None
    never_sent: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)


def settle(tables: Transaction, execution: Execution, answer: Answer, freezer: FreezerSource) -> Settled:
    """Record `answer` for the execution as it was read; raise StaleWrite where somebody else moved it meanwhile."""
    if answer.report is None:
        return _settle_without_report(tables, execution, answer, freezer)
    shown = _show(tables, execution, answer.report, answer)
    filled = shown.executed_quantity - execution.executed_quantity
    if filled > 0:
        _apply_fill(tables, execution, shown, filled, answer.at)
    if not (shown.is_final or shown.is_protection):
        return Settled(execution=shown)
    return _follow_up(tables, shown, answer.at, freezer)


def _settle_without_report(
    tables: Transaction, execution: Execution, answer: Answer, freezer: FreezerSource
) -> Settled:
    state = answer.state or execution.state
    moved = replace(
        execution,
        state=state,
        reason=answer.reason,
        execution_time_ms=answer.execution_time_ms or execution.execution_time_ms,
        settle_at=answer.settle_at or execution.settle_at,
        next_look_at=answer.at if state is State.UNKNOWN else None,
        plan={**execution.plan, NEVER_SENT: execution.attempt} if answer.never_sent else execution.plan,
    )
    moved = tables.executions.move(execution, moved, at=answer.at, evidence=answer.evidence)
    return _follow_up(tables, moved, answer.at, freezer) if moved.is_final else Settled(execution=moved)


def _show(tables: Transaction, execution: Execution, report: OrderReport, answer: Answer) -> Execution:
    """Every move on the way to what the venue shows, each one legal."""
    shown = replace(
        execution,
        exchange_order_id=report.exchange_order_id,
        executed_quantity=max(report.executed_quantity, execution.executed_quantity),
        executed_price=report.average_price or execution.executed_price,
        fee_usd=report.fee_usd if report.fee_usd is not None else execution.fee_usd,
        base_fee=max(report.base_fee, execution.base_fee),
        execution_time_ms=execution.execution_time_ms or answer.execution_time_ms,
        reason=answer.reason,
        next_look_at=answer.at + FIRST_POLL,
    )
    before = execution
    for state in states_to_show(execution.state, report.status) or (execution.state,):
        before = tables.executions.move(
            before, replace(shown, state=state, version=before.version), at=answer.at, evidence=report.evidence
        )
    return before


def _apply_fill(tables: Transaction, before: Execution, after: Execution, quantity: Decimal, at: datetime) -> None:
    price = _fill_price(before, after, quantity)
    fee = max(after.fee_usd - before.fee_usd, Decimal(0))
    held = tables.positions.get(after.subscription_id, after.symbol)
    if after.kind is LegKind.OPEN:
        received = quantity - (after.base_fee - before.base_fee)
        grown = increase(held, direction=after.direction, quantity=received, price=price, fee_usd=fee, at=at)
        tables.positions.put(after, grown, at)
        tables.positions.add_result(after.subscription_id, -fee, at)
        return
    if held is None:
        tables.positions.add_result(after.subscription_id, -fee, at)
        return
    reduction = reduce(held, quantity=quantity, price=price, fee_usd=fee, at=at, step=_step(after))
    tables.positions.put(after, reduction.position, at)
    tables.positions.add_result(after.subscription_id, reduction.gross_usd - fee, at)
    if reduction.trade is not None:
        tables.positions.add_trade(after, reduction.trade)


def _step(closed: Execution) -> Decimal:
    """The venue's quantity step, where the plan knew it: what is less can never be sold."""
    inputs = closed.plan.get("inputs")
    return Decimal(inputs.get("quantity_step", 0)) if isinstance(inputs, dict) else Decimal(0)


def _fill_price(before: Execution, after: Execution, quantity: Decimal) -> Decimal:
    """The price of the part that is new: the venue tells averages over the whole order."""
    total = after.executed_quantity * (after.executed_price or Decimal(0))
    known = before.executed_quantity * (before.executed_price or Decimal(0))
    return (total - known) / quantity


def _follow_up(tables: Transaction, shown: Execution, at: datetime, freezer: FreezerSource) -> Settled:
    if shown.kind is LegKind.OPEN:
        stops = protection.protect(tables, shown, at=at, freezer=freezer)
        return Settled(execution=shown, to_send=tuple(stops))
    if shown.kind is LegKind.CLOSE and shown.is_final:
        again = protection.protect_again(tables, shown, at=at, freezer=freezer)
        if again:
            return Settled(execution=shown, to_send=tuple(again))
    if unprotected.is_missing(shown, at):
        unprotected.handle_missing(tables, shown, at)
    replacements = protection.adjust(tables, shown, at=at, freezer=freezer)
    return Settled(execution=shown, to_send=tuple(replacements))
