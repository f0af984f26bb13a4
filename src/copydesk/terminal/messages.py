"""Which events go to the hub, and what is said: the one place that decides it. Pure.

A closing is told as the part of what the hub knows of the ticket, so a growth that came too late for followers is not
closed for them either. Where nothing is known (the journal was lost), the terminal's own volume is told instead.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from msgspec import Struct, to_builtins

from copydesk.domain.instrument import plain
from copydesk.terminal.events import Event, Kind
from copydesk.terminal.journal import Message, Told

BROADCAST, CLOSE = "/signal/broadcast", "/signal/close"

OPENING = frozenset({Kind.OPEN, Kind.GROW, Kind.PENDING})
"""What gives followers a new risk: never sent late."""

NOT_SENT: Mapping[Kind, str] = {
    Kind.PENDING_FILLED: "not sent: its position is",
    Kind.FLASH: "not sent: opened and closed between two looks, followers would only pay the spread",
}

NETS = "not sent: this account nets, and what an order makes there is told once it is filled"
"""An order there is added to a position, or takes from one: its followers' own would be something else."""

_ORDERS = frozenset({Kind.PENDING, Kind.PENDING_MODIFY, Kind.PENDING_REMOVE})

VOLUME_STEP = Decimal("0.00000001")


class Kept(Struct, frozen=True):
    """It stays in the journal, for this reason."""

    reason: str


class Sender(Struct, frozen=True, kw_only=True):
    """Who sends. `account` is login and server; `nonce` is this journal's own, for messages that may come again."""

    account: str
    login: int
    nonce: str
    bot_id: str | None = None
    signs_v0: bool = False


def compose(
    event: Event, told: Told | None, sender: Sender, detected_at: datetime, *, is_late: bool = False
) -> Message | Kept:
    """`told` is what the hub knows of the ticket; `is_late`: too old for those who would open only now."""
    if event.kind is Kind.ALARM:
        return Kept(event.reason)
    if event.kind in _ORDERS and event.nets:
        return Kept(NETS)
    waits = told is not None and told.waits
    if (reason := NOT_SENT.get(event.kind)) is not None and not (event.kind is Kind.FLASH and waits):
        return Kept(reason)
    body, after = _content(event, told, sender)
    if is_late and body["event"] == "OPEN":
        body["event"] = "MODIFY"
    route = CLOSE if body["event"] == "CLOSE" else BROADCAST
    whole = {
        **body,
        "master_ticket": event.number,
        "position_id": event.identifier,
        "mt5_login": sender.login,
        "detected_at": detected_at.isoformat(),
        **_given(reason=event.reason, comment=event.comment, bot_id=sender.bot_id),
    }
    return Message(route=route, id=_message_id(event, sender), body=json.dumps(whole).encode(), told=after)


def _content(event: Event, told: Told | None, sender: Sender) -> tuple[dict[str, Any], Told | None]:
    match event.kind:
        case Kind.CLOSE | Kind.FLASH:
            return {"event": "CLOSE", "price": plain(event.price)}, None
        case Kind.PENDING_REMOVE:
            return {"event": "CANCEL"}, None
        case Kind.PARTIAL_CLOSE:
            return _shrunk(event, told, sender)
        case Kind.MODIFY | Kind.PENDING_MODIFY:
            waits = event.kind is Kind.PENDING_MODIFY
            kind = {"type": event.type} if waits else {}
            return {"event": "MODIFY", **kind, **_levels(event)}, told or Told(volume=event.volume, waits=waits)
        case Kind.GROW:
            volume = event.volume if told is None else told.volume + event.volume - event.volume_before
            return {"event": "MODIFY", "volume": plain(volume), "price": plain(event.price)}, Told(volume=volume)
        case _:
            return _opened(event)


def _opened(event: Event) -> tuple[dict[str, Any], Told | None]:
    opened: dict[str, Any] = {
        "symbol": event.symbol,
        "type": event.type,
        "volume": plain(event.volume),
        **_levels(event),
    }
    if event.contract is not None:
        opened["contract"] = {**to_builtins(event.contract), "size": plain(event.contract.size)}
    return {"event": "OPEN", **opened}, Told(volume=event.volume, waits=event.kind is Kind.PENDING)


def _shrunk(event: Event, told: Told | None, sender: Sender) -> tuple[dict[str, Any], Told | None]:
    """v0 has no id by which a repeat is known: there the rest is told, which may be told twice."""
    price = {"price": plain(event.price)}
    if told is None:
        return {"event": "MODIFY", "volume": plain(event.volume), **price}, Told(volume=event.volume)
    part = (told.volume * event.fraction).quantize(VOLUME_STEP, rounding=ROUND_HALF_EVEN)
    left = Told(volume=told.volume - part)
    if sender.signs_v0:
        return {"event": "MODIFY", "volume": plain(left.volume), **price}, left
    return {"event": "CLOSE", "volume": plain(part), **price}, left


def _levels(event: Event) -> dict[str, str]:
    names = ("price", "sl", "tp", "stoplimit") if event.stoplimit else ("price", "sl", "tp")
    until = {} if event.expires_at is None else {"expiration": event.expires_at.isoformat()}
    return {name: plain(getattr(event, name)) for name in names} | until


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _message_id(event: Event, sender: Sender) -> str:
    """The same for every attempt. What has no deal of its own may come again after the journal was lost: it is numbered."""
    once = event.kind not in {Kind.MODIFY, Kind.PENDING_MODIFY}
    parts = (sender.account, event.identifier, event.kind, event.detail, "" if once else sender.nonce)
    return "mt5_" + hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:40]
