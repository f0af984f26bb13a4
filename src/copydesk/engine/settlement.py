"""Write down what a venue showed: the moves, the position, the trade, and what follows from it. All in one commit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from msgspec.structs import replace

from copydesk.domain.contracts import is_contract
from copydesk.domain.execution import Execution, State
from copydesk.domain.life import Action, Event, NotTold, Rules, Shown, step
from copydesk.domain.position import increase, reduce
from copydesk.domain.signal import LegKind, SourceKind
from copydesk.engine import desk_signals, protection, unprotected
from copydesk.engine.making import FreezerSource
from copydesk.engine.tickets import wanted_direction
from copydesk.ports.store import Transaction

log = structlog.get_logger()

_UNTOLD = frozenset({State.SENDING, State.UNKNOWN, State.WORKING})
_STOOD = frozenset({State.WORKING, State.PARTIAL, State.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The execution as it now stands, what must be sent next (already committed as SENDING), what must be asked."""

    execution: Execution
    to_send: tuple[Execution, ...] = ()
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fill:
    """What is new of an execution's fills, and what it brought where the venue says so itself."""

    before: Execution
    after: Execution
    quantity: Decimal
    gross_usd: Decimal | None


def settle(
    tables: Transaction, execution: Execution, event: Event, *, at: datetime, rules: Rules, freezer: FreezerSource
) -> Settled:
    """Store what `event` makes of the execution as it was read; raise StaleWrite where somebody else moved it meanwhile."""
    if isinstance(event, Shown) and _comes_too_early(tables, execution, event):
        event = NotTold(reason="it closed what an opening has made whose own fill is not known yet")
    taken = step(execution, event, at, rules)
    now = execution
    for move in taken.moves:
        now = tables.executions.move(now, replace(move, version=now.version), at=at, evidence=taken.evidence)
    if Action.TELL_PERSON in taken.actions:
        log.error("needs a person", execution_id=now.id, account_id=now.account_id, leg=now.leg, reason=now.reason)
    filled = now.executed_quantity - execution.executed_quantity
    if filled > 0:
        told = event.report.gross_usd if isinstance(event, Shown) else None
        _apply_fill(tables, _Fill(before=execution, after=now, quantity=filled, gross_usd=told), at)
    changed = filled > 0 or now.state is not execution.state
    if not (changed and (now.is_final or (now.is_protection and isinstance(event, Shown)))):
        return Settled(execution=now, actions=taken.actions)
    to_send = _follow_up(tables, execution, now, at, freezer)
    return Settled(execution=now, to_send=tuple(to_send), actions=taken.actions)


def _comes_too_early(tables: Transaction, execution: Execution, event: Shown) -> bool:
    """A stop that was still standing from before has met a new opening, or a terminal has done an opening and its close at
    once, and what closes is told of first: nothing is held yet that its fill could be taken from. It is looked at again.
    """
    filled = event.report.executed_quantity - execution.executed_quantity
    closes = execution.is_protection or execution.kind is LegKind.CLOSE
    if not closes or execution.state not in _STOOD or filled <= 0:
        return False
    held = tables.positions.get(execution.subscription_id, execution.symbol)
    if held is not None and held.direction is execution.direction and held.quantity >= filled:
        return False
    before = tables.executions.unsettled([execution.account_id], execution.symbol)
    return any(
        one.kind is LegKind.OPEN
        and one.state in _UNTOLD
        and (one.subscription_id, one.direction) == (execution.subscription_id, execution.direction)
        for one in before
    )


def _apply_fill(tables: Transaction, fill: _Fill, at: datetime) -> None:
    before, after, quantity = fill.before, fill.after, fill.quantity
    price = _fill_price(before, after, quantity)
    fee = max(after.fee_usd - before.fee_usd, Decimal(0))
    held = tables.positions.get(after.subscription_id, after.symbol)
    opens = after.kind is LegKind.OPEN
    if opens and (held is None or held.direction is after.direction):
        received = quantity - (after.base_fee - before.base_fee)
        grown = increase(held, direction=after.direction, quantity=received, price=price, fee_usd=fee, at=at)
        tables.positions.put(after, grown, at)
        tables.positions.add_result(after.subscription_id, -fee, at)
        return
    if held is None:
        tables.positions.add_result(after.subscription_id, -fee, at)
        return
    reduction = reduce(
        held, quantity=quantity, price=price, fee_usd=fee, at=at, step=_step(after), gross_usd=fill.gross_usd
    )
    rest = reduction.position
    if opens and quantity > held.quantity:
        # A late opening met the opposite position, and turned it round.
        over = quantity - held.quantity
        rest = increase(None, direction=after.direction, quantity=over, price=price, fee_usd=Decimal(0), at=at)
    tables.positions.put(after, rest, at)
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


def _follow_up(
    tables: Transaction, before: Execution, now: Execution, at: datetime, freezer: FreezerSource
) -> list[Execution]:
    if now.kind is LegKind.OPEN:
        # A contract ends by itself, whatever the bot thinks of it by now.
        if before.is_final and not is_contract(now) and _is_unwanted(tables, now):
            why = f"{now.reason}; the bot holds no such position any more"
            _close_again(tables, now, "late_truth", why, at)
            return []
        filled = now.executed_quantity - (before.executed_quantity if before.is_final else 0)
        return protection.protect(tables, now, filled, at=at, freezer=freezer)
    if now.kind is LegKind.CLOSE and now.is_final:
        again = protection.protect_again(tables, now, at=at, freezer=freezer)
        if again:
            return again
        if _has_left_a_rest(tables, now):
            _close_again(tables, now, "rest", "what the venue did not fill of a close", at)
        elif _came_to_nothing(now):
            unprotected.handle_failed_close(tables, now, at)
    if unprotected.is_missing(now, at):
        unprotected.handle_missing(tables, now, at)
    return protection.adjust(tables, now, at=at, freezer=freezer)


def _is_unwanted(tables: Transaction, opened: Execution) -> bool:
    """A late opening whose bot has gone on meanwhile: nobody would ever close it."""
    return wanted_direction(tables, opened.bot_id, opened.symbol) is not opened.direction


def _came_to_nothing(closed: Execution) -> bool:
    """Refused, never placed, or ended by the venue (a terminal says no only after it has taken the order)."""
    taken_back = closed.state is State.CANCELLED and closed.executed_quantity == 0 and not closed.cancel_wanted
    return taken_back or closed.state in {State.NOT_PLACED, State.REJECTED}


def _has_left_a_rest(tables: Transaction, closed: Execution) -> bool:
    """A close of everything that the venue filled in part: the book was exhausted. Nobody else would close the rest.

    Where the bot has opened anew meanwhile, what is held is what it wants; but what the desk closes for a follower's
    safety, the bot does not decide.
    """
    wanted = closed.requested_quantity or Decimal(0)
    if closed.state is not State.CANCELLED or closed.fraction != 1 or not 0 < closed.executed_quantity < wanted:
        return False
    signal = tables.signals.get(closed.signal_id)
    for_safety = signal is not None and signal.source is SourceKind.DESK
    return for_safety or _is_unwanted(tables, closed)


def _close_again(tables: Transaction, execution: Execution, rule: str, why: str, at: datetime) -> None:
    key, told = f"desk:{rule}:{execution.id}", {"why": why, "rule": rule}
    desk_signals.close_after(tables, execution, direction=execution.direction, key=key, why=told, at=at)
