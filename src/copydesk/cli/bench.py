"""`copydesk bench`: figures with the peer and the floor in the same run."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from copydesk.wiring.bench.agents import serve as serve_agents
from copydesk.wiring.bench.broadcast import run_broadcast
from copydesk.wiring.bench.exchange import serve as serve_exchange
from copydesk.wiring.bench.fanout import run_fanout
from copydesk.wiring.bench.goals import goal_of, is_met
from copydesk.wiring.bench.ingest import run_ingest
from copydesk.wiring.bench.naive import serve as serve_naive
from copydesk.wiring.bench.report import render
from copydesk.wiring.bench.terminals import run_terminals
from copydesk.wiring.logs import set_up_logs
from copydesk.wiring.loop import run

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
console = Console(stderr=True, highlight=False)


@app.callback()
def bench() -> None:
    """Measure copydesk, the peer and the floor in one run."""


Rounds = Annotated[int, typer.Option(min=1, max=50, help="Rounds; medians are told.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")]
Report = Annotated[
    Path | None, typer.Option(dir_okay=False, writable=True, help="Write the figures as a page with pictures (HTML).")
]


@app.command()
def fanout(
    *,
    followers: Annotated[int, typer.Option(min=1, max=10_000, help="Followers a signal.")] = 1_000,
    rounds: Rounds = 5,
    growth: Annotated[bool, typer.Option(help="Ten times the followers, too.")] = True,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """One signal to many followers, against plain ccxt and against bare signed sockets."""
    with _measuring("Starting the exchange") as tell:
        found = run(run_fanout(followers=followers, rounds=rounds, growth=growth, tell=tell))
    _show(found, f"{followers} followers, {rounds} rounds")
    _table(found["steps"])
    console.print(f"The exchange itself took {found['exchange_us_cpu_an_order']} µs CPU an order")
    _hand_out(found, as_json=as_json, report=report)


@app.command()
def ingest(
    *,
    alerts: Annotated[int, typer.Option(min=16, max=10_000, help="Alerts a round.")] = 2_000,
    at_once: Annotated[int, typer.Option(min=1, max=256, help="Alerts under way at one time.")] = 16,
    rounds: Rounds = 3,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """Alerts accepted durably, against FastAPI with inline SQLite."""
    with _measuring("Starting both") as tell:
        found = run(run_ingest(alerts=alerts, at_once=at_once, rounds=rounds, tell=tell))
    _show(found, f"{alerts} alerts, {at_once} at a time, {rounds} rounds")
    _table(found["steps"])
    _hand_out(found, as_json=as_json, report=report)


@app.command()
def broadcast(
    *,
    agents: Annotated[int, typer.Option(min=1, max=20_000, help="Connected agents.")] = 5_000,
    rounds: Rounds = 9,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """One message to many agents, against FastAPI with a send_json loop."""
    with _measuring("Starting both") as tell:
        found = run(run_broadcast(agents=agents, rounds=rounds, tell=tell))
    _show(found, f"{agents} agents, {rounds} rounds")
    _hand_out(found, as_json=as_json, report=report)


@app.command()
def mt5(
    *,
    followers: Annotated[int, typer.Option(min=1, max=50, help="Followers, each with a terminal and a copier.")] = 4,
    rounds: Annotated[int, typer.Option(min=3, max=500, help="A trade is opened and closed in each.")] = 30,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """From a master's hand to its followers' fills, on a simulated broker, with the floor."""
    with _measuring("Starting") as tell:
        found = run(run_terminals(followers=followers, rounds=rounds, tell=tell))
    _show(found, f"1 and {followers} followers, {2 * rounds} trades each")
    _hand_out(found, as_json=as_json, report=report)


@app.command()
def dashboard(
    *,
    tabs: Annotated[int, typer.Option(min=1, max=500, help="Open pages.")] = 20,
    seconds: Annotated[int, typer.Option(min=4, max=600, help="How long it is watched, a signal a second.")] = 20,
    rounds: Rounds = 3,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """Open pages that follow a signal a second, against none: the dashboard's CPU, and the hub's fan-out."""
    from copydesk.wiring.bench.dashboard import run_dashboard  # noqa: PLC0415  the other benchmarks need no client of pages

    with _measuring("Starting the demo") as tell:
        found = run(run_dashboard(tabs=tabs, seconds=seconds, rounds=rounds, tell=tell))
    _show(found, f"{tabs} pages, {seconds} signals a round, {rounds} rounds")
    _hand_out(found, as_json=as_json, report=report)


@app.command(hidden=True)
def agents(
    port: Annotated[int, typer.Option(min=1, max=65535)],
    *,
    naive: Annotated[bool, typer.Option("--naive")] = False,
) -> None:
    """Either side of `broadcast`, in a process of its own."""
    run(serve_agents(port, naive=naive))


@app.command()
def backtest(
    *,
    candles: Annotated[int, typer.Option(min=1_000, max=5_000_000, help="Candles of one run.")] = 1_000_000,
    rounds: Rounds = 5,
    seed: Annotated[int, typer.Option(help="The market's seed: the same seed, the same candles.")] = 1,
    as_json: AsJson = False,
    report: Report = None,
) -> None:
    """The RSI strategy over many candles, against vectorbt, trade by trade the same."""
    from copydesk.wiring.bench.backtest import run_backtest_bench  # noqa: PLC0415  numba: the other benchmarks do without

    with _measuring("Making candles") as tell:
        found = run_backtest_bench(candles=candles, rounds=rounds, seed=seed, tell=tell)
    _show(found, f"{candles:,} candles, {rounds} rounds")
    if found["trades_equal"] is None:
        console.print(
            "  [yellow]vectorbt is not here, so there is nothing to compare with.[/yellow] In a checkout, "
            "`python tests/peers/environments.py vectorbt` makes its environment."
        )
    _hand_out(found, as_json=as_json, report=report)


@app.command(hidden=True)
def exchange(port: Annotated[int, typer.Option(min=1, max=65535)]) -> None:
    """The other end of `fanout`, in a process of its own."""
    run(serve_exchange(port))


@app.command(hidden=True)
def naive(
    port: Annotated[int, typer.Option(min=1, max=65535)],
    database: Annotated[Path, typer.Option()],
    secret: Annotated[str, typer.Option(envvar="COPYDESK_BENCH_SECRET")],
) -> None:
    """The other side of `ingest`, in a process of its own."""
    run(serve_naive(port, database, secret))


_HEADINGS = {
    "client": "client",
    "ms_on_the_wire": "ms to the last order out",
    "ms_total": "ms to the end",
    "us_cpu_an_order": "µs CPU an order",
    "ms_first_signal": "ms to the first, cold",
    "mb_grown": "MB grown",
    "step": "one follower's way",
    "server": "server",
    "alerts_a_second": "alerts a second",
    "ms_median": "ms to an answer, median",
    "ms_p99": "ms, 99 of 100",
    "us_cpu_an_alert": "µs CPU an alert",
    "part": "one alert's way",
    "ms_median_receipt": "ms to half of them",
    "ms_last_receipt": "ms to the last",
    "us_cpu_an_agent": "µs CPU of the server an agent",
    "ms_p50": "ms, median",
    "ms_p95": "ms, 95 of 100",
    "backtest": "backtest",
    "rows_a_second": "rows a second of CPU",
    "ms_cpu": "ms of CPU",
    "ms_wall": "ms",
    "trades": "trades",
    "pages": "pages",
    "pct_of_a_core": "% of a core",
    "ms_fanout": "ms of a fan-out",
    "hub_ms_a_signal": "hub, ms CPU a signal",
    "messages": "messages to pages",
}


@contextmanager
def _measuring(first: str) -> Iterator[Callable[[str, int, int], None]]:
    """Says what is done and how far it is."""
    set_up_logs(quiet=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(first, total=None)
        yield lambda what, done, total: progress.update(bar, description=what, completed=done, total=total)


def _show(found: dict[str, Any], how: str) -> None:
    machine = found["machine"]
    console.print(f"{how}, medians; {machine['cores']} cores, Python {machine['python']}")
    _table(found["rows"])


def _table(rows: list[dict[str, Any]]) -> None:
    table = Table()
    for number, name in enumerate(rows[0]):
        table.add_column(_HEADINGS[name], justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)


def _hand_out(found: dict[str, Any], *, as_json: bool, report: Path | None) -> None:
    for name, value in found["ratios"].items():
        goal, met = goal_of(name), is_met(name, value)
        colour = {True: "green", False: "yellow", None: "default"}[met]
        console.print(f"  {name} = [{colour}]{value}[/{colour}]" + (f"   goal {goal}" if goal else ""))
    if report is not None:
        report.write_text(render(found, _HEADINGS), encoding="utf-8")
        console.print(f"The page: {report}")
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
