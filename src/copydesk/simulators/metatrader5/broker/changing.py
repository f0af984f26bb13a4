"""What changes positions without a market order: their levels, and closing one by its opposite."""

from copydesk.simulators.metatrader5.broker import rules
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.dealing import reduce
from copydesk.simulators.metatrader5.broker.records import Order, Outcome, Position, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Entry, OrderState, OrderType, Retcode


def check_levels(venue: Venue, account: Account, request: Request) -> Position:
    """Raises Refused; NO_CHANGES where nothing would change."""
    position = _find(account, request)
    each = venue.quotes.instruments[position.symbol]
    rules.check_market(venue.quotes, each)
    if (request.sl, request.tp) == (position.sl, position.tp):
        raise Refused(Retcode.NO_CHANGES)
    rules.check_frozen(venue.quotes, each, position)
    quote = venue.quotes.now(position.symbol)
    rules.check_stops(each, buy=position.is_buy, sl=request.sl, tp=request.tp, bid=quote.bid, ask=quote.ask)
    return position


def set_levels(venue: Venue, account: Account, request: Request) -> Outcome:
    """Leaves no deal and no order; a level that is left out is removed. Raises Refused."""
    position = check_levels(venue, account, request)
    position.sl, position.tp = request.sl, request.tp
    position.time_update_msc = venue.now_ms
    return Outcome()


def check_pair(venue: Venue, account: Account, request: Request) -> tuple[Position, Position]:
    """Raises Refused."""
    if not account.is_hedging:
        raise Refused(Retcode.INVALID)
    first, second = _held(account, request.position), _held(account, request.position_by)
    if first.symbol != second.symbol or first.is_buy == second.is_buy:
        raise Refused(Retcode.INVALID)
    rules.check_market(venue.quotes, venue.quotes.instruments[first.symbol])
    return first, second


def close_by(venue: Venue, account: Account, request: Request) -> Outcome:
    """Two OUT_BY deals; the first takes the result, priced where the other was opened. Raises Refused."""
    first, second = check_pair(venue, account, request)
    volume = min(first.volume, second.volume)
    order = Order(
        ticket=venue.next_ticket(),
        symbol=first.symbol,
        type=OrderType.CLOSE_BY,
        volume_initial=volume,
        volume_current=volume - volume,
        price=second.price_open,
        time_setup_msc=venue.now_ms,
        magic=request.magic,
        reason=request.reason,
        comment=request.comment,
        position_by_id=second.identifier,
    )
    ticket = reduce(venue, account, order, first, volume, second.price_open, entry=Entry.OUT_BY)
    reduce(venue, account, order, second, volume, second.price_open, entry=Entry.OUT_BY)
    order.position_id = first.identifier
    venue.finish(account, order, OrderState.FILLED)
    return Outcome(order=order.ticket, deal=ticket, volume=volume, price=second.price_open)


def _find(account: Account, request: Request) -> Position:
    """By ticket; on netting accounts the symbol is enough."""
    if not request.position and not account.is_hedging:
        held = account.held(request.symbol)
        if held is not None:
            return held
    return _held(account, request.position)


def _held(account: Account, ticket: int) -> Position:
    found = account.positions.get(ticket)
    if found is None:
        raise Refused(Retcode.POSITION_CLOSED if account.knew(ticket) else Retcode.INVALID)
    return found
