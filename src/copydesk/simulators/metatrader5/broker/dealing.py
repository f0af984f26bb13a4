"""Market orders: what they open, add to, reduce, close or turn, on hedging and on netting accounts."""

from decimal import Decimal

from copydesk.simulators.metatrader5.broker import rules
from copydesk.simulators.metatrader5.broker.account import POSITIONS_MAX, Account
from copydesk.simulators.metatrader5.broker.instruments import Instrument
from copydesk.simulators.metatrader5.broker.records import Order, Outcome, Position, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.valuation import margin_of, value_of
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Entry, Filling, OrderState, OrderType, Reason, Retcode


def check_deal(venue: Venue, account: Account, request: Request) -> Decimal:
    """The volume that would be filled now, with everything checked. Raises Refused."""
    each = rules.instrument_of(venue.quotes, request.symbol)
    if request.type not in {OrderType.BUY, OrderType.SELL}:
        raise Refused(Retcode.INVALID)
    buy = request.type == OrderType.BUY
    rules.check_market(venue.quotes, each)
    filling = rules.check_filling(each, request)
    closing = closed_by(account, request)
    if closing is None or request.volume != closing.volume:
        rules.check_volume(each, request.volume)
    if closing is not None:
        rules.check_frozen(venue.quotes, each, closing)
    rules.check_price(venue.quotes, each, request, buy=buy)
    _check_levels(venue, each, request, closing, buy=buy)
    volume = _filled(each, request, filling)
    opens = volume if closing is None else max(volume - closing.volume, Decimal(0))
    if opens:
        _check_opening(venue, account, request, each, opens, closing, buy=buy)
    return volume


def deal(venue: Venue, account: Account, request: Request, *, most: Decimal | None = None) -> Outcome:
    """``most``: fill no more than this, as a market with little in it. Raises Refused."""
    volume = check_deal(venue, account, request)
    if most is not None:
        volume = min(volume, most)
    buy = request.type == OrderType.BUY
    order = venue.market_order(request, OrderType(request.type), volume, venue.quotes.price(request.symbol, buy=buy))
    state = OrderState.FILLED if volume == request.volume else OrderState.CANCELED
    outcome = fill(venue, account, order, volume, closes=closed_by(account, request))
    venue.finish(account, order, state)
    return outcome


def closed_by(account: Account, request: Request) -> Position | None:
    """The position this deal works against, if any. Raises Refused where it is gone or does not fit."""
    buy = request.type == OrderType.BUY
    if not account.is_hedging:
        held = account.held(request.symbol)
        return held if held is not None and held.is_buy != buy else None
    if not request.position:
        return None
    found = account.positions.get(request.position)
    if found is None:
        raise Refused(Retcode.POSITION_CLOSED if account.knew(request.position) else Retcode.INVALID)
    if found.symbol != request.symbol or found.is_buy == buy:
        raise Refused(Retcode.INVALID)
    if request.volume > found.volume:
        raise Refused(Retcode.INVALID_CLOSE_VOLUME)
    return found


def fill(
    venue: Venue,
    account: Account,
    order: Order,
    volume: Decimal,
    *,
    closes: Position | None = None,
    price: Decimal | None = None,
) -> Outcome:
    """Do it, without a further question: ``closes`` is reduced first, what is left of the volume opens or adds."""
    price = venue.quotes.price(order.symbol, buy=order.type.is_buy) if price is None else price
    if closes is None:
        ticket = _open(venue, account, order, volume, price)
    elif volume <= closes.volume:
        ticket = reduce(venue, account, order, closes, volume, price)
    else:
        ticket = _turn(venue, account, order, closes, volume, price)
    order.volume_current = order.volume_initial - volume
    return Outcome(order=order.ticket, deal=ticket, volume=volume, price=price, partial=volume < order.volume_initial)


def reduce(
    venue: Venue,
    account: Account,
    order: Order,
    position: Position,
    volume: Decimal,
    price: Decimal,
    *,
    entry: Entry = Entry.OUT,
    reason: Reason | None = None,
) -> int:
    """Close a position or a part of it, with its share of the swap; the deal's ticket."""
    order.position_id = position.identifier
    profit = _result(venue, account, position, volume, price)
    swap = (position.swap * volume / position.volume).quantize(Decimal("0.01"))
    position.swap -= swap
    position.volume -= volume
    position.time_update_msc = venue.now_ms
    if not position.volume:
        del account.positions[position.ticket]
    done = venue.note_deal(
        account,
        order,
        entry=entry,
        volume=volume,
        price=price,
        position_id=position.identifier,
        buy=not position.is_buy,
        profit=profit,
        swap=swap,
        reason=reason,
    )
    return done.ticket


def _open(venue: Venue, account: Account, order: Order, volume: Decimal, price: Decimal) -> int:
    held = None if account.is_hedging else account.held(order.symbol)
    if held is None:
        held = _new_position(venue, order, volume, price)
        account.positions[held.ticket] = held
    else:
        _add(venue, held, order, volume, price)
    order.position_id = held.identifier
    done = venue.note_deal(
        account,
        order,
        entry=Entry.IN,
        volume=volume,
        price=price,
        position_id=held.identifier,
        buy=order.type.is_buy,
    )
    return done.ticket


