"""`copydesk simulate`: a venue of one's own on loopback."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from copydesk.simulators import binance as binance_simulator

app = typer.Typer(no_args_is_help=True)
console = Console(stderr=True)


@app.callback()
def simulate() -> None:
    """Run one venue's simulator; nothing of it leaves this machine."""


@app.command()
def binance(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8101,
    seed: Annotated[int, typer.Option(help="The market's seed: the same seed, the same prices.")] = 1,
    prices: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV ts_ms,open,high,low,close,volume for BTCUSDT.")
    ] = None,
    state: Annotated[Path | None, typer.Option(dir_okay=False, help="Keep accounts and orders in this file.")] = None,
) -> None:
    """Binance USDⓈ-M futures: REST, user stream and a market that moves."""

    def ready(found: int) -> None:
        console.print(f"[green]Binance simulator on http://127.0.0.1:{found}[/green]", highlight=False)

    asyncio.run(binance_simulator.serve(port=port, seed=seed, prices=prices, state=state, on_ready=ready))
