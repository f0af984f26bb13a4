"""A position whose stop loss is missing: close it, or tell its owner, as the follower chose."""

from datetime import datetime, timedelta

import structlog

from copydesk.domain.execution import Execution, State
from copydesk.domain.signal import LegKind, SourceKind
from copydesk.domain.subscription import OnUnprotected
from copydesk.engine import desk_signals
from copydesk.ports.store import Transaction

log = structlog.get_logger()

CONFIRM_WITHIN = timedelta(seconds=10)
"""A stop that is not confirmed by then counts as missing."""


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


CLOSES_MAX = 3
"""So often the desk closes a position for its follower's safety; each failure is told, and somebody should look by then."""


def handle_failed_close(tables: Transaction, close: Execution, at: datetime) -> None:
    """A close of the desk's own that came to nothing, while the position is still there: once more, with a new signal."""
    signal = tables.signals.get(close.signal_id)
    held = tables.positions.get(close.subscription_id, close.symbol)
    if signal is None or signal.source is not SourceKind.DESK or held is None:
        return
    closes = int(str(signal.payload.get("closes", 1)))
    if closes < CLOSES_MAX:
        why = {name: str(value) for name, value in signal.payload.items() if name != "subscription_id"}
        why["closes"] = str(closes + 1)
        key = f"desk:again:{close.id}"
        desk_signals.close_after(tables, close, direction=held.direction, key=key, why=why, at=at)


def handle_missing(tables: Transaction, stop: Execution, at: datetime) -> None:
    """Once a stop: close the position, or tell its owner."""
    subscription = tables.followers.subscription(stop.subscription_id)
    held = tables.positions.get(stop.subscription_id, stop.symbol)
    if subscription is None or held is None:
        return
    why = f"stop loss {stop.state}: {stop.reason or 'not confirmed in time'}"
    flatten = subscription.copy.on_unprotected is OnUnprotected.FLATTEN
    told = desk_signals.close_after(
        tables,
        stop,
        direction=held.direction,
        key=f"desk:unprotected:{stop.id}",
        why={"why": why, "stop_execution_id": stop.id},
        at=at,
        note=None if flatten else f"Alert only, as chosen: {why}",
    )
    if told:
        log.error("position without stop", subscription_id=stop.subscription_id, symbol=stop.symbol, why=why)
