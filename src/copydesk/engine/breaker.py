"""Pull the breaker: one commit stops openings, cancels what has not filled, and asks for what is held to be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from msgspec.structs import replace

from copydesk.domain.breaker import Breaker, BreakerMode, Reach
from copydesk.domain.execution import Execution, State
from copydesk.engine import desk_signals
from copydesk.ports.store import Transaction

log = structlog.get_logger()

_CANCELS = frozenset({BreakerMode.CANCEL_WORKING, BreakerMode.FLATTEN})

_NOT_LEFT = frozenset({State.QUEUED, State.BLOCKED})


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
        openings = tables.breakers.openings(breaker.reach)
        cancelled = sum(_cancel(tables, one, breaker.set_at) for one in openings)
        if breaker.mode is BreakerMode.FLATTEN:
            on_the_way = [one for one in openings if one.state not in _NOT_LEFT]
            closing = _flatten(tables, breaker.reach, on_the_way, breaker.set_at)
    return Pulled(cancelled=cancelled, closing=closing)


def _cancel(tables: Transaction, opening: Execution, at: datetime) -> bool:
    if opening.state in _NOT_LEFT:
        gone = replace(opening, state=State.CANCELLED, reason="The breaker was pulled before it was sent")
        tables.executions.move(opening, gone, at=at)
        return True
    if opening.state in {State.WORKING, State.PARTIAL} and not opening.cancel_wanted:
        tables.executions.move(opening, replace(opening, cancel_wanted=True, next_look_at=at), at=at)
        return True
    return False


def _flatten(tables: Transaction, reach: Reach, on_the_way: Sequence[Execution], at: datetime) -> int:
    """What is held, and what an opening that has left may still become: its close waits until that is known."""
    why = {"why": f"breaker: flatten {reach.scope} {reach.target}".strip()}
    may_be_held = {(one.subscription_id, one.symbol): (one.bot_id, one.direction) for one in on_the_way}
    for held in tables.breakers.holdings(reach):
        may_be_held[held.subscription_id, held.symbol] = (held.bot_id, held.position.direction)
    return sum(
        desk_signals.close_position(
            tables,
            subscription_id=subscription_id,
            bot_id=bot_id,
            symbol=symbol,
            direction=direction,
            key=f"desk:flatten:{subscription_id}:{symbol}:{at.isoformat()}",
            why=why,
            at=at,
        )
        for (subscription_id, symbol), (bot_id, direction) in may_be_held.items()
    )
