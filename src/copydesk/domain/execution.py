"""An execution: one signal × one subscription × one leg, and the only moves its state may make."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from copydesk.domain.errors import IllegalMove
from copydesk.domain.ids import AccountId, BotId, ExecutionId, SignalId, SubscriptionId, UserId
from copydesk.domain.order import FrozenRequest, OrderStatus
from copydesk.domain.signal import Direction, LegKind, Side


class State(StrEnum):
    """Where an execution stands; docs/safety.md tells what each means for the follower."""

    PLANNED = "PLANNED"
    QUEUED = "QUEUED"
    BLOCKED = "BLOCKED"
    SENDING = "SENDING"
    WORKING = "WORKING"
    PARTIAL = "PARTIAL"
    UNKNOWN = "UNKNOWN"
    ABSENT = "ABSENT"
    REVIEW = "REVIEW"
    SKIPPED = "SKIPPED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    FILLED = "FILLED"
    NOT_PLACED = "NOT_PLACED"


FINAL = frozenset(
    {State.SKIPPED, State.EXPIRED, State.CANCELLED, State.REJECTED, State.FILLED, State.NOT_PLACED},
)

UNSETTLED = frozenset(State) - FINAL

_SHOWN = frozenset({State.WORKING, State.PARTIAL, State.FILLED, State.CANCELLED, State.REJECTED})

MOVES: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SKIPPED, State.QUEUED}),
    State.QUEUED: frozenset(
        {State.BLOCKED, State.SKIPPED, State.EXPIRED, State.CANCELLED, State.SENDING, State.REVIEW},
    ),
    State.BLOCKED: frozenset({State.QUEUED, State.EXPIRED, State.CANCELLED}),
    State.SENDING: frozenset({State.WORKING, State.PARTIAL, State.FILLED, State.REJECTED, State.UNKNOWN}),
    State.WORKING: frozenset({State.PARTIAL, State.FILLED, State.CANCELLED, State.UNKNOWN}),
    State.PARTIAL: frozenset({State.PARTIAL, State.FILLED, State.CANCELLED, State.UNKNOWN}),
    State.UNKNOWN: _SHOWN | {State.ABSENT, State.REVIEW},
    State.ABSENT: frozenset({State.NOT_PLACED, State.QUEUED}),
    State.REVIEW: _SHOWN | {State.NOT_PLACED},
    # Late truth: the venue shows an order after all. Only the reconciler makes these moves.
    **dict.fromkeys(FINAL - {State.FILLED}, frozenset({State.FILLED})),
    State.FILLED: frozenset(),
}


def check_move(before: State, after: State) -> None:
    """Raise IllegalMove unless the table allows it."""
    if after not in MOVES[before]:
        raise IllegalMove(f"{before} may not become {after}")


def states_to_show(before: State, status: OrderStatus) -> tuple[State, ...]:
    """The moves that lead from `before` to what a venue shows; empty where nothing changes.

    A market order whose remainder the venue expired passes through PARTIAL or WORKING, as the order itself did.
    """
    shown = State(status.value.upper())
    if shown is before or (before is State.PARTIAL and shown is State.WORKING):
        return ()
    if before is State.SENDING and shown is State.CANCELLED:
        return (State.WORKING, State.CANCELLED)
    if before in {State.WORKING, State.PARTIAL} and shown is State.REJECTED:
        return (State.CANCELLED,)
    return (shown,)


class Execution(Struct, frozen=True, kw_only=True):
    """Quantities in base units, prices in quote units, `execution_time_ms` from receipt of the signal to the answer.

    `version` grows with every move: a move names the version it saw, or does not happen.
    """

    id: ExecutionId
    signal_id: SignalId
    subscription_id: SubscriptionId
    account_id: AccountId
    bot_id: BotId
    owner_id: UserId
    leg: str
    symbol: str
    side: Side
    direction: Direction
    state: State
    version: int
    reason: str | None
    plan: Mapping[str, object]
    requested_quantity: Decimal | None
    executed_quantity: Decimal
    executed_price: Decimal | None
    fee_usd: Decimal
    base_fee: Decimal
    trigger_price: Decimal | None
    fraction: Decimal
    exchange_order_id: str | None
    client_order_id: str | None
    attempt: int
    request: Mapping[str, str] | None
    request_hash: str | None
    frozen_at: datetime | None
    settle_at: datetime | None
    expires_at: datetime
    absent_seen: int
    next_look_at: datetime | None
    cancel_wanted: bool
    execution_time_ms: int | None
    created_at: datetime
    updated_at: datetime

    @property
    def kind(self) -> LegKind:
        return _kind(self.leg)

    @property
    def is_protection(self) -> bool:
        return self.kind in {LegKind.STOP_LOSS, LegKind.TAKE_PROFIT}

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def frozen(self) -> FrozenRequest:
        """The stored request, ready to be sent; only a row that was frozen has one."""
        if self.request is None or self.frozen_at is None or self.settle_at is None or self.request_hash is None:
            raise IllegalMove(f"execution {self.id} has no frozen request")
        return FrozenRequest(
            params=self.request,
            conditional=self.trigger_price is not None,
            frozen_at=self.frozen_at,
            settle_at=self.settle_at,
            request_hash=self.request_hash,
        )


@lru_cache(maxsize=256)
def _kind(leg: str) -> LegKind:
    return LegKind(leg.partition(":")[0])


ATTEMPTS_MAX = 2
"""A close that may have left and was proved absent is sent once more, never a third time."""


class Outcome(StrEnum):
    """The contract's short word for a state."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "pending"


def outcome(execution: Execution) -> Outcome:
    """What a person wants to know first. A working stop has succeeded: it is in place."""
    state = execution.state
    if state is State.FILLED or (state is State.WORKING and execution.is_protection):
        return Outcome.SUCCESS
    taken_back = execution.is_protection and execution.cancel_wanted
    if state is State.CANCELLED and (execution.executed_quantity > 0 or taken_back):
        return Outcome.SUCCESS
    if state is State.SKIPPED:
        return Outcome.SKIPPED
    if state in FINAL:
        return Outcome.FAILED
    return Outcome.PENDING
