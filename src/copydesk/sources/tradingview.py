"""TradingView alerts: JSON as people really send it, read into an Instruction or refused with what was missing.

Shapes: `{"ticker","action","price"}` (8), `{"tv_instrument","action","strategy_info":{…},"order":{…}}` (9),
`{"action":"open","side":"long","symbol"}` (16) of docs/tradingview.md.
"""

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.instrument import canonical_symbol
from copydesk.domain.signal import Instruction, Target
from copydesk.sources.words import DIRECTIONS, NO_VALUE, read_action, read_number

SECRET_NAMES = ("secret", "passphrase", "signalToken", "token", "key")
SYMBOL_NAMES = ("ticker", "symbol", "tv_instrument", "instrument", "pair")
ACTION_NAMES = ("action", "signal", "order")
PRICE_NAMES = ("price", "trigger_price", "close")
ID_NAMES = ("id", "signal_id", "event_id")

DAY_S = 86_400
BODY_TTL_S = 60
"""The same words a minute later are a new alert; within it they are TradingView's resend."""

TEXT_MAX = 200

_PLACEHOLDER = re.compile(r"\{\{[^}]*\}?\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An alert before anything in it is believed: its secret, and its document where it is a JSON object."""

    secret: str | None
    document: Mapping[str, Any] | None
    body: bytes


def open_alert(body: bytes) -> Envelope:
    """Never raises: whether the sender may speak is decided before what they say."""
    try:
        document = _storable(json.loads(body.decode("utf-8-sig"), parse_constant=str, parse_float=Decimal))
    except (ValueError, RecursionError, InvalidOperation):
        return Envelope(secret=None, document=None, body=body)
    if not isinstance(document, dict):
        return Envelope(secret=None, document=None, body=body)
    secret = next((document[name] for name in SECRET_NAMES if isinstance(document.get(name), str)), None)
    return Envelope(secret=secret, document=document, body=body)


def _storable(value: Any) -> Any:
    """Text without NUL and half surrogates, which no database takes."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def read_alert(alert: Envelope, received_at: datetime) -> Instruction:
    """Raise InvalidInput naming each field that is missing or not understood."""
    del received_at  # the same alert means the same whenever it comes
    text = alert.body.decode(errors="replace")
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is not None:
        raise _refusal(
            "placeholder",
            "body",
            f"{placeholder.group()[:TEXT_MAX]} was not filled in by TradingView: strategy placeholders need an alert "
            "made from a strategy",
        )
    document = alert.document
    if document is None:
        raise _refusal(
            "not_understood", "body", 'a JSON object like {"ticker": "BTCUSDT", "action": "buy"} is expected'
        )
    return _read_document(document, alert.body)


def _read_document(document: Mapping[str, Any], body: bytes) -> Instruction:
    ticker = _text(document, SYMBOL_NAMES)
    word = _text(document, ACTION_NAMES) or _text(document, ("side",))
    symbol = canonical_symbol(ticker) if ticker else None
    action = read_action(word, _text(document, ("side",))) if word else None
    problems = []
    if symbol is None:
        problems.append(FieldError("ticker", _problem(ticker, "a symbol like BTCUSDT or BINANCE:BTCUSDT.P")))
    if action is None:
        right = "buy, sell, close, or open with a side of long or short"
        problems.append(FieldError("action", _problem(word, right)))
    price, target = _price(document, problems), _target(document, problems)
    if problems or symbol is None or action is None or ticker is None:
        summary = "; ".join(f"{one.field}: {one.problem}" for one in problems)
        raise InvalidInput(f"the alert is not understood: {summary}", tuple(problems), code="not_understood")
    key, ttl_s = _key(document, body)
    return Instruction(
        ticker=ticker,
        symbol=symbol,
        action=action,
        key=key,
        key_ttl_s=ttl_s,
        price=price,
        target=target,
        payload=_without_secrets(document),
    )


def _without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Neither under its names nor anywhere as a value."""
    secrets = [value for name in SECRET_NAMES if isinstance(value := document.get(name), str) and value]

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cleaned(one) for name, one in value.items() if name not in SECRET_NAMES}
        if isinstance(value, list):
            return [cleaned(one) for one in value]
        if isinstance(value, str):
            return functools.reduce(lambda text, secret: text.replace(secret, "(secret)"), secrets, value)
        return value

    return {name: cleaned(value) for name, value in document.items() if name not in SECRET_NAMES}


def _price(document: Mapping[str, Any], problems: list[FieldError]) -> Decimal | None:
    for name in PRICE_NAMES:
        try:
            number = read_number(document.get(name))
        except ValueError as error:
            problems.append(FieldError(name, str(error)))
            return None
        if number is not None:
            return number
    return None


def _target(document: Mapping[str, Any], problems: list[FieldError]) -> Target | None:
    """What a strategy says of its own position; absent in alerts that are not made from one."""
    info = document.get("strategy_info")
    told = info if isinstance(info, dict) else document
    word = _text(told, ("market_position", "marketPosition"))
    if word is None:
        return None
    direction = DIRECTIONS.get(word.lower())
    if direction is None:
        problems.append(FieldError("market_position", f"{word[:TEXT_MAX]!r} is none of long, short, flat"))
        return None
    before = _text(told, ("prev_market_position", "prevMarketPosition"))
    try:
        size = read_number(_first(told, ("market_position_size", "marketPositionSize")))
        previous = read_number(_first(told, ("prev_market_position_size", "prevMarketPositionSize")))
    except ValueError as error:
        problems.append(FieldError("market_position_size", str(error)))
        return None
    same = before is not None and DIRECTIONS.get(before.lower()) is direction
    return Target(
        direction=direction,
        size=None if size is None else abs(size),
        previous_size=abs(previous) if same and previous is not None else None,
    )


def _key(document: Mapping[str, Any], body: bytes) -> tuple[str, int]:
    """What makes a repeat recognisable, and for how long; a ticker and a second never do."""
    explicit = _text(document, ID_NAMES)
    if explicit is not None:
        return f"id:{hashlib.sha256(explicit.encode()).hexdigest()}", DAY_S
    order_id, timenow = _text(document, ("order_id", "orderId")), _text(document, ("timenow",))
    if order_id is not None and timenow is not None:
        parts = [order_id, timenow, *(_text(document, (name,)) or "" for name in ("action", "contracts", "qty"))]
        told = json.dumps([*parts, _text(document, ("market_position",))])
        return f"order:{hashlib.sha256(told.encode()).hexdigest()}", DAY_S
    return f"body:{hashlib.sha256(body).hexdigest()}", BODY_TTL_S


def _first(document: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((document[name] for name in names if document.get(name) is not None), None)


def _text(document: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first that says something: TradingView fills in NaN or na where it has nothing to say."""
    found = (document.get(name) for name in names)
    texts = (str(value).strip() for value in found if isinstance(value, str | int) and not isinstance(value, bool))
    return next((text for text in texts if text.lower() not in NO_VALUE), None)


def _problem(found: str | None, right: str) -> str:
    return f"missing: {right}" if found is None else f"{found[:TEXT_MAX]!r} is not understood: {right}"


def _refusal(code: str, field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"the alert is not understood: {problem}", (FieldError(field, problem),), code=code)
