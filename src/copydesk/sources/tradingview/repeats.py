"""What makes a repeat of an alert recognisable, and for how long; a ticker and a second never do."""

import hashlib
import json
from collections.abc import Sequence

from copydesk.sources.tradingview.fields import Field, Fields

ID_NAMES = ("id", "signalid", "eventid")

DAY_S = 86_400
BODY_TTL_S = 60
"""The same words a minute later are a new alert; within it they are TradingView's resend."""

Key = tuple[str, int]


def read_key(fields: Fields, body: bytes) -> Key:
    """An explicit id, else the order and its moment, else the whole body."""
    explicit = _text(next(iter(fields.at_top(*ID_NAMES)), None))
    if explicit is not None:
        return f"id:{_digest(explicit.encode())}", DAY_S
    order_id, timenow = _text(fields.first("orderid")), _text(fields.first("timenow"))
    if order_id is not None and timenow is not None:
        more = (("action", "orderaction"), ("contracts", "ordercontracts"), ("qty",), ("marketposition",))
        told = json.dumps([order_id, timenow, *(_text(fields.first(*names)) or "" for names in more)])
        return f"order:{_digest(told.encode())}", DAY_S
    return f"body:{_digest(body)}", BODY_TTL_S


def apart(keys: Sequence[Key]) -> list[Key]:
    """Of several instructions in one alert: two that share an id (or the body) are two all the same."""
    if len(keys) == 1:
        return list(keys)
    names = [key for key, _ in keys]
    return [(key if names.count(key) == 1 else f"{key}:{number}", ttl_s) for number, (key, ttl_s) in enumerate(keys)]


def _text(field: Field | None) -> str | None:
    if field is None or not isinstance(field.value, str | int) or isinstance(field.value, bool):
        return None
    return str(field.value).strip()


def _digest(told: bytes) -> str:
    return hashlib.sha256(told).hexdigest()