def _new_position(venue: Venue, order: Order, volume: Decimal, price: Decimal) -> Position:
    return Position(
        ticket=order.ticket,
        identifier=order.ticket,
        symbol=order.symbol,
        is_buy=order.type.is_buy,
        volume=volume,
        price_open=price,
        time_msc=venue.now_ms,
        time_update_msc=venue.now_ms,
        sl=order.sl,
        tp=order.tp,
        magic=order.magic,
        reason=order.reason,
        comment=order.comment,
    )


def _add(venue: Venue, held: Position, order: Order, volume: Decimal, price: Decimal) -> None:
    """The open price becomes the weighted average; levels that the order gives replace the old ones."""
    whole = held.volume + volume
    held.price_open = ((held.price_open * held.volume + price * volume) / whole).quantize(Decimal("0.00000001"))
    held.volume = whole
    held.sl, held.tp = order.sl or held.sl, order.tp or held.tp
    held.time_update_msc = venue.now_ms


def _turn(venue: Venue, account: Account, order: Order, held: Position, volume: Decimal, price: Decimal) -> int:
    """Netting: one INOUT deal of the whole volume; the position goes on with the order's ticket and its old identifier."""
    profit, swap = _result(venue, account, held, held.volume, price), held.swap
    del account.positions[held.ticket]
    turned = _new_position(venue, order, volume - held.volume, price)
    turned.identifier = order.position_id = held.identifier
    account.positions[turned.ticket] = turned
    done = venue.note_deal(
        account,
        order,
        entry=Entry.INOUT,
        volume=volume,
        price=price,
        position_id=held.identifier,
        buy=order.type.is_buy,
        profit=profit,
        swap=swap,
    )
    return done.ticket


def _result(venue: Venue, account: Account, position: Position, volume: Decimal, price: Decimal) -> Decimal:
    return venue.quotes.profit(
        venue.quotes.instruments[position.symbol],
        buy=position.is_buy,
        volume=volume,
        opened=position.price_open,
        closed=price,
        currency=account.currency,
    )


def _filled(each: Instrument, request: Request, filling: Filling) -> Decimal:
    """IOC takes what is there, FOK all or nothing; RETURN finds everything."""
    if request.volume <= each.liquidity or filling is Filling.RETURN:
        return request.volume
    if filling is Filling.FOK:
        raise Refused(Retcode.REJECT)
    return each.liquidity


def _check_levels(venue: Venue, each: Instrument, request: Request, closing: Position | None, *, buy: bool) -> None:
    """A deal that only closes has no levels of its own."""
    if closing is None or request.volume > closing.volume:
        quote = venue.quotes.now(each.name)
        rules.check_stops(each, buy=buy, sl=request.sl, tp=request.tp, bid=quote.bid, ask=quote.ask)


def _check_opening(
    venue: Venue,
    account: Account,
    request: Request,
    each: Instrument,
    volume: Decimal,
    closing: Position | None,
    *,
    buy: bool,
) -> None:
    rules.check_direction(each, buy=buy)
    rules.check_volume_limit(account, each, volume, buy=buy)
    adds = not account.is_hedging and account.held(each.name) is not None
    if not adds and len(account.positions) >= POSITIONS_MAX:
        raise Refused(Retcode.LIMIT_POSITIONS)
    if not affordable(venue, account, request.symbol, volume, buy=buy, without=closing):
        raise Refused(Retcode.NO_MONEY)


def affordable(
    venue: Venue, account: Account, symbol: str, volume: Decimal, *, buy: bool, without: Position | None = None
) -> bool:
    """Whether equity carries the margin that the new volume asks for, and the spread it loses at once.

    What binds no more than before, a hedge, may always pass.
    """
    extra = _imagined(venue, symbol, volume, buy=buy)
    spread = _result(venue, account, extra, volume, venue.quotes.price(symbol, buy=not buy))
    before = margin_of(account, venue.quotes)
    needed = margin_of(account, venue.quotes, extra=extra, without=without)
    return needed <= before or value_of(account, venue.quotes).equity + spread >= needed


def wanted_margin(venue: Venue, account: Account, request: Request) -> Decimal:
    """Margin of the whole account if this deal were done; no more than now where it only closes."""
    closing = closed_by(account, request)
    opens = request.volume if closing is None else max(request.volume - closing.volume, Decimal(0))
    if not opens:
        return margin_of(account, venue.quotes)
    extra = _imagined(venue, request.symbol, opens, buy=OrderType(request.type).is_buy)
    return margin_of(account, venue.quotes, extra=extra, without=closing)


def _imagined(venue: Venue, symbol: str, volume: Decimal, *, buy: bool) -> Position:
    """A position opened now, for the sake of its margin."""
    return Position(
        ticket=0,
        identifier=0,
        symbol=symbol,
        is_buy=buy,
        volume=volume,
        price_open=venue.quotes.price(symbol, buy=buy),
        time_msc=venue.now_ms,
        time_update_msc=venue.now_ms,
    )
