"""One backtest from its file to its figures, and the JSON that tells it."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins
from numpy.typing import NDArray

from copydesk.domain.candle import Candle
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.instrument import plain
from copydesk.engine.backtest.figures import Figures, curve_of, drawdown_of, figures_of
from copydesk.engine.backtest.run import Note, Played, play
from copydesk.engine.backtest.sweep import Cell, best_of, sweep
from copydesk.engine.backtest.tape import Tape, tape_of
from copydesk.engine.backtest.terms import ClosedTrade, Terms, demand_sensible
from copydesk.ports.strategy import Decision, Strategy
from copydesk.stores.candle_files import CandleFile, read_candle_file
from copydesk.strategies.ruin import RuinCard, demand_funded, ruin_card
from copydesk.strategies.streak import StreakStrategy
from copydesk.wiring.strategies import StrategyMaker

Tell = Callable[[str, int, int], None]

_CENT_PLACES = 8
_GAPS_SHOWN = 20
_POINTS_MAX = 2_000


class Sweep(Struct, frozen=True, kw_only=True):
    """Every combination tried, and the one with the highest return."""

    axes: Mapping[str, Sequence[str]]
    cells: Sequence[Cell]
    best: Cell


class Found(Struct, frozen=True, kw_only=True):
    """Everything that a table, JSON or a page tells of. With a sweep, what was played are its best settings."""

    strategy: str
    settings: Mapping[str, Any]
    terms: Terms
    file: CandleFile
    tape: Tape
    played: Played
    curve: NDArray[np.float64]
    figures: Figures
    ladders: "Ladders | None"
    card: RuinCard | None
    sweep: Sweep | None


class Ladders(Struct, frozen=True, kw_only=True):
    """Contracts by the ladders they belong to; one that was still under way counts as lost."""

    count: int
    won: int
    lost: int
    deepest_level: int
    ended_at_level: Mapping[int, int]


def card_of(strategy: Strategy, terms: Terms) -> RuinCard | None:
    """None for a strategy without a ladder."""
    if not isinstance(strategy, StreakStrategy):
        return None
    demand_sensible(terms)
    return ruin_card(strategy.terms, balance=terms.balance, payout=terms.payout)


def run_backtest(
    make: StrategyMaker,
    given: Mapping[str, str],
    terms: Terms,
    candles: Path | CandleFile,
    *,
    axes: Mapping[str, Sequence[str]] | None = None,
    decisions: Path | None = None,
    tell: Tell = lambda _what, _done, _total: None,
) -> Found:
    """Raises InvalidInput: for a file, a setting or a ladder that cannot be used, by its name."""
    demand_sensible(terms)
    strategy = make(given)
    file = candles if isinstance(candles, CandleFile) else _read(candles, tell)
    tape = tape_of(file.candles, file.interval_ms)
    swept = None
    if axes is not None:
        swept = _swept(make, given, axes, tape, terms, tell)
        strategy = make({**given, **swept.best.values})
    card = _fitting(strategy, terms, file)
    with ExitStack() as stack:
        note = _noting(decisions, stack)
        played = play(strategy, tape, terms, tell=lambda done, total: tell("Deciding", done, total), note=note)
    curve = curve_of(played.trades, tape, terms)
    return Found(
        strategy=strategy.name,
        settings=strategy.settings,
        terms=terms,
        file=file,
        tape=tape,
        played=played,
        curve=curve,
        figures=figures_of(played.trades, curve, tape, terms),
        ladders=ladders_of(played.trades),
        card=card,
        sweep=swept,
    )


def _read(path: Path, tell: Tell) -> CandleFile:
    return read_candle_file(path, lambda done, total: tell("Reading candles", done, total))


def as_json(found: Found) -> dict[str, Any]:
    """Money and prices as decimal text."""
    file = found.file
    told: dict[str, Any] = {
        "strategy": found.strategy,
        "settings": _plain(found.settings),
        "terms": _plain(to_builtins(found.terms, builtin_types=(Decimal,))),
        "candles": {
            "file": file.path,
            "count": len(file.candles),
            "interval_s": file.interval_ms / 1_000,
            "from": _utc(file.candles[0]),
            "to": _utc(file.candles[-1]),
            "gaps": len(file.gaps),
            "missing": sum(gap.missing for gap in file.gaps),
            "first_gaps": [to_builtins(gap) for gap in file.gaps[:_GAPS_SHOWN]],
        },
        "decisions": dict(found.played.decided),
        "figures": figures_as_json(found),
        "curve": points_of(found, _POINTS_MAX),
        "trades": [_plain(to_builtins(trade, builtin_types=(Decimal,))) for trade in found.played.trades],
    }
    if found.ladders is not None:
        told["ladders"] = to_builtins(found.ladders, str_keys=True)
    if found.card is not None:
        told["ruin_card"] = card_as_json(found.card)
    if found.sweep is not None:
        told["sweep"] = to_builtins(found.sweep)
    return told


def figures_as_json(found: Found) -> dict[str, Any]:
    told: dict[str, Any] = _plain(to_builtins(found.figures, builtin_types=(Decimal,)))
    return told


def points_of(found: Found, most: int) -> list[dict[str, Any]]:
    """The account at closes, so many at most; the drawdown is the deepest since the point before."""
    fallen, candles = drawdown_of(found.curve), found.tape.candles
    width = -(-len(candles) // most)
    return [
        {
            "at": _utc(candles[min(first + width, len(candles)) - 1]),
            "account": f"{found.curve[min(first + width, len(candles)) - 1]:.2f}",
            "drawdown_pct": round(float(fallen[first : first + width].max()), 4),
        }
        for first in range(0, len(candles), width)
    ]


def card_as_json(card: RuinCard) -> dict[str, Any]:
    told: dict[str, Any] = _plain(to_builtins(card, builtin_types=(Decimal,)))
    return told


def ladders_of(trades: Sequence[ClosedTrade]) -> Ladders | None:
    """None where no contract was bought. A contract of level 1 begins a ladder."""
    contracts = [one for one in trades if one.contract is not None]
    if not contracts:
        return None
    lasts = [
        one for one, after in zip(contracts, [*contracts[1:], None], strict=True) if after is None or after.level == 1
    ]
    won = sum(one.net > 0 for one in lasts)
    ended = {level: sum(one.level == level for one in lasts) for level in sorted({one.level for one in lasts})}
    return Ladders(
        count=len(lasts),
        won=won,
        lost=len(lasts) - won,
        deepest_level=max(one.level for one in contracts),
        ended_at_level=ended,
    )


def _swept(
    make: StrategyMaker,
    given: Mapping[str, str],
    axes: Mapping[str, Sequence[str]],
    tape: Tape,
    terms: Terms,
    tell: Tell,
) -> Sweep:
    cells = sweep(
        lambda values: make({**given, **values}),
        axes,
        tape,
        terms,
        tell=lambda done, total: tell("Trying settings", done, total),
    )
    best = best_of(cells)
    if best is None:
        raise InvalidInput("sweep: nothing was played")
    return Sweep(axes=axes, cells=cells, best=best)


def _fitting(strategy: Strategy, terms: Terms, file: CandleFile) -> RuinCard | None:
    """A ladder that the balance can pay, on candles of the length that it counts."""
    card = card_of(strategy, terms)
    if card is None or not isinstance(strategy, StreakStrategy):
        return None
    if strategy.terms.candle_s * 1_000 != file.interval_ms:
        problem = f"{strategy.terms.candle_s}, but the candles of {file.path} are {file.interval_ms // 1_000} s long"
        raise InvalidInput(f"candle_s: {problem}", (FieldError("candle_s", problem),))
    demand_funded(card, strategy.terms)
    return card


def _noting(path: Path | None, stack: ExitStack) -> Note:
    """Each decision as a JSON line, those to hold too."""
    if path is None:
        return lambda _candle, _decision: None
    try:
        file = stack.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"decisions: {error}") from None

    def note(candle: Candle, decision: Decision) -> None:
        wish = _plain(to_builtins(decision.intention, builtin_types=(Decimal,)))
        line = {"candle": _utc(candle), "intention": wish, "reason": decision.reason, "numbers": decision.numbers}
        file.write(json.dumps(line) + "\n")

    return note


def _utc(candle: Candle) -> str:
    return candle.opened_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(round(value, _CENT_PLACES))
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
