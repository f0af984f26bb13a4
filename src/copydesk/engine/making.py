"""Make executions out of plans: which state they start in, and the one request each may send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from copydesk.domain.bot import Bot
from copydesk.domain.execution import Execution, State
from copydesk.domain.guards import Refusal
from copydesk.domain.ids import ExecutionId, client_order_id, new_id
from copydesk.domain.order import FrozenRequest, NewOrder
from copydesk.domain.planning import Copy, Follower
from copydesk.domain.signal import LegKind, Side, Signal, Step
from copydesk.domain.subscription import PositionMode
from copydesk.ports.venue import Venue

CLOSE_FRESHNESS = timedelta(minutes=15)
"""A close that could not be sent for so long needs a person: it is never executed late on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezer:
    """What turns an order into its one request: the venue, the account's position mode, the venue's time."""

    venue: Venue
    mode: PositionMode
    at: datetime


FreezerSource = Callable[[], Freezer]
"""Asked only where something will be sent: it reads how the account is set up."""


def expires_at(signal: Signal, bot: Bot, leg: LegKind) -> datetime:
    """Until when this leg may still be sent."""
    budget = timedelta(seconds=bot.open_freshness_s) if leg is LegKind.OPEN else CLOSE_FRESHNESS
    return signal.received_at + budget


def new_execution(signal: Signal, follower: Follower, step: Step, *, at: datetime) -> Execution:
    """A PLANNED execution with its identity and nothing decided yet; kept in memory until it has a real state."""
    side = Side.opening(step.direction) if step.leg is LegKind.OPEN else Side.closing(step.direction)
    subscription = follower.subscription
    return Execution(
        id=ExecutionId(new_id(at)),
        signal_id=signal.id,
        subscription_id=subscription.id,
        account_id=subscription.account_id,
        bot_id=signal.bot_id,
        owner_id=subscription.owner_id,
        leg=step.leg.value,
        symbol=signal.symbol,
        side=side,
        direction=step.direction,
        state=State.PLANNED,
        version=1,
        reason=None,
        plan={},
        requested_quantity=None,
        executed_quantity=Decimal(0),
        executed_price=None,
        fee_usd=Decimal(0),
        base_fee=Decimal(0),
        trigger_price=None,
        fraction=step.fraction,
        exchange_order_id=None,
        client_order_id=None,
        attempt=1,
        request=None,
        request_hash=None,
        frozen_at=None,
        settle_at=None,
        expires_at=expires_at(signal, follower.bot, step.leg),
        absent_seen=0,
        next_look_at=None,
        cancel_wanted=False,
        execution_time_ms=None,
        created_at=at,
        updated_at=at,
    )


def skipped(execution: Execution, refusal: Refusal) -> Execution:
    """The refusal with its rule and numbers, stored for good."""
    told: Mapping[str, object] = {"rule": refusal.rule, "numbers": dict(refusal.numbers), "inputs": {}}
    plan = {**execution.plan, **told}
    return replace(execution, state=State.SKIPPED, reason=refusal.reason, plan=plan)


def blocked(execution: Execution, behind: Execution) -> Execution:
    """It waits until what came before on the same account and symbol is settled; planned anew then."""
    reason = f"Waits for the {behind.leg} of {behind.signal_id} on the same account and symbol ({behind.state})"
    return replace(execution, state=State.BLOCKED, reason=reason)


def planned(execution: Execution, copy: Copy) -> Execution:
    """The plan's side, quantity and numbers."""
    told: Mapping[str, object] = {"rule": copy.rule, "inputs": dict(copy.inputs), "numbers": dict(copy.numbers)}
    plan = {**execution.plan, **told}
    return replace(
        execution,
        side=copy.side,
        direction=copy.direction,
        requested_quantity=copy.quantity,
        plan=plan,
        reason=None,
    )


def ready_to_send(execution: Execution, freezer: Freezer) -> Execution:
    """SENDING with its frozen request: what must be committed before a byte leaves."""
    order_id = client_order_id(execution.id, execution.attempt)
    frozen = freeze(execution, order_id, freezer)
    return replace(
        execution,
        state=State.SENDING,
        client_order_id=order_id,
        request=frozen.params,
        request_hash=frozen.request_hash,
        frozen_at=frozen.frozen_at,
        settle_at=frozen.settle_at,
        absent_seen=0,
        next_look_at=None,
    )


def like(model: Execution, follower: Follower, freezer: FreezerSource) -> Execution:
    """What was decided for another follower who is alike in all that counts, with an identity and a request of its own."""
    subscription = follower.subscription
    own = replace(
        model,
        id=ExecutionId(new_id(model.created_at)),
        subscription_id=subscription.id,
        account_id=subscription.account_id,
        owner_id=subscription.owner_id,
    )
    return own if own.state is not State.SENDING else ready_to_send(own, freezer())


def freeze(execution: Execution, order_id: str, freezer: Freezer) -> FrozenRequest:
    order = NewOrder(
        client_order_id=order_id,
        symbol=execution.symbol,
        leg=execution.kind,
        side=execution.side,
        direction=execution.direction,
        quantity=execution.requested_quantity or Decimal(0),
        reduce_only=execution.kind is not LegKind.OPEN,
        trigger_price=execution.trigger_price,
        inputs=inputs if isinstance(inputs := execution.plan.get("inputs"), dict) else {},
        expires_at=execution.expires_at,
    )
    return freezer.venue.freeze(order, mode=freezer.mode, at=freezer.at)
