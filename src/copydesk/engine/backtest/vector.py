"""The compiled form of a backtest, for sweeps: the rules of `fills.py` themselves, compiled by numba, on whole ticks.

Its trades are those of the plain form, each with the same candles, ticks and exit; that is tested, not hoped for. The money
of a sweep is floats, that of a plain backtest is exact.
"""

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from numba.extending import register_jitable

from copydesk.engine.backtest import fills
from copydesk.engine.backtest.accounts import FUNDING_EVERY_MS, RoundTrip, millionths
from copydesk.engine.backtest.fills import NOT_TOUCHED, entering, leaving, stop_price, target_price, touched
from copydesk.engine.backtest.terms import Exit, Terms
from copydesk.ports.strategy import Columns, Signals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

EXITS = (Exit.SIGNAL, Exit.STOP_LOSS, Exit.TAKE_PROFIT, Exit.END)
"""By their numbers in a scan; those of stops are what `touched` answers."""

_SIGNAL, _END = 0, 3
_NEVER = 2**63 - 1

for _rule in (fills._up, entering, leaving, stop_price, target_price, touched):  # noqa: SLF001  all the rules
    register_jitable(_rule)


class Trips(NamedTuple):
    """Round trips as columns, in order; prices in ticks, `why` by its place in `EXITS`."""

    way: "Whole"
    opened_index: "Whole"
    closed_index: "Whole"
    entry: "Whole"
    exit: "Whole"
    why: "Whole"


class Sums(NamedTuple):
    """What all trips did to the account together; drawdown by the balance after each trade, of the highest before it."""

    balance: float
    trades: int
    wins: int
    won: float
    lost: float
    fees: float
    drawdown_pct: float


def scan(columns: Columns, signals: Signals, terms: Terms, *, history: int) -> Trips:
    """Decisions begin with candle `history`, as in the plain form."""
    found = _scan(
        signals.wishes,
        columns.open,
        columns.high,
        columns.low,
        columns.close,
        history,
        signals.longs,
        signals.shorts,
        millionths(signals.stop_loss_pct),
        millionths(signals.take_profit_pct),
        millionths(terms.slippage_pct),
    )
    return Trips(*(found[row] for row in range(len(Trips._fields))))


def add_up(trips: Trips, columns: Columns, terms: Terms) -> Sums:
    """In floats; the first trip that the balance cannot pay is the end, as in the plain form."""
    return Sums(
        *_add_up(
            trips.way,
            trips.entry,
            trips.exit,
            _fundings(columns.start_ms[trips.closed_index]) - _fundings(columns.start_ms[trips.opened_index]),
            float(terms.balance),
            float(terms.size_usd or 0),
            float(terms.fee_pct) / 100,
            float(terms.funding_pct) / 100,
        )
    )


def _fundings(start_ms: "Whole") -> "Whole":
    """How many of them there were until then, since 1970."""
    counted: Whole = start_ms // FUNDING_EVERY_MS
    return counted


def trips_of(found: Trips) -> list[RoundTrip]:
    """One by one, to be booked exactly."""
    return [
        RoundTrip(way=way, opened_index=opened, closed_index=closed, entry=entry, exit=exit_, why=EXITS[why])
        for way, opened, closed, entry, exit_, why in zip(*(column.tolist() for column in found), strict=True)
    ]


@numba.njit  # type: ignore[untyped-decorator]  # numba has no types; not cached on the disk: it would not notice a change of fills.py
def _scan(
    wishes: "NDArray[np.int8]",
    opened: "Whole",
    high: "Whole",
    low: "Whole",
    close: "Whole",
    first: int,
    longs: bool,
    shorts: bool,
    stop_share: int,
    target_share: int,
    slippage: int,
) -> "Whole":
    """From wish to wish: one that opens, then the candle that ends it. A pass of the loop is one round trip."""
    found = np.empty((6, len(wishes)), np.int64)
    count, index = 0, _next_opening(wishes, first, longs, shorts)
    while index < len(wishes) - 1:
        way, begun = wishes[index], index + 1
        entry = entering(way, opened[begun], slippage)
        stop = stop_price(way, entry, stop_share) if stop_share > 0 else 0
        target = target_price(way, entry, target_share) if target_share > 0 else 0
        index, why, price = _leaving(wishes, opened, high, low, close, begun, way, stop, target)
        found[0, count], found[1, count], found[2, count] = way, begun, index
        found[3, count], found[4, count], found[5, count] = entry, leaving(way, price, slippage), why
        count, index = count + 1, _next_opening(wishes, index, longs, shorts)
    return found[:, :count]


@numba.njit  # type: ignore[untyped-decorator]  # see above
def _next_opening(wishes: "NDArray[np.int8]", index: int, longs: bool, shorts: bool) -> int:
    """The first candle from here on that wishes for a position that is allowed."""
    while index < len(wishes) and not ((wishes[index] > 0 and longs) or (wishes[index] < 0 and shorts)):
        index += 1
    return index


@numba.njit  # type: ignore[untyped-decorator]  # see above
def _leaving(
    wishes: "NDArray[np.int8]",
    opened: "Whole",
    high: "Whole",
    low: "Whole",
    close: "Whole",
    index: int,
    way: int,
    stop: int,
    target: int,
) -> tuple[int, int, int]:
    """Where a position ends that begins with candle `index`, why, and at which price.

    Most candles neither reach down to the lower of its two prices nor up to the upper one, nor wish for anything else.
    """
    lower, upper = (stop, target) if way > 0 else (target, stop)
    upper = upper if upper > 0 else _NEVER
    while index < len(wishes):
        if low[index] <= lower or high[index] >= upper:
            why, price = touched(way, opened[index], high[index], low[index], stop, target)
            if why != NOT_TOUCHED:
                return index, why, price
        if wishes[index] == -way and index + 1 < len(wishes):
            return index + 1, _SIGNAL, opened[index + 1]
        index += 1
    return len(wishes) - 1, _END, close[-1]


@numba.njit  # type: ignore[untyped-decorator]  # see above
def _add_up(
    way: "Whole",
    entry: "Whole",
    exit_: "Whole",
    fundings: "Whole",
    balance: float,
    size: float,
    fee: float,
    funding: float,
) -> tuple[float, int, int, float, float, float, float]:
    trades, wins, won, lost, fees, peak, drawdown = 0, 0, 0.0, 0.0, 0.0, balance, 0.0
    for index in range(len(way)):
        stake = size if size > 0 else balance
        if not 0 < stake <= balance:
            break
        ended = stake * exit_[index] / entry[index]
        paid = (stake + ended) * fee
        net = way[index] * (ended - stake) - paid - way[index] * stake * funding * fundings[index]
        balance += net
        fees += paid
        trades += 1
        if net > 0:
            wins += 1
            won += net
        else:
            lost -= net
        peak = max(peak, balance)
        drawdown = max(drawdown, (peak - balance) / peak)
    return balance, trades, wins, won, lost, fees, drawdown * 100
