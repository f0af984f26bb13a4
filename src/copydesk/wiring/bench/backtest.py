"""The RSI strategy over seeded candles: our compiled form against vectorbt, whose trades must be the same ones.

vectorbt is in an environment of its own (its licence keeps it out of ours) and in a process of its own. One process at a time
works; rounds take turns. Each is timed from the closes to the list of its trades with their results.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from copydesk.domain.errors import CopydeskError
from copydesk.engine.backtest.terms import Exit, Terms
from copydesk.engine.backtest.vector import EXITS, Trips, add_up, scan
from copydesk.ports.strategy import Columns
from copydesk.strategies.rsi import RsiSettings, RsiStrategy
from copydesk.wiring.bench.machine import Cost, describe_machine, median
from copydesk.wiring.bench.peer import SCRIPTS, interpreter_of

Tell = Callable[[str, int, int], None]

PEER = "vectorbt"
THRESHOLDS = tuple((buy, sell) for buy in (30, 35, 40, 45) for sell in (55, 60, 65, 70))
ONCE = ((40, 60),)

_TERMS = Terms(balance=Decimal(1_000_000_000), size_usd=Decimal(1_000), slippage_pct=Decimal(0))
_TICK = Decimal("0.01")
_EXACT = 1e-9


@dataclass(slots=True)
class Job:
    """So many candles, with so many pairs of thresholds; `rows` of it are candles × pairs."""

    name: str
    columns: Columns
    thresholds: Sequence[tuple[int, int]]
    ours: list[Cost] = field(default_factory=list)
    theirs: list[Cost] = field(default_factory=list)
    trades: int = 0

    @property
    def rows(self) -> int:
        return len(self.columns.open) * len(self.thresholds)

    def row(self, who: str, costs: Sequence[Cost]) -> dict[str, Any]:
        cost = median(costs)
        return {
            "backtest": f"{who}, {self.name}",
            "rows_a_second": round(self.rows / cost.cpu_s),
            "ms_cpu": round(cost.cpu_s * 1_000, 1),
            "ms_wall": round(cost.wall_s * 1_000, 1),
            "trades": self.trades,
        }

    @property
    def ratio(self) -> float | None:
        """CPU of theirs over CPU of ours; None where vectorbt is not here."""
        return round(median(self.theirs).cpu_s / median(self.ours).cpu_s, 1) if self.theirs else None


def run_backtest_bench(*, candles: int, rounds: int, seed: int, tell: Tell) -> dict[str, Any]:
    """`rows_us_over_vectorbt` is that of the sweep, `rows_once_us_over_vectorbt` that of one run; None without vectorbt.

    Raises CopydeskError where one trade of the two differs.
    """
    tell("Making candles", 0, rounds)
    swept = seeded_columns(max(candles // 5, 1_000), seed)
    jobs = [
        Job("a sweep of 16", swept, THRESHOLDS),
        Job("one run", seeded_columns(candles, seed), ONCE),
    ]
    python = interpreter_of(PEER)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-bench-")))
        peer = None if python is None else stack.enter_context(_Vectorbt(python))
        for job in jobs:
            _play(job, peer, place, rounds, tell)
    rows = [job.row("copydesk", job.ours) for job in jobs]
    rows += [job.row(PEER, job.theirs) for job in jobs if job.theirs]
    return {
        "benchmark": "backtest",
        "machine": describe_machine(),
        "candles": candles,
        "rounds": rounds,
        "seed": seed,
        "trades_equal": None if python is None else True,  # a difference would have been raised
        "rows": rows,
        "ratios": {"rows_us_over_vectorbt": jobs[0].ratio, "rows_once_us_over_vectorbt": jobs[1].ratio},
    }


def seeded_columns(count: int, seed: int) -> Columns:
    """A minute market about 40,000 with a tick of 0.01, some noise between a close and the next open."""
    random = np.random.default_rng(seed)
    closes = np.rint(4_000_000 * np.exp(np.cumsum(random.normal(0, 0.0006, count)))).astype(np.int64)
    opens = np.concatenate((closes[:1], closes[:-1])) + random.integers(-200, 201, count)
    highs = np.maximum(opens, closes) + random.integers(0, 2_000, count)
    lows = np.minimum(opens, closes) - random.integers(0, 2_000, count)
    return Columns(
        start_ms=np.arange(count, dtype=np.int64) * 60_000,
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        closes=closes * float(_TICK),
        tick=_TICK,
    )


def _play(job: Job, peer: "_Vectorbt | None", place: Path, rounds: int, tell: Tell) -> None:
    tell(f"{job.name}, comparing trades", 0, rounds)
    _, ours = _ours(job)  # compiled now, if it was not
    job.trades = sum(len(one.way) for one in ours)
    if peer is not None:
        peer.take(_given(job, place))
        _demand_equal(job, ours, np.load(place / "trades.npy"))
    for number in range(rounds):
        tell(job.name, number, rounds)
        job.ours.append(_ours(job)[0])
        if peer is not None:
            job.theirs.append(peer.fire())


def _ours(job: Job) -> tuple[Cost, list[Trips]]:
    """The indicator once, then each pair of thresholds: signals, trades, their sum."""
    columns = job.columns
    columns.kept.clear()
    wall, cpu = perf_counter(), process_time()
    found = []
    for buy, sell in job.thresholds:
        strategy = RsiStrategy(RsiSettings(rsi_buy=Decimal(buy), rsi_sell=Decimal(sell)))
        trips = scan(columns, strategy.signals(columns), _TERMS, history=strategy.history)
        add_up(trips, columns, _TERMS)
        found.append(trips)
    return Cost(perf_counter() - wall, process_time() - cpu), found


class _Vectorbt:
    """The peer's process."""

    def __init__(self, python: Path) -> None:
        self._command = (str(python), str(SCRIPTS / "vectorbt_rsi.py"))

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own script
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._process.communicate()

    def take(self, job: dict[str, Any]) -> None:
        """It has worked through the job once when this returns, and written its trades down."""
        self._ask(json.dumps(job))

    def fire(self) -> Cost:
        told = self._ask("go")
        return Cost(told["wall_s"], told["cpu_s"])

    def _ask(self, line: str) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise CopydeskError("vectorbt has no streams")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise CopydeskError("vectorbt ended without an answer; its own words are above")
        told: dict[str, Any] = json.loads(answer)
        return told


