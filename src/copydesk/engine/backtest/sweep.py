"""One strategy with many settings over the same candles: every combination, compiled where the strategy allows it."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.engine.backtest.figures import curve_of, figures_of
from copydesk.engine.backtest.run import Tell, demand_enough, play
from copydesk.engine.backtest.tape import Tape, columns_of
from copydesk.engine.backtest.terms import Terms, demand_sensible
from copydesk.engine.backtest.vector import add_up, scan
from copydesk.ports.strategy import Columns, Strategy, SweepStrategy

COMBINATIONS_MAX = 10_000
AXES_MAX = 4

Make = Callable[[Mapping[str, str]], Strategy]


class Cell(Struct, frozen=True, kw_only=True):
    """One combination; figures in floats. `refused` says why settings were not taken, and then there are no figures.

    `max_drawdown_pct` is by the balance after each trade: less than what an open position showed in between.
    """

    values: Mapping[str, str]
    return_pct: float | None = None
    trades: int = 0
    win_rate_pct: float | None = None
    profit_factor: float | None = None
    max_drawdown_pct: float | None = None
    refused: str | None = None


def sweep(
    make: Make,
    axes: Mapping[str, Sequence[str]],
    tape: Tape,
    terms: Terms,
    *,
    tell: Tell = lambda _done, _total: None,
) -> list[Cell]:
    """Each combination of the axes' values, the last axis running fastest. Raises InvalidInput."""
    demand_sensible(terms)
    demand_few(axes)
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    columns = columns_of(tape)
    cells: list[Cell] = []
    for done, values in enumerate(combinations):
        tell(done, len(combinations))
        cells.append(_cell(make, values, tape, columns, terms))
    tell(len(combinations), len(combinations))
    if all(cell.refused for cell in cells):
        raise InvalidInput(f"sweep: no combination makes sense; the first: {cells[0].refused}")
    return cells


def demand_few(axes: Mapping[str, Sequence[str]]) -> None:
    count = 1
    for values in axes.values():
        count *= len(values)
    if not axes or len(axes) > AXES_MAX or not 1 <= count <= COMBINATIONS_MAX:
        problem = f"{len(axes)} settings in {count} combinations; at most {AXES_MAX} and {COMBINATIONS_MAX}"
        raise InvalidInput(f"sweep: {problem}", (FieldError("sweep", problem),))


def best_of(cells: Sequence[Cell]) -> Cell | None:
    """By return; None where nothing was played."""
    return max((one for one in cells if one.return_pct is not None), key=lambda one: one.return_pct or 0, default=None)


def _cell(make: Make, values: Mapping[str, str], tape: Tape, columns: Columns, terms: Terms) -> Cell:
    """Settings that contradict each other (rsi_buy above rsi_sell) are part of a grid, not its end; a name that there is
    not is refused before.
    """
    try:
        strategy = make(values)
    except InvalidInput as error:
        return Cell(values=values, refused=str(error))
    demand_enough(strategy, tape)
    if isinstance(strategy, SweepStrategy):
        return _compiled(strategy, values, columns, terms)
    return _plain(strategy, values, tape, terms)


def _compiled(strategy: SweepStrategy, values: Mapping[str, str], columns: Columns, terms: Terms) -> Cell:
    trips = scan(columns, strategy.signals(columns), terms, history=strategy.history)
    sums = add_up(trips, columns, terms)
    started = float(terms.balance)
    return Cell(
        values=values,
        return_pct=round((sums.balance - started) / started * 100, 4),
        trades=sums.trades,
        win_rate_pct=round(100 * sums.wins / sums.trades, 4) if sums.trades else None,
        profit_factor=round(sums.won / sums.lost, 4) if sums.lost else None,
        max_drawdown_pct=round(sums.drawdown_pct, 4),
    )


def _plain(strategy: Strategy, values: Mapping[str, Any], tape: Tape, terms: Terms) -> Cell:
    trades = play(strategy, tape, terms).trades
    found = figures_of(trades, curve_of(trades, tape, terms), tape, terms)
    peak, deepest = terms.balance, 0.0
    for trade in trades:
        peak = max(peak, trade.balance)
        deepest = max(deepest, float((peak - trade.balance) / peak * 100))
    return Cell(
        values=values,
        return_pct=found.return_pct,
        trades=found.trades,
        win_rate_pct=found.win_rate_pct,
        profit_factor=found.profit_factor,
        max_drawdown_pct=round(deepest, 4),
    )
