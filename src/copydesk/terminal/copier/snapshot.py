"""What a snapshot of the masters' positions means for the copies here: what to close, what could be opened. Pure.

Nothing is closed for a bot that is not followed (any more), nor by one snapshot alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from copydesk.terminal.copier.inbox import OWN
from copydesk.terminal.copier.journal import Copy

GOOD_FOR = timedelta(seconds=30)
CLOSE_GOOD_FOR = timedelta(minutes=15)


class Held(Struct, frozen=True, kw_only=True):
    """A position of a master's; without numbers where the bot is fed by alerts."""

    account_id: str
    bot_id: str
    bot: str
    master_ticket: int
    symbol: str
    type: str
    volume: Decimal | None = None
    price: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None


class Followed(Struct, frozen=True, kw_only=True):
    account_id: str
    bot_id: str
    bot: str = ""


class Snapshot(Struct, frozen=True, kw_only=True):
    as_of: int
    positions: tuple[Held, ...]
    bots: tuple[Followed, ...]
    settings: Mapping[str, Any] = {}
    unanswered: tuple[str, ...] = ()


def read_snapshot(data: Any) -> Snapshot:
    """Raise msgspec.ValidationError for what is none."""
    return msgspec.convert(data, Snapshot)


def orphans(snapshot: Snapshot, copies: Iterable[Copy]) -> frozenset[tuple[str, int]]:
    """Tickets that are copied here, of bots that are followed, and that their master does not hold."""
    followed = {one.bot_id for one in snapshot.bots}
    held = {(one.bot_id, one.master_ticket, one.type) for one in snapshot.positions}
    return frozenset(
        (one.bot_id, one.master_ticket)
        for one in copies
        if one.bot_id in followed and (one.bot_id, one.master_ticket, one.type) not in held
    )


def closing_of(copies: Sequence[Copy], as_of: int, at: datetime) -> Mapping[str, Any]:
    """A command of this program's own, in the words of the wire: close all that copies a ticket."""
    one = copies[0]
    data = {
        "account_id": "",
        "bot_id": one.bot_id,
        "master_ticket": one.master_ticket,
        "symbol": one.symbol,
        "type": one.type,
        "fraction": "1",
    }
    moment = f"{as_of}:{at.timestamp():.0f}"
    return _frame("CLOSE", f"{OWN}close:{one.bot_id}:{one.master_ticket}:{moment}", data, at, CLOSE_GOOD_FOR)


def opening_of(held: Held, snapshot: Snapshot, at: datetime) -> Mapping[str, Any]:
    """A command of this program's own: open what a master holds. Once a ticket, whatever becomes of it."""
    data = {
        "account_id": held.account_id,
        "bot_id": held.bot_id,
        "master_ticket": held.master_ticket,
        "symbol": held.symbol,
        "type": held.type,
        "fraction": "1",
        "settings": snapshot.settings,
    }
    numbers = {name: getattr(held, name) for name in ("volume", "price", "sl", "tp")}
    data |= {name: str(value) for name, value in numbers.items() if value is not None}
    return _frame("OPEN", f"{OWN}open:{held.bot_id}:{held.master_ticket}", data, at, GOOD_FOR)


def may_open(held: Held, snapshot: Snapshot) -> bool:
    """Only where price and size can be judged: a snapshot tells no contract sizes, so a multiple of lots means nothing."""
    limited = snapshot.settings.get("max_slippage_points") is not None
    return limited and held.price is not None and held.volume is not None and snapshot.settings.get("mode") == "fix"


def _frame(event: str, name: str, data: Mapping[str, Any], at: datetime, good_for: timedelta) -> Mapping[str, Any]:
    ends = (at + good_for).isoformat()
    return {"event": event, "seq": 0, "id": name, "ts": at.isoformat(), "expires_at": ends, "data": data}
