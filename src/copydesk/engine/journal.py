"""One log line a follower, written from what is stored once the sends are done; never between them."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from copydesk.domain.execution import Execution, outcome
from copydesk.domain.ids import SignalId
from copydesk.domain.signal import Signal
from copydesk.domain.subscription import Account
from copydesk.ports.clock import Clock
from copydesk.ports.store import Store, Transaction

log = structlog.get_logger()

TELL_WITHIN = timedelta(seconds=30)
"""What is not settled by then is told as it stands; the reconciler tells its end."""

LOOK_EVERY_S = 0.25


async def tell_fanout(store: Store, clock: Clock, signal: Signal) -> None:
    """Wait for the followers of a signal to be settled, then tell how each fared."""
    deadline = clock.now() + TELL_WITHIN
    while True:
        told = await store.read(lambda tables: _followers(tables, signal.id))
        if clock.now() > deadline or all(execution.is_final for execution, _ in told):
            break
        await clock.sleep(LOOK_EVERY_S)
    for number, (execution, account) in enumerate(told, 1):
        inputs = execution.plan.get("inputs")
        settings = inputs if isinstance(inputs, dict) else {}
        log.info(
            "follower",
            of=f"{number}/{len(told)}",
            signal_id=signal.id,
            account_id=execution.account_id,
            venue=None if account is None else account.venue,
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


def _followers(tables: Transaction, signal_id: SignalId) -> Sequence[tuple[Execution, Account | None]]:
    found = [one for one in tables.executions.of_signal(signal_id) if not one.is_protection]
    return [(one, tables.followers.account(one.account_id)) for one in found]
