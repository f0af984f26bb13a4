"""What the server asks of every request before it does anything; each refusal names its code."""

from decimal import Decimal

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.instruments import Instrument
from copydesk.simulators.metatrader5.broker.quotes import Quotes
from copydesk.simulators.metatrader5.broker.records import Position, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.words import (
    Action,
    Execution,
    Filling,
    Lifetime,
    OrderType,
    Reason,
    Retcode,
    TradeMode,
)

_FILLINGS = {Filling.FOK: 1, Filling.IOC: 2, Filling.BOC: 4}


def check_permissions(account: Account, request: Request) -> None:
    """Investors look; a program needs the server's leave, a hand does not."""
    if not account.trade_allowed:
        raise Refused(Retcode.TRADE_DISABLED)
    if request.reason is Reason.EXPERT and not account.trade_expert:
        raise Refused(Retcode.SERVER_DISABLES_AT)


def instrument_of(quotes: Quotes, symbol: str) -> Instrument:
    found = quotes.instruments.get(symbol)
    if found is None:
        raise Refused(Retcode.INVALID)
    return found


def check_market(quotes: Quotes, each: Instrument) -> None:
    if each.trade_mode is TradeMode.DISABLED:
        raise Refused(Retcode.TRADE_DISABLED)
    if not quotes.is_open(each.name):
        raise Refused(Retcode.MARKET_CLOSED)


def check_direction(each: Instrument, *, buy: bool) -> None:
    """Of what opens; a close may always pass."""
    if each.trade_mode is TradeMode.CLOSE_ONLY:
        raise Refused(Retcode.CLOSE_ONLY)
    if each.trade_mode is TradeMode.LONG_ONLY and not buy:
        raise Refused(Retcode.LONG_ONLY)
    if each.trade_mode is TradeMode.SHORT_ONLY and buy:
        raise Refused(Retcode.SHORT_ONLY)


def check_volume(each: Instrument, volume: Decimal) -> None:
    if not each.volume_min <= volume <= each.volume_max or volume % each.volume_step:
        raise Refused(Retcode.INVALID_VOLUME)


def check_volume_limit(account: Account, each: Instrument, volume: Decimal, *, buy: bool) -> None:
    if not each.volume_limit:
        return
    held = sum(p.volume for p in account.positions.values() if p.symbol == each.name and p.is_buy == buy)
    waits = sum(o.volume_current for o in account.orders.values() if o.symbol == each.name and o.type.is_buy == buy)
    if held + waits + volume > each.volume_limit:
        raise Refused(Retcode.LIMIT_VOLUME)


def check_filling(each: Instrument, request: Request) -> Filling:
    """Market orders: by execution and mask. The mask is not the enum, which is why 10030 is so common."""
    try:
        filling = Filling(request.type_filling)
    except ValueError:
        raise Refused(Retcode.INVALID_FILL) from None
    if filling is Filling.BOC and request.action == Action.DEAL:
        raise Refused(Retcode.INVALID_FILL)
    allowed = each.filling_flags & _FILLINGS.get(filling, 0) != 0
    if each.execution in {Execution.REQUEST, Execution.INSTANT}:
        allowed = allowed or filling is Filling.FOK
    if each.execution is Execution.EXCHANGE:
        allowed = allowed or filling is Filling.RETURN
    if not allowed:
        raise Refused(Retcode.INVALID_FILL)
    return filling


def check_price(quotes: Quotes, each: Instrument, request: Request, *, buy: bool) -> None:
    """Instant and Request execution: the asked price, give or take ``deviation`` points. Market and Exchange ignore both."""
    if each.execution in {Execution.MARKET, Execution.EXCHANGE}:
        return
    if request.price <= 0:
        raise Refused(Retcode.INVALID_PRICE)
    if abs(quotes.price(each.name, buy=buy) - request.price) > request.deviation * each.point:
        raise Refused(Retcode.REQUOTE)


def check_stops(each: Instrument, *, buy: bool, sl: Decimal, tp: Decimal, bid: Decimal, ask: Decimal) -> None:
    """Against the price at which the position would close: bid for a buy, ask for a sell. 0 is no level."""
    near = each.stops_level * each.point
    if sl < 0 or tp < 0:
        raise Refused(Retcode.INVALID_STOPS)
    if buy:
        wrong = (sl and sl > bid - near) or (tp and tp < bid + near)
    else:
        wrong = (sl and sl < ask + near) or (tp and tp > ask - near)
    if wrong:
        raise Refused(Retcode.INVALID_STOPS)


def check_pending_price(
    quotes: Quotes, each: Instrument, order_type: OrderType, price: Decimal, limit: Decimal
) -> None:
    """Limits wait on the better side of the market, stops on the worse one, both outside ``stops_level``."""
    buy, near = order_type.is_buy, each.stops_level * each.point
    market = quotes.price(each.name, buy=buy)
    below = buy == order_type.is_limit
    if price <= 0 or (price >= market - near if below else price <= market + near):
        raise Refused(Retcode.INVALID_PRICE)
    if order_type.is_stop_limit and (limit <= 0 or (limit > price if buy else limit < price)):
        raise Refused(Retcode.INVALID_PRICE)


def check_expiration(request: Request, now_ms: int) -> Lifetime:
    try:
        lifetime = Lifetime(request.type_time)
    except ValueError:
        raise Refused(Retcode.INVALID_EXPIRATION) from None
    timed = lifetime in {Lifetime.SPECIFIED, Lifetime.SPECIFIED_DAY}
    if timed and request.expiration * 1_000 <= now_ms:
        raise Refused(Retcode.INVALID_EXPIRATION)
    return lifetime


def check_frozen(quotes: Quotes, each: Instrument, position: Position) -> None:
    """Inside the freeze level nothing about a position may be changed or closed by hand."""
    if not each.freeze_level:
        return
    price = quotes.price(each.name, buy=not position.is_buy)
    near = each.freeze_level * each.point
    if any(level and abs(price - level) <= near for level in (position.sl, position.tp)):
        raise Refused(Retcode.FROZEN)
