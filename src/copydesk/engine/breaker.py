"""Pull the breaker: one commit stops openings, cancels what has not filled, and asks for what is held to be closed."""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from copydesk.domain.breaker import Breaker, BreakerMode, Reach
from copydesk.domain.execution import Execution, State
from copydesk.engine import desk_signals
from copydesk.ports.store import Transaction

log = structlog.get_logger()

_CANCELS = frozenset({BreakerMode.CANCEL_WORKING, BreakerMode.FLATTEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What it set going: openings cancelled (or to be cancelled at the venue), positions to be closed."""

    cancelled: int = 0
    closing: int = 0


def pull(tables: Transaction, breaker: Breaker) -> Pulled:
    """From this commit on nothing in its reach is opened; a release frees exactly that reach."""
    log.warning("breaker", scope=breaker.reach.scope, target=breaker.reach.target, mode=breaker.mode)
    if breaker.mode is BreakerMode.RELEASE:
        tables.breakers.release(breaker.reach)
        return Pulled()
    tables.breakers.pull(breaker)
    cancelled = closing = 0
    if breaker.mode in _CANCELS:
        cancelled = sum(_cancel(tables, one, breaker.set_at) for one in tables.breakers.openings(breaker.reach))
    if breaker.mode is BreakerMode.FLATTEN:
        closing = _flatten(tables, breaker.reach, breaker.set_at)
    return Pulled(cancelled=cancelled, closing=closing)


def _cancel(tables: Transaction, opening: Execution, at: datetime) -> bool:
    if opening.state in {State.QUEUED, State.BLOCKED}:
        gone = replace(opening, state=State.CANCELLED, reason="The breaker was pulled before it was sent")
        tables.executions.move(opening, gone, at=at)
        return True
    if opening.state in {State.WORKING, State.PARTIAL} and not opening.cancel_wanted:
        tables.executions.move(opening, replace(opening, cancel_wanted=True, next_look_at=at), at=at)
        return True
    return False


def _flatten(tables: Transaction, reach: Reach, at: datetime) -> int:
    why = {"why": f"breaker: flatten {reach.scope} {reach.target}".strip()}
    return sum(
        desk_signals.close_position(
            tables,
            subscription_id=held.subscription_id,
            bot_id=held.bot_id,
            symbol=held.symbol,
            direction=held.position.direction,
            key=f"desk:flatten:{held.subscription_id}:{held.symbol}:{at.isoformat()}",
            why=why,
            at=at,
        )
        for held in tables.breakers.holdings(reach)
    )
