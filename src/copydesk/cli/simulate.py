"""`copydesk simulate`: a venue of one's own on loopback."""

import asyncio
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from copydesk.cli import simulate_metatrader5
from copydesk.simulators import binance as binance_simulator
from copydesk.simulators import deriv as deriv_simulator
from copydesk.simulators.market import CandleFileError

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
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


@app.command()
def deriv(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8102,
    seed: Annotated[int, typer.Option(help="The market's seed: the same seed, the same prices.")] = 1,
    prices: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SYMBOL=]FILE",
            help="CSV ts_ms,open,high,low,close,volume to replay, four ticks each; the symbol is the file name's, else R_100. Repeatable.",
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Keep accounts and contracts in this file.")
    ] = None,
    virtual_time: Annotated[
        bool, typer.Option("--virtual-time", help="Time moves only when told, by POST /_sim/time.")
    ] = False,
    margin: Annotated[
        str, typer.Option(help="The house's part: payout = stake / (0.5 + margin), about ×1.95 by default.")
    ] = "0.0128",
) -> None:
    """Deriv options: WebSocket API with ticks, candles and rise/fall contracts."""

    def ready(found: int) -> None:
        console.print(f"[green]Deriv simulator on ws://127.0.0.1:{found}[/green]", highlight=False)

    try:
        run = deriv_simulator.serve(
            port=port,
            seed=seed,
            prices=prices or (),
            state=state,
            virtual_time=virtual_time,
            margin=_margin(margin),
            on_ready=ready,
        )
        asyncio.run(run)
    except (CandleFileError, deriv_simulator.StateFileError, OSError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None


def _margin(text: str) -> Decimal:
    try:
        margin = Decimal(text)
    except InvalidOperation:
        margin = Decimal(-1)
    if not margin.is_finite() or not 0 <= margin < Decimal("0.5"):
        raise typer.BadParameter("a number from 0 to below 0.5", param_hint="--margin")
    return margin
