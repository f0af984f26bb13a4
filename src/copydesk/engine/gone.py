"""What a terminal closed by itself: a stop there, a margin call, or its owner's own hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from copydesk.domain.breaker import BreakerScope, Reach
from copydesk.domain.ids import AccountId, BotId
from copydesk.engine import desk_signals
from copydesk.ports.store import Transaction

log = structlog.get_logger()

TOLD_AGAIN_AFTER = timedelta(minutes=1)
"""Told again by then it is the same; after that its close has come to nothing, and there is another one."""


def report_gone(
    tables: Transaction,
    accounts: Sequence[AccountId],
    bot_id: BotId,
    places: Sequence[str],
    key: str,
    reason: str,
    at: datetime,
) -> int:
    """Close what the desk still keeps of it. The terminal's program answers that close with what really happened, so that it is
    booked as every other; how many positions it concerns.
    """
    why = {"why": f"closed at the terminal: {reason or 'no reason told'}", "rule": "closed_at_terminal"}
    return sum(
        desk_signals.close_position(
            tables,
            subscription_id=held.subscription_id,
            bot_id=held.bot_id,
            symbol=held.symbol,
            direction=held.position.direction,
            key=f"desk:gone:{key}:{held.subscription_id}",
            why=why,
            at=at,
            remember=TOLD_AGAIN_AFTER,
        )
        for account_id in accounts
        for held in tables.breakers.holdings(Reach(scope=BreakerScope.ACCOUNT, target=account_id))
        if held.bot_id == bot_id and held.symbol in places
    )
