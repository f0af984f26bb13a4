"""`copydesk bench`: figures with the peer and the floor in the same run."""

import asyncio
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from copydesk.wiring.bench.fanout import run_fanout
from copydesk.wiring.logs import set_up_logs

app = typer.Typer(no_args_is_help=True)
console = Console(stderr=True, highlight=False)


@app.callback()
def bench() -> None:
    """Measure copydesk on this machine."""


@app.command()
def fanout(
    *,
    followers: Annotated[int, typer.Option(min=1, max=10_000, help="Followers a signal.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds; medians are told.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
) -> None:
    """One signal to many followers, against plain ccxt and against bare signed sockets."""
    set_up_logs(quiet=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task("Starting the exchange", total=None)
        found = asyncio.run(
            run_fanout(
                followers=followers,
                rounds=rounds,
                tell=lambda what, done, total: progress.update(bar, description=what, completed=done, total=total),
            ),
        )
    _show(found)
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")


def _show(found: dict[str, Any]) -> None:
    machine = found["machine"]
    console.print(
        f"{found['followers']} followers, {found['rounds']} rounds, medians; {machine['cores']} cores, Python {machine['python']}"
    )
    table = Table()
    table.add_column("client")
    table.add_column("ms total", justify="right")
    table.add_column("µs CPU an order", justify="right")
    for row in found["rows"]:
        table.add_row(row["client"], str(row["ms_total"]), str(row["us_cpu_an_order"]))
    console.print(table)
    for name, value in found["ratios"].items():
        console.print(f"  {name} = {value}")
