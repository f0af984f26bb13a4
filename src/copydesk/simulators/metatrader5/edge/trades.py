"""Trade requests as a terminal hands them on: read, held up by its own switches, answered with a result struct."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.simulators.metatrader5.broker import trading
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.records import Outcome, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.valuation import value_of
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Reason, Retcode, text_of
from copydesk.simulators.metatrader5.edge.terminals import Terminal, TerminalError

Json = dict[str, Any]
_NO_API = (-8, "Auto-Trading using Python API disabled in Terminal")
_PLACES = Decimal("0.00000001")
_EXACT = ("volume", "price", "stoplimit", "sl", "tp")
_WHOLE = (
    "action",
    "deviation",
    "type",
    "type_filling",
    "type_time",
    "expiration",
    "magic",
    "order",
    "position",
    "position_by",
)
_TOLD_PRICES = {Retcode.REQUOTE, Retcode.PRICE_CHANGED, Retcode.PRICE_OFF}


def read_request(wish: Mapping[str, Any], reason: Reason = Reason.EXPERT) -> Request:
    """Raises Refused for what is no number. Binary fractions are rounded to eight places, finer than any step."""
    numbers: dict[str, Any] = {name: exact(wish.get(name, 0)) for name in _EXACT}
    numbers |= {name: int(wish.get(name, 0)) for name in _WHOLE}
    return Request(
        reason=reason,
        symbol=wish.get("symbol", ""),
        comment=wish.get("comment", ""),
        **numbers,
    )


def exact(value: Any) -> Decimal:
    """Raises Refused for what is no number of ordinary size."""
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise Refused(Retcode.INVALID)
    return number.quantize(_PLACES)


def send(
    venue: Venue,
    account: Account,
    terminal: Terminal,
    wish: Mapping[str, Any],
    *,
    reason: Reason = Reason.EXPERT,
    half: bool = False,
) -> Json:
    """OrderSendResult without its request. ``half``: fill only half of a market order. Raises TerminalError."""
    try:
        request = read_request(wish, reason)
        _pass_switches(terminal, request)
        outcome = trading.send(venue, account, request, most=request.volume / 2 if half else None)
    except Refused as refused:
        return refusal(venue, terminal, wish, refused.code)
    code = Retcode.DONE_PARTIAL if outcome.partial else Retcode.DONE
    return _result(venue, terminal, wish, code, outcome)


def check(venue: Venue, account: Account, terminal: Terminal, wish: Mapping[str, Any]) -> Json:
    """OrderCheckResult without its request. Raises TerminalError."""
    code = Retcode.OK
    value = value_of(account, venue.quotes)
    margin = value.margin
    try:
        request = read_request(wish)
        _pass_switches(terminal, request)
        margin = trading.check(venue, account, request).margin
    except Refused as refused:
        code = refused.code
    return {
        "retcode": int(code),
        "balance": float(value.balance),
        "equity": float(value.equity),
        "profit": float(value.profit),
        "margin": float(margin),
        "margin_free": float(value.equity - margin),
        "margin_level": round(float(value.equity / margin * 100), 2) if margin else 0.0,
        "comment": text_of(code),
    }


def refusal(venue: Venue, terminal: Terminal, wish: Mapping[str, Any], code: Retcode) -> Json:
    """Nothing happened, and this is why."""
    return _result(venue, terminal, wish, code, Outcome())


def _pass_switches(terminal: Terminal, request: Request) -> None:
    """AutoTrading and the API's own switch stop programs, a lost connection stops hands too."""
    if request.reason is Reason.EXPERT:
        if terminal.tradeapi_disabled:
            raise TerminalError(*_NO_API)
        if not terminal.trade_allowed:
            raise Refused(Retcode.CLIENT_DISABLES_AT)
    if not terminal.connected:
        raise Refused(Retcode.CONNECTION)
    if terminal.investor:
        raise Refused(Retcode.TRADE_DISABLED)


def _result(venue: Venue, terminal: Terminal, wish: Mapping[str, Any], code: Retcode, outcome: Outcome) -> Json:
    symbol = wish.get("symbol", "")
    told = symbol in venue.quotes.instruments and (bool(outcome.deal) or code in _TOLD_PRICES)
    quote = venue.quotes.now(symbol) if told else None
    return {
        "retcode": int(code),
        "deal": outcome.deal,
        "order": outcome.order,
        "volume": float(outcome.volume),
        "price": float(outcome.price),
        "bid": 0.0 if quote is None else float(quote.bid),
        "ask": 0.0 if quote is None else float(quote.ask),
        "comment": text_of(code),
        "request_id": terminal.next_request(),
        "retcode_external": 0,
    }
