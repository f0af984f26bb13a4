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
from copydesk.terminal.copier.records import Copy, Placed

GOOD_FOR = timedelta(seconds=30)
CLOSE_GOOD_FOR = timedelta(minutes=15)


class Held(Struct, frozen=True, kw_only=True):
    """A position of a master's, or an order that waits there; without numbers where the bot is fed by alerts."""

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
    contract: Mapping[str, Any] | None = None


class Followed(Struct, frozen=True, kw_only=True):
    account_id: str
    bot_id: str
    bot: str = ""


class Snapshot(Struct, frozen=True, kw_only=True):
    as_of: int
    positions: tuple[Held, ...]
    bots: tuple[Followed, ...]
    orders: tuple[Held, ...] = ()
    settings: Mapping[str, Any] = {}
    unanswered: tuple[str, ...] = ()


def read_snapshot(data: Any) -> Snapshot:
    """Raise msgspec.ValidationError for what is none."""
    return msgspec.convert(data, Snapshot)


def orphans(snapshot: Snapshot, copies: Iterable[Copy | Placed]) -> frozenset[tuple[str, int]]:
    """Tickets that are copied here, or wait here, of bots that are followed, and that their master neither holds nor has waiting."""
    followed = {one.bot_id for one in snapshot.bots}
    there = (*snapshot.positions, *snapshot.orders)
    held = {(one.bot_id, one.master_ticket, one.type.partition("_")[0]) for one in there}
    return frozenset(
        (one.bot_id, one.master_ticket)
        for one in copies
        if one.bot_id in followed and (one.bot_id, one.master_ticket, one.type) not in held
    )


def closing_of(copies: Sequence[Copy | Placed], as_of: int, at: datetime) -> Mapping[str, Any]:
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
    data |= {"contract": held.contract} if held.contract else {}
    return _frame("OPEN", f"{OWN}open:{held.bot_id}:{held.master_ticket}", data, at, GOOD_FOR)


def may_open(held: Held, snapshot: Snapshot) -> bool:
    """Only where price and size can be judged: a multiple of lots means nothing where nobody told what a lot is there."""
    limited = snapshot.settings.get("max_slippage_points") is not None
    sized = snapshot.settings.get("mode") == "fix" or bool(held.contract)
    return limited and sized and held.price is not None and held.volume is not None


def _frame(event: str, name: str, data: Mapping[str, Any], at: datetime, good_for: timedelta) -> Mapping[str, Any]:
    ends = (at + good_for).isoformat()
    return {"event": event, "seq": 0, "id": name, "ts": at.isoformat(), "expires_at": ends, "data": data}
