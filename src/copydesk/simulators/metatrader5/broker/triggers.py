"""What happens by itself at each step: waiting orders, levels of positions, stop-out, and swaps at the server's midnight."""

from decimal import Decimal

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.dealing import reduce
from copydesk.simulators.metatrader5.broker.pending import trigger
from copydesk.simulators.metatrader5.broker.quotes import cents
from copydesk.simulators.metatrader5.broker.records import Order, Position
from copydesk.simulators.metatrader5.broker.valuation import floating, value_of
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Entry, OrderState, OrderType, Reason

_DAY_MS = 86_400_000
_WEDNESDAY = 2
_SATURDAY = 5
TRIPLE_DAY = 3  # swap_rollover3days: Wednesday, counted from Sunday


def step(venue: Venue, at_ms: int) -> None:
    """One step of the market: ``at_ms`` is its moment on the server's clock."""
    nights = range(venue.now_ms // _DAY_MS, at_ms // _DAY_MS)
    venue.now_ms = at_ms
    for account in venue.accounts.values():
        for night in nights:
            _roll_over(venue, account, night)
        settle(venue, account)


def settle(venue: Venue, account: Account) -> None:
    """Everything that the present prices ask of one account."""
    for order in list(account.orders.values()):
        trigger(venue, account, order)
    for position in list(account.positions.values()):
        _check_levels(venue, account, position)
    _stop_out(venue, account)


def _check_levels(venue: Venue, account: Account, position: Position) -> None:
    if not venue.quotes.is_open(position.symbol):
        return
    price, up = venue.quotes.price(position.symbol, buy=not position.is_buy), position.is_buy
    if position.sl and (price <= position.sl if up else price >= position.sl):
        _close(venue, account, position, Reason.STOP_LOSS, f"[sl {position.sl.normalize():f}]")
    elif position.tp and (price >= position.tp if up else price <= position.tp):
        _close(venue, account, position, Reason.TAKE_PROFIT, f"[tp {position.tp.normalize():f}]")


def _stop_out(venue: Venue, account: Account) -> None:
    """The largest loss first, until the level is enough again."""
    while account.positions:
        value = value_of(account, venue.quotes)
        if not value.margin or value.level_pct > account.stop_out_pct:
            return
        open_ones = [each for each in account.positions.values() if venue.quotes.is_open(each.symbol)]
        if not open_ones:
            return
        worst = min(open_ones, key=lambda each: floating(account, each, venue.quotes))
        _close(venue, account, worst, Reason.STOP_OUT, f"[so {value.level_pct:.2f}%]")


def _close(venue: Venue, account: Account, position: Position, reason: Reason, comment: str) -> None:
    price = venue.quotes.price(position.symbol, buy=not position.is_buy)
    order = Order(
        ticket=venue.next_ticket(),
        symbol=position.symbol,
        type=OrderType.SELL if position.is_buy else OrderType.BUY,
        volume_initial=position.volume,
        volume_current=Decimal(0),
        price=price,
        time_setup_msc=venue.now_ms,
        magic=position.magic,
        reason=reason,
        comment=comment,
    )
    reduce(venue, account, order, position, position.volume, price, entry=Entry.OUT)
    venue.finish(account, order, OrderState.FILLED)


def _roll_over(venue: Venue, account: Account, day: int) -> None:
    """The night after ``day`` (counted from the epoch, a Thursday): none at weekends, three on Wednesdays for them."""
    weekday = (day + TRIPLE_DAY) % 7
    if weekday >= _SATURDAY:
        return
    for position in account.positions.values():
        each = venue.quotes.instruments[position.symbol]
        points = each.swap_long if position.is_buy else each.swap_short
        nightly = points * each.point * each.contract_size * position.volume * (3 if weekday == _WEDNESDAY else 1)
        position.swap += cents(venue.quotes.convert(nightly, each.profit, account.currency))
