"""One trade request, checked or done: the one door through which programs, hands and tests change an account."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.metatrader5.broker import changing, dealing, pending, rules, triggers
from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.records import Outcome, Request
from copydesk.simulators.metatrader5.broker.refusals import Refused
from copydesk.simulators.metatrader5.broker.valuation import Value, value_of
from copydesk.simulators.metatrader5.broker.venue import Venue
from copydesk.simulators.metatrader5.broker.words import Action, Retcode


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The account as it would be; margin and free margin are those after the deal."""

    value: Value
    margin: Decimal


def advance(venue: Venue, now_ms: int) -> None:
    """Let everything happen that is due by then (milliseconds of the server's clock)."""
    for at_ms in venue.quotes.steps(now_ms):
        triggers.step(venue, at_ms)
    venue.now_ms = max(venue.now_ms, now_ms)


def send(venue: Venue, account: Account, request: Request, *, most: Decimal | None = None) -> Outcome:
    """Do it; ``most`` bounds a market order's fill. Raises Refused, after which nothing has changed."""
    rules.check_permissions(account, request)
    actions: dict[int, Callable[[], Outcome]] = {
        Action.DEAL: lambda: dealing.deal(venue, account, request, most=most),
        Action.PENDING: lambda: pending.place(venue, account, request),
        Action.SLTP: lambda: changing.set_levels(venue, account, request),
        Action.MODIFY: lambda: pending.modify(venue, account, request),
        Action.REMOVE: lambda: pending.remove(venue, account, request),
        Action.CLOSE_BY: lambda: changing.close_by(venue, account, request),
    }
    if request.action not in actions:
        raise Refused(Retcode.INVALID)
    return actions[request.action]()


def check(venue: Venue, account: Account, request: Request) -> Forecast:
    """The dry run. Raises Refused."""
    rules.check_permissions(account, request)
    value = value_of(account, venue.quotes)
    match request.action:
        case Action.DEAL:
            dealing.check_deal(venue, account, request)
            return Forecast(value=value, margin=dealing.wanted_margin(venue, account, request))
        case Action.PENDING:
            pending.check_placing(venue, account, request)
        case Action.SLTP:
            changing.check_levels(venue, account, request)
        case Action.MODIFY:
            pending.check_changing(venue, account, request)
        case Action.REMOVE:
            pending.find_waiting(account, request.order)
        case Action.CLOSE_BY:
            changing.check_pair(venue, account, request)
        case _:
            raise Refused(Retcode.INVALID)
    return Forecast(value=value, margin=value.margin)
