"""What a round trip did to the account: quantity, fees, funding, result. Exact decimals."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from copydesk.engine.backtest.tape import Tape
from copydesk.engine.backtest.terms import ClosedTrade, Exit, Terms

FUNDING_EVERY_MS = 8 * 3_600_000
_HUNDRED = Decimal(100)


class RoundTrip(Struct, frozen=True, kw_only=True):
    """A position from its fill to its end, in ticks; `way` is 1 for a long and −1 for a short."""

    way: int
    opened_index: int
    closed_index: int
    entry: int
    exit: int
    why: Exit
    reason: str = ""
    size_usd: Decimal | None = None


def stake_of(balance: Decimal, wished_usd: Decimal | None, terms: Terms) -> Decimal | None:
    """What goes into a position; None where the balance has not that much."""
    wanted = wished_usd if wished_usd is not None else terms.size_usd
    stake = balance if wanted is None else wanted
    return stake if 0 < stake <= balance else None


def booked(trip: RoundTrip, stake: Decimal, balance: Decimal, tape: Tape, terms: Terms) -> ClosedTrade:
    entry, exit_ = trip.entry * tape.tick, trip.exit * tape.tick
    quantity = stake / entry
    gross = trip.way * (exit_ - entry) * quantity
    fees = (stake + exit_ * quantity) * terms.fee_pct / _HUNDRED
    opened_ms, closed_ms = tape.candles[trip.opened_index].start_ms, tape.candles[trip.closed_index].start_ms
    funding = trip.way * stake * terms.funding_pct / _HUNDRED * fundings_between(opened_ms, closed_ms)
    net = gross - fees - funding
    return ClosedTrade(
        side="LONG" if trip.way > 0 else "SHORT",
        opened_index=trip.opened_index,
        closed_index=trip.closed_index,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        entry_price=entry,
        exit_price=exit_,
        quantity=quantity,
        gross=gross,
        fees=fees,
        funding=funding,
        net=net,
        balance=balance + net,
        reason=trip.reason,
        exit=trip.why,
    )


def book_all(trips: Iterable[RoundTrip], tape: Tape, terms: Terms) -> list[ClosedTrade]:
    """One after the other; the first that the balance cannot pay is the end."""
    trades: list[ClosedTrade] = []
    balance = terms.balance
    for trip in trips:
        stake = stake_of(balance, trip.size_usd, terms)
        if stake is None:
            break
        trades.append(booked(trip, stake, balance, tape, terms))
        balance = trades[-1].balance
    return trades


def fundings_between(opened_ms: int, closed_ms: int) -> int:
    """Payments due after the opening, up to the start of the candle in which it ended."""
    return closed_ms // FUNDING_EVERY_MS - opened_ms // FUNDING_EVERY_MS


def millionths(pct: Decimal | None) -> int:
    """0 for none."""
    return 0 if pct is None else int(pct * 10_000)
