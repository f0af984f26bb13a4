"""`copydesk backtest`: what a strategy would have done on candles of yours."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from copydesk.cli.backtest_tables import show, show_card
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.strategies.ruin import RuinCard
from copydesk.wiring.backtest.page import render
from copydesk.wiring.backtest.play import Found, as_json, card_as_json, card_of, run_backtest
from copydesk.wiring.backtest.stored import candle_source
from copydesk.wiring.backtest.words import read_sets, read_sweep, read_terms
from copydesk.wiring.strategies import StrategyMaker

console = Console(stderr=True, highlight=False)


SweepText = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=LOW:HIGH[:STEP],…",
        help="Try every combination, and play the best: rsi_buy=30:45,rsi_sell=55:70",
    ),
]
Report = Annotated[
    Path | None, typer.Option(dir_okay=False, writable=True, help="Write a page with the charts (HTML).")
]
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Stored = Annotated[
    str | None,
    typer.Option(metavar="[MARKET/]SYMBOL", help="Candles that this desk's bots have stored, in place of a file."),
]
Moment = Annotated[datetime | None, typer.Option("--from", formats=_FORMATS, help="With --stored: from then on, UTC.")]
Decisions = Annotated[
    Path | None, typer.Option(dir_okay=False, writable=True, help="Write every decision, a JSON line each.")
]


def backtest(
    strategy: Annotated[str, typer.Argument(help="rsi, streak, or a file of yours: ./my_strategy.py")],
    *,
    candles: Annotated[
        Path | None, typer.Option(dir_okay=False, help="CSV with ts_ms,open,high,low,close,volume.")
    ] = None,
    stored: Stored = None,
    timeframe: Annotated[str, typer.Option(help="With --stored: 1m, 5m, 15m, 30m, 1h, 4h or 1d.")] = "1m",
    since: Moment = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=_FORMATS, help="With --stored: until then, UTC.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the strategy. Repeatable.")
    ] = None,
    sweep: SweepText = None,
    balance: Annotated[str, typer.Option(help="What the account begins with.")] = "10000",
    size: Annotated[
        str | None, typer.Option(help="Money in each position; the whole balance unless given. Contracts have stakes.")
    ] = None,
    fee: Annotated[str, typer.Option(help="Per cent of each side of a trade.")] = "0.05",
    slippage: Annotated[str, typer.Option(help="Per cent by which each fill is worse.")] = "0.01",
    funding: Annotated[str, typer.Option(help="Per cent that longs pay to shorts every eight hours.")] = "0",
    payout: Annotated[str, typer.Option(help="What a won contract returns for 1 staked.")] = "1.95",
    ruin_card: Annotated[
        bool, typer.Option("--ruin-card", help="Show only what the ladder of streak costs; needs no candles.")
    ] = False,
    as_json_line: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
    report: Report = None,
    decisions: Decisions = None,
) -> None:
    """Run a strategy over candles: trades, account, drawdown, and what it cost."""
    terms = read_terms(balance=balance, size=size, fee=fee, slippage=slippage, funding=funding, payout=payout)
    make, given = StrategyMaker(strategy), read_sets(settings or ())
    card = card_of(make(given), terms)
    if card is not None:
        show_card(card, console)
    if ruin_card:
        _hand_out_card(card, as_json_line=as_json_line)
        return
    source = candle_source(candles, stored, timeframe, _utc(since), _utc(until))
    if report is not None and not report.absolute().parent.is_dir():
        raise InvalidInput(f"report: there is no folder {report.parent}", (FieldError("report", "no such folder"),))
    axes = None if sweep is None else read_sweep(sweep)
    with _telling() as tell:
        found = run_backtest(make, given, terms, source, axes=axes, decisions=decisions, tell=tell)
    _hand_out(found, as_json_line=as_json_line, report=report)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _hand_out_card(card: RuinCard | None, *, as_json_line: bool) -> None:
    if card is None:
        raise InvalidInput("ruin-card: this strategy has no ladder; streak has")
    if as_json_line:
        sys.stdout.write(json.dumps(card_as_json(card)) + "\n")


def _hand_out(found: Found, *, as_json_line: bool, report: Path | None) -> None:
    show(found, console)
    if report is not None:
        report.write_text(render(found), encoding="utf-8")
        console.print(f"The page: {report}")
    if as_json_line:
        sys.stdout.write(json.dumps(as_json(found)) + "\n")


@contextmanager
def _telling() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is done, gone when it is over."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Starting", total=None)
        yield lambda what, done, total: progress.update(bar, description=what, completed=done, total=total)
