"""Orders that wait: placing, changing and removing them, and what becomes of one whose price has come."""

from decimal import Decimal

from copydesk.simulators.metatrader5.broker import rules
from copydesk.simulators.metatrader5.broker.account import ORDERS_MAX, Account
from copydesk.simulators.metatrader5.broker.dealing import affordable, fill
from copydesk.simulators.metatrader5.broker.instruments import Instrument
from copydesk.simulators.metatrader5.broker.records import NOTHING, Order, Outcome, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import (
    Filling,
    Lifetime,
    OrderState,
    OrderType,
    Retcode,
)

_DAY_MS = 86_400_000
_BOC_FLAG = 4
_Terms = tuple[Decimal, Decimal, Decimal, Decimal, Lifetime, int]


def check_placing(venue: Venue, account: Account, request: Request) -> tuple[OrderType, Filling, Lifetime]:
    """Raises Refused."""
    each = rules.instrument_of(venue.quotes, request.symbol)
    order_type = _type_of(request.type)
    rules.check_market(venue.quotes, each)
    rules.check_direction(each, buy=order_type.is_buy)
    rules.check_volume(each, request.volume)
    rules.check_volume_limit(account, each, request.volume, buy=order_type.is_buy)
    try:
        filling = Filling(request.type_filling)
    except ValueError:
        raise Refused(Retcode.INVALID_FILL) from None
    if filling is Filling.BOC and not each.filling_flags & _BOC_FLAG:
        raise Refused(Retcode.INVALID_FILL)
    _check_prices(venue, each, order_type, request)
    lifetime = rules.check_expiration(request, venue.now_ms)
    if len(account.orders) >= ORDERS_MAX:
        raise Refused(Retcode.LIMIT_ORDERS)
    return order_type, filling, lifetime


def place(venue: Venue, account: Account, request: Request) -> Outcome:
    """Raises Refused."""
    order_type, filling, lifetime = check_placing(venue, account, request)
    order = Order(
        ticket=venue.next_ticket(),
        symbol=request.symbol,
        type=order_type,
        volume_initial=request.volume,
        volume_current=request.volume,
        price=request.price,
        price_stoplimit=request.stoplimit,
        sl=request.sl,
        tp=request.tp,
        time_setup_msc=venue.now_ms,
        expiration_s=_expires_s(request, lifetime, venue.now_ms),
        lifetime=lifetime,
        filling=filling,
        state=OrderState.PLACED,
        magic=request.magic,
        reason=request.reason,
        comment=request.comment,
    )
    account.orders[order.ticket] = order
    return Outcome(order=order.ticket, volume=request.volume, price=request.price)


def modify(venue: Venue, account: Account, request: Request) -> Outcome:
    """Price, levels and lifetime; a level that is left out is removed. Raises Refused."""
    order, wanted = check_changing(venue, account, request)
    order.price, order.price_stoplimit, order.sl, order.tp, order.lifetime, order.expiration_s = wanted
    return Outcome(order=order.ticket, volume=order.volume_current, price=order.price)


def check_changing(venue: Venue, account: Account, request: Request) -> tuple[Order, _Terms]:
    """The order, and its price, limit, levels, lifetime and expiration as they would be. Raises Refused."""
    order = find_waiting(account, request.order)
    each = venue.quotes.instruments[order.symbol]
    _check_distance(venue, each, order)
    lifetime = rules.check_expiration(request, venue.now_ms)
    _check_prices(venue, each, order.type, request)
    expiration = _expires_s(request, lifetime, venue.now_ms)
    wanted = (request.price, request.stoplimit, request.sl, request.tp, lifetime, expiration)
    if wanted == (order.price, order.price_stoplimit, order.sl, order.tp, order.lifetime, order.expiration_s):
        raise Refused(Retcode.NO_CHANGES)
    return order, wanted


def remove(venue: Venue, account: Account, request: Request) -> Outcome:
    """Raises Refused."""
    order = find_waiting(account, request.order)
    _check_distance(venue, venue.quotes.instruments[order.symbol], order)
    venue.finish(account, order, OrderState.CANCELED)
    return Outcome(order=order.ticket, volume=order.volume_current, price=order.price)


def find_waiting(account: Account, ticket: int) -> Order:
    """Raises Refused."""
    found = account.orders.get(ticket)
    if found is None:
        raise Refused(Retcode.INVALID_ORDER if ticket in account.old_orders else Retcode.INVALID)
    return found


def trigger(venue: Venue, account: Account, order: Order) -> None:
    """Expire it, arm it or fill it, as time and price have it."""
    if order.expiration_s and venue.now_ms >= order.expiration_s * 1_000:
        venue.finish(account, order, OrderState.EXPIRED)
        return
    if not venue.quotes.is_open(order.symbol) or not _has_come(venue, order):
        return
    if order.type.is_stop_limit:
        order.type = OrderType.BUY_LIMIT if order.type.is_buy else OrderType.SELL_LIMIT
        order.price, order.price_stoplimit = order.price_stoplimit, NOTHING
        if not _has_come(venue, order):
            return
    held = None if account.is_hedging else account.held(order.symbol)
    closes = held if held is not None and held.is_buy != order.type.is_buy else None
    opens = order.volume_current if closes is None else order.volume_current - closes.volume
    if opens > 0 and not affordable(venue, account, order.symbol, opens, buy=order.type.is_buy, without=closes):
        venue.finish(account, order, OrderState.REJECTED)
        return
    fill(venue, account, order, order.volume_current, closes=closes)
    venue.finish(account, order, OrderState.FILLED)


def _has_come(venue: Venue, order: Order) -> bool:
    market = venue.quotes.price(order.symbol, buy=order.type.is_buy)
    below = order.type.is_buy == order.type.is_limit
    return market <= order.price if below else market >= order.price


def _type_of(number: int) -> OrderType:
    try:
        found = OrderType(number)
    except ValueError:
        raise Refused(Retcode.INVALID) from None
    if not found.is_pending:
        raise Refused(Retcode.INVALID)
    return found


def _check_prices(venue: Venue, each: Instrument, order_type: OrderType, request: Request) -> None:
    """Levels of a waiting order stand relative to its own price; a stop-limit's to the limit it becomes."""
    rules.check_pending_price(venue.quotes, each, order_type, request.price, request.stoplimit)
    opens = request.stoplimit if order_type.is_stop_limit else request.price
    rules.check_stops(each, buy=order_type.is_buy, sl=request.sl, tp=request.tp, bid=opens, ask=opens)


def _check_distance(venue: Venue, each: Instrument, order: Order) -> None:
    market = venue.quotes.price(order.symbol, buy=order.type.is_buy)
    if each.freeze_level and abs(market - order.price) <= each.freeze_level * each.point:
        raise Refused(Retcode.FROZEN)


def _expires_s(request: Request, lifetime: Lifetime, now_ms: int) -> int:
    """Seconds of the server's clock, 0 for never; a day ends at its midnight."""
    match lifetime:
        case Lifetime.GTC:
            return 0
        case Lifetime.DAY:
            return (now_ms // _DAY_MS + 1) * _DAY_MS // 1_000
        case Lifetime.SPECIFIED:
            return request.expiration
        case Lifetime.SPECIFIED_DAY:
            return (request.expiration * 1_000 // _DAY_MS + 1) * _DAY_MS // 1_000
