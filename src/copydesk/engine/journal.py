"""One log line a follower, written from what is stored once the sends are done; never between them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from copydesk.domain.execution import Execution, outcome
from copydesk.domain.ids import SignalId, SubscriptionId
from copydesk.domain.signal import Signal
from copydesk.ports.clock import Clock
from copydesk.ports.store import Place, Store, Transaction

log = structlog.get_logger()

TELL_WITHIN = timedelta(seconds=30)
"""What is not settled by then is told as it stands; the reconciler tells its end."""

LOOK_EVERY_S = 0.25

LINES_AT_ONCE = 20
"""Between them whoever else has something to do gets a turn."""


async def tell_fanout(store: Store, clock: Clock, signal: Signal) -> None:
    """Wait for the followers of a signal to be settled, then tell how each fared."""
    deadline = clock.now() + TELL_WITHIN
    while clock.now() < deadline and not await store.read(lambda tables: tables.executions.is_settled(signal.id)):
        await clock.sleep(LOOK_EVERY_S)
    told, places = await store.read(lambda tables: _followers(tables, signal.id))
    for number, execution in enumerate(told, 1):
        if number % LINES_AT_ONCE == 0:
            await clock.sleep(0)
        place, inputs = places.get(execution.subscription_id), execution.plan.get("inputs")
        settings = inputs if isinstance(inputs, dict) else {}
        log.info(
            "follower",
            of=f"{number}/{len(told)}",
            signal_id=signal.id,
            account_id=execution.account_id,
            venue=None if place is None else place.venue,
            leg=execution.leg,
            symbol=execution.symbol,
            leverage=settings.get("leverage"),
            margin_usd=settings.get("margin_usd"),
            outcome=outcome(execution),
            state=execution.state,
            quantity=str(execution.executed_quantity),
            reason=execution.reason,
            ms=execution.execution_time_ms,
        )


def _followers(tables: Transaction, signal_id: SignalId) -> tuple[Sequence[Execution], Mapping[SubscriptionId, Place]]:
    found = [one for one in tables.executions.of_signal(signal_id) if not one.is_protection]
    return found, tables.followers.places({one.subscription_id for one in found})
