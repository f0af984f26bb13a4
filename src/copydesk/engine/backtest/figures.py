"""What a backtest comes to. Money is exact; what is drawn or divided (the curve, ratios, percentages) is floats."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from copydesk.engine.backtest.tape import Tape
from copydesk.engine.backtest.terms import ClosedTrade, Terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

_YEAR_MS = 365 * 24 * 3_600_000
_STEADY = 1e-12


class Figures(Struct, frozen=True, kw_only=True):
    """Percentages 0 to 100. None where there is nothing to divide by.

    `max_drawdown_pct`: the deepest fall of the balance, open position included, from its highest before, by closes of candles.
    `sharpe`: mean over deviation of the returns from candle to candle, times the root of the candles a year (counted from the
    file: its candles, over the time they span, over 365 days); no interest is taken off. `exposure_pct`: candles with something open.
    """

    balance: Decimal
    net: Decimal
    return_pct: float
    buy_and_hold_pct: float
    trades: int
    wins: int
    losses: int
    win_rate_pct: float | None
    profit_factor: float | None
    average_win: Decimal | None
    average_loss: Decimal | None
    best: Decimal | None
    worst: Decimal | None
    losses_in_a_row: int
    max_drawdown_pct: float
    sharpe: float | None
    exposure_pct: float
    fees: Decimal
    funding: Decimal


def figures_of(trades: Sequence[ClosedTrade], curve: "NDArray[np.float64]", tape: Tape, terms: Terms) -> Figures:
    won = [one.net for one in trades if one.net > 0]
    lost = [one.net for one in trades if one.net <= 0]
    net = sum((one.net for one in trades), Decimal(0))
    nets = [*won, *lost]
    first, last = tape.candles[0].open, tape.candles[-1].close
    return Figures(
        balance=terms.balance + net,
        net=net,
        return_pct=_pct(net, terms.balance),
        buy_and_hold_pct=_pct(last - first, first),
        trades=len(trades),
        wins=len(won),
        losses=len(lost),
        win_rate_pct=_pct(Decimal(len(won)), Decimal(len(trades))) if trades else None,
        profit_factor=round(float(sum(won, Decimal(0)) / -sum(lost, Decimal(0))), 4) if sum(lost, Decimal(0)) else None,
        average_win=sum(won, Decimal(0)) / len(won) if won else None,
        average_loss=sum(lost, Decimal(0)) / len(lost) if lost else None,
        best=max(nets, default=None),
        worst=min(nets, default=None),
        losses_in_a_row=_longest_run(trades),
        max_drawdown_pct=round(float(drawdown_of(curve).max(initial=0.0)), 4),
        sharpe=_sharpe(curve, tape),
        exposure_pct=round(100 * float(_exposed(trades, len(tape.candles))) / len(tape.candles), 4),
        fees=sum((one.fees for one in trades), Decimal(0)),
        funding=sum((one.funding for one in trades), Decimal(0)),
    )


def curve_of(trades: Sequence[ClosedTrade], tape: Tape, terms: Terms) -> "NDArray[np.float64]":
    """The account at each candle's close, an open position valued there; a contract counts when it is settled."""
    closes = np.array([float(one.close) for one in tape.candles])
    ends = np.searchsorted([one.closed_index for one in trades], np.arange(len(closes)), side="right")
    curve: NDArray[np.float64] = np.array([float(terms.balance), *(float(one.balance) for one in trades)])[ends]
    for trade in trades:
        if trade.contract is None:
            within = slice(trade.opened_index, trade.closed_index)
            way = 1 if trade.side == "LONG" else -1
            curve[within] += way * (closes[within] - float(trade.entry_price)) * float(trade.quantity)
    return curve


def drawdown_of(curve: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Per cent below the highest so far, at each candle."""
    peak = np.maximum.accumulate(curve)
    fallen: NDArray[np.float64] = (peak - curve) / peak * 100
    return fallen


def _sharpe(curve: "NDArray[np.float64]", tape: Tape) -> float | None:
    if curve.min() <= 0:
        return None
    returns = curve[1:] / curve[:-1] - 1
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    span_ms = tape.candles[-1].start_ms - tape.candles[0].start_ms
    if deviation < _STEADY or span_ms <= 0:
        return None
    a_year = len(returns) * _YEAR_MS / span_ms
    return round(float(returns.mean()) / deviation * math.sqrt(a_year), 4)


def _exposed(trades: Sequence[ClosedTrade], candles: int) -> int:
    held = np.zeros(candles, dtype=bool)
    for trade in trades:
        held[trade.opened_index : trade.closed_index + 1] = True
    return int(held.sum())


def _longest_run(trades: Sequence[ClosedTrade]) -> int:
    longest = run = 0
    for trade in trades:
        run = 0 if trade.net > 0 else run + 1
        longest = max(longest, run)
    return longest


def _pct(part: Decimal, whole: Decimal) -> float:
    return round(float(part / whole * 100), 4)