def _given(job: Job, place: Path) -> dict[str, Any]:
    columns, settings = job.columns, RsiSettings()
    prices = {name: getattr(columns, name) * float(_TICK) for name in ("open", "high", "low", "close")}
    np.savez(place / "candles.npz", start_ms=columns.start_ms, **prices)
    return {
        "candles": str(place / "candles.npz"),
        "trades": str(place / "trades.npy"),
        "thresholds": job.thresholds,
        "rsi_period": settings.rsi_period,
        "history": RsiStrategy(settings).history,
        "stop_loss": float(settings.stop_loss_pct or 0) / 100,
        "take_profit": float(settings.take_profit_pct or 0) / 100,
        "size": float(_TERMS.size_usd or 0),
        "fee": float(_TERMS.fee_pct) / 100,
        "balance": float(_TERMS.balance),
    }


def _demand_equal(job: Job, ours: Sequence[Trips], theirs: NDArray[np.float64]) -> None:
    """Each trade's settings, side, candles and prices. An exit at a stop may differ by the tick that ours is rounded to."""
    mine = np.concatenate([_table(number, trips) for number, trips in enumerate(ours)])
    theirs = theirs[np.lexsort((theirs[:, 2], theirs[:, 0]))]
    if len(mine) != len(theirs):
        raise CopydeskError(f"{job.name}: {len(mine)} trades of ours, {len(theirs)} of vectorbt")
    apart = np.abs(mine - theirs)
    size, tick = float(_TERMS.size_usd or 0), float(_TICK)
    allowed = np.column_stack(
        [
            np.zeros((len(mine), 4)),
            mine[:, 4] * _EXACT,
            np.full(len(mine), 1.01 * tick),
            size * 1.02 * tick / mine[:, 4],
        ]
    )
    wrong = np.flatnonzero((apart > allowed).any(axis=1))
    if len(wrong):
        first = wrong[0]
        raise CopydeskError(
            f"{job.name}: {len(wrong)} trades differ, first {mine[first]} of ours, {theirs[first]} of vectorbt"
        )


def _table(number: int, trips: Trips) -> NDArray[np.float64]:
    """Setting, side (0 long), candles, prices, result after fees; as vectorbt tells its own. What is open at the end it
    values at the last close, without the fee of leaving: that one fee is left out here too.
    """
    tick, size, fee = float(_TICK), float(_TERMS.size_usd or 0), float(_TERMS.fee_pct) / 100
    ended = size * trips.exit / trips.entry
    left = trips.why != EXITS.index(Exit.END)
    result = trips.way * (ended - size) - (size + ended * left) * fee
    columns = (trips.way < 0, trips.opened_index, trips.closed_index, trips.entry * tick, trips.exit * tick, result)
    return np.column_stack([np.full(len(trips.way), number), *columns]).astype(np.float64)
