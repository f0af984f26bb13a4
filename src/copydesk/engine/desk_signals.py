"""What the desk itself decides is a signal like any other, for one subscription."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from copydesk.domain.execution import Execution
from copydesk.domain.ids import BotId, SignalId, SubscriptionId, new_id
from copydesk.domain.signal import Action, Direction, LegKind, Signal, SourceKind, Step
from copydesk.ports.store import Transaction

_REMEMBER = timedelta(days=3650)


def close_after(
    tables: Transaction,
    execution: Execution,
    *,
    direction: Direction,
    key: str,
    why: Mapping[str, str],
    at: datetime,
    note: str | None = None,
) -> bool:
    """What became of an execution makes its position one that must be closed; as `close_position`."""
    return close_position(
        tables,
        subscription_id=execution.subscription_id,
        bot_id=execution.bot_id,
        symbol=execution.symbol,
        direction=direction,
        key=key,
        why=why,
        at=at,
        note=note,
    )


def close_position(
    tables: Transaction,
    *,
    subscription_id: SubscriptionId,
    bot_id: BotId,
    symbol: str,
    direction: Direction,
    key: str,
    why: Mapping[str, str],
    at: datetime,
    note: str | None = None,
    remember: timedelta = _REMEMBER,
) -> bool:
    """Once a `key`, as long as it is remembered. With a `note` nothing is closed: its owner is only told. Whether the signal is new."""
    if tables.signals.known(bot_id, key, at) is not None:
        return False
    signal = Signal(
        id=SignalId(new_id(at)),
        bot_id=bot_id,
        source=SourceKind.DESK,
        ticker=symbol,
        symbol=symbol,
        action=Action.CLOSE,
        price=None,
        size=None,
        steps=(Step(leg=LegKind.CLOSE, direction=direction),) if note is None else (),
        note=note,
        payload={"subscription_id": subscription_id, **why},
        received_at=at,
        created_at=at,
    )
    tables.signals.add(signal)
    tables.signals.remember(bot_id, key, signal.id, at + remember)
    return True
