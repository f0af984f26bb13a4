"""Orders that wait at a terminal for somebody who wants nothing new any more: each would be an opening once it fills."""

from datetime import datetime

from msgspec.structs import replace

from copydesk.domain.breaker import BreakerScope, Reach
from copydesk.domain.execution import Execution, State
from copydesk.domain.ids import AccountId, SubscriptionId
from copydesk.ports.store import Transaction

_STANDS = frozenset({State.WORKING, State.PARTIAL, State.UNKNOWN})


def take_back_waiting(
    tables: Transaction, account_id: AccountId, subscription_id: SubscriptionId | None, at: datetime
) -> int:
    """Those of one subscription, or (None) all on the account: the wish is stored, the reconciler's next look tells the terminal."""
    openings = tables.breakers.openings(Reach(scope=BreakerScope.ACCOUNT, target=account_id))
    wanted = [one for one in openings if _waits(one) and subscription_id in {None, one.subscription_id}]
    for one in wanted:
        tables.executions.move(one, replace(one, cancel_wanted=True, next_look_at=at), at=at)
    return len(wanted)


def _waits(opening: Execution) -> bool:
    inputs = opening.plan.get("inputs")
    is_order = isinstance(inputs, dict) and "order_kind" in inputs
    return is_order and opening.state in _STANDS and not opening.cancel_wanted
