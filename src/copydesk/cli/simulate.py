"""`copydesk simulate`: a venue of one's own on loopback."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from copydesk.cli import simulate_metatrader5
from copydesk.simulators import binance as binance_simulator
from copydesk.simulators.market import CandleFileError

app = typer.Typer(no_args_is_help=True)
console = Console(stderr=True)
app.add_typer(simulate_metatrader5.app, name="metatrader5")


@app.callback()
def simulate() -> None:
    """Run one venue's simulator; nothing of it leaves this machine."""


@app.command()
def binance(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8101,
    seed: Annotated[int, typer.Option(help="The market's seed: the same seed, the same prices.")] = 1,
    prices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYMBOL=]FILE",
            help="CSV ts_ms,open,high,low,close,volume to replay; the symbol is the file name's, else BTCUSDT. Repeatable.",
        ),
    ] = None,
    state: Annotated[Path | None, typer.Option(dir_okay=False, help="Keep accounts and orders in this file.")] = None,
    virtual_time: Annotated[
        bool, typer.Option("--virtual-time", help="Time moves only when told, by POST /_sim/time.")
    ] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM certificate: serve HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="PEM key of it.")] = None,
) -> None:
    """Binance USDⓈ-M futures: REST, user stream and a market that moves."""

    def ready(found: int) -> None:
        scheme = "http" if tls_cert is None else "https"
        console.print(f"[green]Binance simulator on {scheme}://127.0.0.1:{found}[/green]", highlight=False)

    try:
        tls = binance_simulator.tls_context(tls_cert, tls_key)
        run = binance_simulator.serve(
            port=port, seed=seed, prices=prices or (), state=state, virtual_time=virtual_time, tls=tls, on_ready=ready
        )
        asyncio.run(run)
    except (CandleFileError, binance_simulator.StateFileError, OSError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None
