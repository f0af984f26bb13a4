"""`copydesk bench`: figures with the peer and the floor in the same run."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from copydesk.wiring.bench.exchange import serve
from copydesk.wiring.bench.fanout import run_fanout
from copydesk.wiring.logs import set_up_logs

T = TypeVar("T")

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
        found = _run(
            run_fanout(
                followers=followers,
                rounds=rounds,
                tell=lambda what, done, total: progress.update(bar, description=what, completed=done, total=total),
            ),
        )
    _show(found)
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")


@app.command(hidden=True)
def exchange(port: Annotated[int, typer.Option(min=1, max=65535)]) -> None:
    """The other end of `fanout`, in a process of its own."""
    _run(serve(port))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """On the loop that the hub runs on."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415  it is not there on Windows

    return uvloop.run(work)


_COLUMNS = ("client", "ms_total", "us_cpu_an_order", "ms_first_signal", "mb_grown")


def _show(found: dict[str, Any]) -> None:
    machine = found["machine"]
    console.print(
        f"{found['followers']} followers, {found['rounds']} rounds, medians; {machine['cores']} cores, Python {machine['python']}"
    )
    table = Table()
    table.add_column("client")
    table.add_column("ms total", justify="right")
    table.add_column("µs CPU an order", justify="right")
    table.add_column("ms to the first, cold", justify="right")
    table.add_column("MB grown", justify="right")
    for row in found["rows"]:
        table.add_row(*(str(row[name]) for name in _COLUMNS))
    console.print(table)
    console.print(f"The exchange itself took {found['exchange_us_cpu_an_order']} µs CPU an order")
    for name, value in found["ratios"].items():
        console.print(f"  {name} = {value}")
