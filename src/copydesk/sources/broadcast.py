"""Signed REST signals: a master's ticket as JSON, read into an Instruction or refused with what was missing.

`{"master_ticket", "symbol", "type", "volume", "price", "sl", "tp"}` and, where the sender tells them, `event`, `stoplimit`,
`expiration`, `position_id`, `comment`, `mt5_login`, `bot_id`; docs/signals-over-rest.md.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from copydesk.domain.bot import Bot, MarketType
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.instrument import canonical_symbol, plain
from copydesk.domain.signal import Action, Direction, Instruction, OrderKind, TicketEvent, TicketReport
from copydesk.domain.signing import Signed
from copydesk.sources.tradingview.figures import SHOWN_MAX, read_number

KEY_TTL_S = 86_400
"""A message that comes again within a day is the same message."""

NUMBER_MAX = 2**63 - 1
DIGITS_MAX = 10
CONTRACT_FIELDS_MAX = 20
DECIMALS_MAX = 8
"""Volumes are lots or coins: more digits than this are a mistake, and sums stay exact."""

TYPES: Mapping[str, Direction] = {"BUY": Direction.LONG, "SELL": Direction.SHORT}
EVENTS: Mapping[str, TicketEvent] = {one.value: one for one in TicketEvent} | {"PARTIAL_CLOSE": TicketEvent.CLOSE}

# A terminal's symbols keep the broker's own spelling: XAUUSD.m is another contract than XAUUSD.
_TERMINAL_SYMBOL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ._#&+-]{0,31}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A body: `raw` as JSON has it (what v0 signs), `document` the same with exact numbers; `content` is its fingerprint."""

    raw: Mapping[str, Any]
    document: Mapping[str, Any]
    content: str

    @property
    def mt5_login(self) -> str | None:
        """As digits, however it was written."""
        value = self.document.get("mt5_login")
        return None if value is None else str(value).strip()


def open_message(body: bytes, *, route: str) -> Message:
    """Raise InvalidInput for what is not one JSON object with names that are told once and numbers that are numbers.

    `route` is part of the fingerprint: the signature does not cover it, and a message means one thing only.
    """
    try:
        text = body.decode()
        raw = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        document = json.loads(text, parse_float=Decimal)
        json.dumps(raw, allow_nan=False)
        _refuse_unstorable(document)
    except (ValueError, RecursionError) as error:
        told = str(error) if isinstance(error, _Refused) else "it is not JSON text"
        raise _refusal(FieldError("body", told)) from error
    if not isinstance(raw, dict):
        raise _refusal(FieldError("body", 'a JSON object like {"master_ticket": 1, "symbol": "EURUSD", …} is expected'))
    content = hashlib.sha256(route.encode() + b"\0" + body).hexdigest()
    return Message(raw=raw, document=document, content=content)


def read_broadcast(message: Message, bot: Bot, signed: Signed, event: TicketEvent | None = None) -> Instruction:
    """Raise InvalidInput naming each field that is missing or not understood. `event` is what the route itself says."""
    document = message.document
    problems: list[FieldError] = []
    event = _event(document, event, problems)
    ends = event in {TicketEvent.CLOSE, TicketEvent.CANCEL}
    symbol, (direction, kind) = _symbol(document, bot, problems), (None, None) if ends else _type(document, problems)
    number = _ticket(document, problems)
    volume = _volume(document, problems)
    price, stop_loss, take_profit, limit = (
        _price(document, name, problems) for name in ("price", "sl", "tp", "stoplimit")
    )
    contract = _contract(document, problems)
    expires_at = _moment(document, "expiration", problems)
    if problems or number is None:
        raise _refusal(*problems)
    return Instruction(
        ticker=str(document["symbol"]).strip() if symbol else "",
        symbol=symbol or "",
        action=_action(direction, ends=ends),
        key=hashlib.sha256(signed.identity.encode()).hexdigest(),
        key_ttl_s=KEY_TTL_S,
        content=message.content,
        price=price,
        ticket=TicketReport(
            number=number,
            event=event,
            direction=direction,
            volume=volume,
            stop_loss=stop_loss,
            take_profit=take_profit,
            contract=contract,
            kind=kind,
            price=price,
            limit=limit,
            expires_at=expires_at,
        ),
        payload=document,
    )


