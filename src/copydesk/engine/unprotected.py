"""A position whose stop loss is missing: close it, or tell its owner, as the follower chose."""

from datetime import datetime, timedelta

import structlog

from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import SignalId, new_id
from copydesk.domain.signal import Action, LegKind, Signal, SourceKind, Step
from copydesk.domain.subscription import OnUnprotected
from copydesk.ports.store import Transaction

log = structlog.get_logger()

CONFIRM_WITHIN = timedelta(seconds=10)
"""A stop that is not confirmed by then counts as missing."""

_REMEMBER = timedelta(days=3650)


def is_missing(execution: Execution, now: datetime) -> bool:
    """A stop loss that is refused, or not confirmed in time."""
    if execution.kind is not LegKind.STOP_LOSS or execution.cancel_wanted:
        return False
    if execution.state is State.CANCELLED:
        # Nobody here wanted that: the venue or a person took it away.
        return execution.executed_quantity < (execution.requested_quantity or 0)
    if execution.state in {State.REJECTED, State.NOT_PLACED, State.REVIEW}:
        return True
    waits = execution.state in {State.UNKNOWN, State.ABSENT, State.QUEUED}
    return waits and now - execution.created_at > CONFIRM_WITHIN


def handle_missing(tables: Transaction, stop: Execution, at: datetime) -> None:
    """Once a stop: what the desk itself decides is a signal like any other, for this one subscription."""
    subscription = tables.followers.subscription(stop.subscription_id)
    held = tables.positions.get(stop.subscription_id, stop.symbol)
    key = f"desk:unprotected:{stop.id}"
    if subscription is None or held is None or tables.signals.known(stop.bot_id, key, at) is not None:
        return
    why = f"stop loss {stop.state}: {stop.reason or 'not confirmed in time'}"
    log.error("position without stop", subscription_id=stop.subscription_id, symbol=stop.symbol, why=why)
    flatten = subscription.copy.on_unprotected is OnUnprotected.FLATTEN
    signal = Signal(
        id=SignalId(new_id(at)),
        bot_id=stop.bot_id,
        source=SourceKind.DESK,
        ticker=stop.symbol,
        symbol=stop.symbol,
        action=Action.CLOSE,
        price=None,
        steps=(Step(leg=LegKind.CLOSE, direction=held.direction),) if flatten else (),
        note=None if flatten else f"Alert only, as chosen: {why}",
        payload={"subscription_id": stop.subscription_id, "why": why, "stop_execution_id": stop.id},
        received_at=at,
        created_at=at,
    )
    tables.signals.add(signal)
    tables.signals.remember(stop.bot_id, key, signal.id, at + _REMEMBER)