class _Refused(ValueError):
    """JSON that Python reads and we do not."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a name stands there twice: which one counts?")
    return found


def _no_number(word: str) -> Any:
    raise _Refused(f"{word} is no number")


def _refuse_unstorable(value: Any) -> None:
    """NUL and half surrogates are no text that a database takes. Encoding raises for the latter."""
    if isinstance(value, str) and b"\0" in value.encode():
        raise _Refused("text holds a NUL")
    if isinstance(value, list):
        for one in value:
            _refuse_unstorable(one)
    if isinstance(value, dict):
        for name, one in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(one)


def _event(document: Mapping[str, Any], said: TicketEvent | None, problems: list[FieldError]) -> TicketEvent | None:
    told = document.get("event")
    if told is None:
        return said
    event = EVENTS.get(told.strip().upper()) if isinstance(told, str) else None
    if event is None or (said is not None and event is not said):
        right = said.value if said is not None else ", ".join(sorted(EVENTS))
        problems.append(FieldError("event", f"{_shown(told)} is not understood here: {right}, or leave it out"))
    return event


def _symbol(document: Mapping[str, Any], bot: Bot, problems: list[FieldError]) -> str | None:
    told = document.get("symbol")
    if told is None:
        return None
    text = told.strip() if isinstance(told, str) else ""
    if bot.market_type is MarketType.MT5:
        symbol = text if _TERMINAL_SYMBOL.match(text) else None
    else:
        symbol = canonical_symbol(text)
    if symbol is None:
        problems.append(FieldError("symbol", f"{_shown(told)} is not understood: a symbol like EURUSD or BTCUSDT"))
    return symbol


def _type(
    document: Mapping[str, Any], problems: list[FieldError]
) -> tuple[Direction, OrderKind | None] | tuple[None, None]:
    """A position's side; and how it waits, where it is an order that does."""
    told = document.get("type")
    if told is None:
        return None, None
    word = told.strip().upper() if isinstance(told, str) else ""
    if (direction := TYPES.get(word)) is not None:
        return direction, None
    if word in OrderKind.__members__:
        return OrderKind(word).direction, OrderKind(word)
    kinds = ", ".join([*TYPES, *OrderKind])
    problems.append(FieldError("type", f"{_shown(told)} is not understood: one of {kinds}"))
    return None, None


def _ticket(document: Mapping[str, Any], problems: list[FieldError]) -> int | None:
    told = document.get("master_ticket")
    text = str(told).strip() if isinstance(told, int | str) and not isinstance(told, bool) else ""
    if text.isascii() and text.isdigit() and len(text) <= len(str(NUMBER_MAX)) and 0 < int(text) <= NUMBER_MAX:
        return int(text)
    what = "missing" if told is None else f"{_shown(told)} is not understood"
    problems.append(FieldError("master_ticket", f"{what}: the ticket's number, above 0"))
    return None


def _volume(document: Mapping[str, Any], problems: list[FieldError]) -> Decimal | None:
    volume = _number(document, "volume", problems)
    if volume is None:
        return None
    exponent = volume.normalize().as_tuple().exponent
    if volume <= 0 or volume.adjusted() >= DIGITS_MAX or not isinstance(exponent, int) or exponent < -DECIMALS_MAX:
        right = f"above 0, at most {DIGITS_MAX} digits before and {DECIMALS_MAX} after the point"
        problems.append(FieldError("volume", f"{_shown(document['volume'])} is not a volume: {right}"))
        return None
    return volume


def _price(document: Mapping[str, Any], name: str, problems: list[FieldError]) -> Decimal | None:
    price = _number(document, name, problems)
    if price is not None and price < 0:
        problems.append(FieldError(name, f"{plain(price)} is below 0"))
    return price


def _moment(document: Mapping[str, Any], name: str, problems: list[FieldError]) -> datetime | None:
    """ISO 8601 with its zone."""
    told = document.get(name)
    if told is None:
        return None
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        problems.append(FieldError(name, f"{_shown(told)} is no moment: as 2026-11-30T17:00:00Z"))
        return None
    return moment.astimezone(UTC)


def _contract(document: Mapping[str, Any], problems: list[FieldError]) -> Mapping[str, str] | None:
    """What a lot is at the master's broker, as text: `size` in units of the base, and what else its terminal tells of it."""
    told = document.get("contract")
    if told is None:
        return None
    if not isinstance(told, dict) or len(told) > CONTRACT_FIELDS_MAX:
        problems.append(FieldError("contract", "an object with the size of a lot is expected"))
        return None
    size = _number(told, "size", problems)
    if size is not None and size <= 0:
        problems.append(FieldError("contract", f"size: {plain(size)} is not above 0"))
    return {name: str(value)[:SHOWN_MAX] for name, value in told.items() if value is not None}


def _number(document: Mapping[str, Any], name: str, problems: list[FieldError]) -> Decimal | None:
    told = document.get(name)
    if told is None:
        return None
    try:
        number = read_number(told) if isinstance(told, int | str | Decimal) else None
    except ValueError as error:
        problems.append(FieldError(name, str(error)))
        return None
    if number is None:
        problems.append(FieldError(name, f"{_shown(told)} is not a number"))
    return number


def _action(direction: Direction | None, *, ends: bool) -> Action:
    """Only a first guess: the bot's tickets say what it becomes."""
    opens = {Direction.LONG: Action.OPEN_LONG, Direction.SHORT: Action.OPEN_SHORT}
    return Action.CLOSE if ends else opens.get(direction or Direction.FLAT, Action.MODIFY)


def _shown(value: Any) -> str:
    return repr(value if isinstance(value, str) else str(value))[: SHOWN_MAX + 2]


def _refusal(*problems: FieldError) -> InvalidInput:
    summary = "; ".join(f"{one.field}: {one.problem}" for one in problems)
    return InvalidInput(f"the message is not understood: {summary}", problems, code="not_understood")
